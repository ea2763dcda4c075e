"""Rounds: every published product is looked at once a day, a share of them each hour, those first that were looked at longest ago.

A project's products are looked at together, so that what is said of the project is said of all of them.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from time import monotonic
from typing import Any, NamedTuple

from padocc_dagster.pipeline.watch.findings import Finding, Result, compared, known
from padocc_dagster.pipeline.watch.last import NEVER, Last, Lasts, keep_found, last_found
from padocc_dagster.pipeline.watch.look import Look, looks
from padocc_dagster.pipeline.workdir.event_log import Histories
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.published import (
    Published,
    groups_of,
    owners,
    published_at,
    published_groups,
    published_in,
    published_of,
)
from padocc_dagster.pipeline.workdir.withdrawn import is_begun

ROUND_SECONDS = 20 * 3600.0
"""How old a look may get before the next: less than a day, so that an hour that was missed is made up for."""
SHARES = 20
"""In how many hours a round is complete."""
SMALLEST_SHARE = 50
"""Projects that are looked at in an hour at least, where so many are due."""
TOGETHER = 100
"""Projects that are looked at before the clock is."""


class Unit(NamedTuple):
    """A project and its published products; without a project, one product of a project that was removed."""

    project: Project | None
    products: tuple[Published, ...]


@dataclass(frozen=True)
class Watched:
    """What is so of a project's published products now."""

    project: Project | None
    findings: tuple[Finding, ...]
    is_news: bool
    """Whether Dagster knows something else, or nothing yet."""
    is_first: bool
    """Whether they were never looked at before."""


def units(workdir: Workdir, groups: Iterable[str] = ()) -> list[Unit]:
    """All published products by project, or those of which at least one lies in one of the groups."""
    wanted = set(groups)
    found: dict[Project | Published, list[Published]] = {}
    products = (each for group in published_groups(workdir) for each in published_in(workdir, group))
    for published, owner in owners(workdir, chain(products, deleted(workdir, published_groups(workdir)))):
        found.setdefault(owner or published, []).append(published)
    members = [Unit(key if isinstance(key, Project) else None, tuple(each)) for key, each in found.items()]
    return [unit for unit in members if not wanted or wanted & {each.group for each in unit.products}]


def deleted(workdir: Workdir, groups: Iterable[str]) -> Iterator[Published]:
    """Products that a round has looked at and that are not where they were, although nobody withdrew them."""
    for group in groups:
        for last in last_found(workdir, group).values():
            published = published_at(group, workdir.completed / last.path)
            if published and not published.place.exists() and not is_begun(published):
                yield published


def known_products(workdir: Workdir, project: Project) -> list[Published]:
    """The project's published products, oldest first, and those that were deleted."""
    groups = groups_of(project, Histories(workdir))
    gone = (each for each in deleted(workdir, groups) if each.code == project.code)
    return sorted([*published_of(workdir, project), *gone], key=lambda each: (each.number, each.revision))


def due(workdir: Workdir, now: float) -> list[Unit]:
    """What is to be looked at in this hour, the longest ago first, and then what an earlier round has left to be compared or reported.

    What was found of products that were withdrawn is forgotten.
    """
    everything = units(workdir)
    lasts = Lasts(workdir)
    _forget_withdrawn(workdir, everything)
    before = [[lasts.of(each) for each in unit.products] for unit in everything]
    looked = [min(last.looked for last in each) for each in before]
    by_age = sorted(range(len(everything)), key=looked.__getitem__)
    old = [n for n in by_age if looked[n] < now - ROUND_SECONDS]
    left = [n for n in by_age if looked[n] >= now - ROUND_SECONDS and any(map(_is_left, before[n]))]
    share = max(SMALLEST_SHARE, math.ceil(len(everything) / SHARES))
    return [everything[n] for n in (*old[:share], *left[:share])]


def watch(workdir: Workdir, members: list[Unit], now: float, seconds: float = math.inf) -> Iterator[Watched]:
    """Look at all of them, then compare those whose sources changed, one after another. All is kept as soon as it is known.

    After so many seconds nothing more is looked at, and nothing more is compared: that is left to the next round.
    """
    end, lasts = monotonic() + seconds, Lasts(workdir)
    seen: list[list[Look]] = []
    while len(seen) < len(members) and (not seen or monotonic() < end):
        seen += _looks(workdir, members[len(seen) : len(seen) + TOGETHER])
    _keep(workdir, {each.published: _pending(each, lasts.of(each.published), now) for mine in seen for each in mine})
    for unit, mine in zip(members, seen, strict=False):
        before = [lasts.of(look.published) for look in mine]
        findings = []
        for look, last in zip(mine, before, strict=True):
            later = Finding(look, Result.WAITING, ("other products are compared first",))
            found = known(look, last) or (compared(workdir, look) if monotonic() < end else later)
            findings.append(found)
        changed = [(each, last) for each, last in zip(findings, before, strict=True) if not each.is_good]
        _keep(workdir, {each.look.published: _kept(each, last, now) for each, last in changed})
        withdrawn = any(is_begun(each.look.published) and not each.look.published.place.exists() for each, _ in changed)
        yield watch_project(workdir, unit.project) if withdrawn and unit.project else _watched(unit.project, tuple(findings), before)


def watch_project(workdir: Workdir, project: Project) -> Watched:
    """Look at one project's products now, whenever that was done last. Nothing is kept: see `reported`."""
    unit = Unit(project, tuple(known_products(workdir, project)))
    lasts = Lasts(workdir)
    before = [lasts.of(published) for published in unit.products]
    (seen,) = _looks(workdir, [unit])
    findings = tuple(known(look, last) or compared(workdir, look) for look, last in zip(seen, before, strict=True))
    return _watched(project, findings, before)


def reported(workdir: Workdir, watched: Iterable[Watched], now: float) -> None:
    """Keep that Dagster knows these findings."""
    findings = [finding for each in watched for finding in each.findings]
    _keep(workdir, {each.look.published: _kept(each, NEVER, now, each.word) for each in findings})


def _watched(project: Project | None, findings: tuple[Finding, ...], before: list[Last]) -> Watched:
    is_news = any(each.word != last.reported for each, last in zip(findings, before, strict=True))
    return Watched(project, findings, is_news, not any(last.looked for last in before))


def _looks(workdir: Workdir, members: list[Unit]) -> list[list[Look]]:
    """The looks at the products of each."""
    seen = looks(workdir, ((each, unit.project) for unit in members for each in unit.products))
    return [[next(seen) for _ in unit.products] for unit in members]


def _is_left(last: Last) -> bool:
    """Whether a round ended before it compared the product, or before it reported what is wrong with it."""
    return last.result in ("", Result.WAITING) or (last.result != Result.UNCHANGED and last.word != last.reported)


def _pending(look: Look, last: Last, now: float) -> Last:
    """What is kept before a comparison: that of the last look, if the same was seen."""
    seen: dict[str, Any] = {"looked": now, "fingerprint": look.fingerprint, "reported": last.reported}
    if look.is_good or look.problem:
        return Last(**seen, result=Result.UNKNOWN if look.problem else Result.UNCHANGED)
    if last.fingerprint == look.fingerprint:
        return Last(**seen, result=last.result, problems=last.problems, sampling=last.sampling)
    return Last(**seen)


def _kept(finding: Finding, last: Last, now: float, reported: str = "") -> Last:
    return Last(
        looked=now,
        fingerprint=finding.look.fingerprint,
        result=finding.result,
        problems=finding.problems,
        sampling=finding.sampling,
        reported=reported or last.reported,
    )


def _keep(workdir: Workdir, found: dict[Published, Last]) -> None:
    by_group: dict[str, dict[str, Last]] = {}
    for each, last in found.items():
        path = each.product.path.relative_to(workdir.completed)
        by_group.setdefault(each.group, {})[each.name] = replace(last, path=str(path))
    for group, lasts in by_group.items():
        keep_found(workdir, group, lasts)


def _forget_withdrawn(workdir: Workdir, everything: Iterable[Unit]) -> None:
    present = {(each.group, each.name) for unit in everything for each in unit.products}
    for group in published_groups(workdir):
        if gone := [name for name in last_found(workdir, group) if (group, name) not in present]:
            keep_found(workdir, group, {}, gone)
