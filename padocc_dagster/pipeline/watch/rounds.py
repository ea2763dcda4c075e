"""Rounds: every published product is looked at once a day, a share of them each hour, those first that were looked at longest ago.

A project's products are looked at together, so that what is said of the project is said of all of them.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.published import Published, owners, published_groups, published_in, published_of
from padocc_dagster.pipeline.watch.findings import Finding, Result, compared, known, waiting
from padocc_dagster.pipeline.watch.last import NEVER, Last, keep_found, last_found
from padocc_dagster.pipeline.watch.look import Look, looks

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
    for published, owner in owners(workdir, products):
        found.setdefault(owner or published, []).append(published)
    members = [Unit(key if isinstance(key, Project) else None, tuple(each)) for key, each in found.items()]
    return [unit for unit in members if not wanted or wanted & {each.group for each in unit.products}]


def due(workdir: Workdir, now: float) -> list[Unit]:
    """What is to be looked at in this hour, the longest ago first, and then what an earlier round has left to be compared or reported.

    What was found of products that are gone is forgotten.
    """
    everything = units(workdir)
    lasts = _lasts(workdir, everything)
    _forget_gone(workdir, everything, lasts)
    before = [[_last(lasts, each) for each in unit.products] for unit in everything]
    looked = [min(last.looked for last in each) for each in before]
    old = sorted((n for n, when in enumerate(looked) if when < now - ROUND_SECONDS), key=looked.__getitem__)
    left = sorted((n for n, each in enumerate(before) if looked[n] >= now - ROUND_SECONDS and any(map(_is_left, each))), key=looked.__getitem__)
    share = max(SMALLEST_SHARE, math.ceil(len(everything) / SHARES))
    return [everything[n] for n in (*old[:share], *left[:share])]


def watch(workdir: Workdir, members: list[Unit], now: float, seconds: float = math.inf) -> Iterator[Watched]:
    """Look at all of them, then compare those whose sources changed, one after another. All is kept as soon as it is known.

    After so many seconds nothing more is looked at, and nothing more is compared: that is left to the next round.
    """
    end, lasts = monotonic() + seconds, _lasts(workdir, members)
    seen: list[list[Look]] = []
    while len(seen) < len(members) and (not seen or monotonic() < end):
        seen += _looks(workdir, members[len(seen) : len(seen) + TOGETHER])
    _keep(workdir, {each.published: _pending(each, _last(lasts, each.published), now) for mine in seen for each in mine})
    for unit, mine in zip(members, seen, strict=False):
        before = [_last(lasts, look.published) for look in mine]
        findings = []
        for look, last in zip(mine, before, strict=True):
            found = known(look, last) or (compared(workdir, look) if monotonic() < end else waiting(look))
            findings.append(found)
        changed = [(each, last) for each, last in zip(findings, before, strict=True) if not each.is_good]
        _keep(workdir, {each.look.published: _kept(each, last, now) for each, last in changed})
        yield _watched(unit.project, tuple(findings), before)


def watch_project(workdir: Workdir, project: Project) -> Watched:
    """Look at one project's products now, whenever that was done last. Nothing is kept: see `reported`."""
    unit = Unit(project, tuple(published_of(workdir, project)))
    lasts = _lasts(workdir, [unit])
    before = [_last(lasts, published) for published in unit.products]
    (seen,) = _looks(workdir, [unit])
    findings = tuple(known(look, last) or compared(workdir, look) for look, last in zip(seen, before, strict=True))
    return _watched(project, findings, before)


def reported(workdir: Workdir, watched: Iterable[Watched], now: float) -> None:
    """Keep that Dagster knows these findings."""
    findings = [finding for each in watched for finding in each.findings]
    _keep(workdir, {each.look.published: _kept(each, NEVER, now, each.word) for each in findings})


Lasts = dict[str, dict[str, Last]]


def _watched(project: Project | None, findings: tuple[Finding, ...], before: list[Last]) -> Watched:
    is_news = any(each.word != last.reported for each, last in zip(findings, before, strict=True))
    return Watched(project, findings, is_news, not any(last.looked for last in before))


def _lasts(workdir: Workdir, members: Iterable[Unit]) -> Lasts:
    return {group: last_found(workdir, group) for group in {each.group for unit in members for each in unit.products}}


def _last(lasts: Lasts, published: Published) -> Last:
    return lasts[published.group].get(published.name, NEVER)


def _looks(workdir: Workdir, members: list[Unit]) -> list[list[Look]]:
    """The looks at the products of each."""
    seen = looks(workdir, ((each, unit.project) for unit in members for each in unit.products))
    return [[next(seen) for _ in unit.products] for unit in members]


def _is_left(last: Last) -> bool:
    """Whether a round ended before it compared the product, or before it reported what is wrong with it."""
    return last.result in ("", Result.WAITING) or (last.result != Result.UNCHANGED and last.word != last.reported)


def _pending(look: Look, last: Last, now: float) -> Last:
    """What is kept before a comparison: that of the last look, if the same was seen."""
    if look.is_good or look.problem:
        return Last(now, look.fingerprint, Result.UNKNOWN if look.problem else Result.UNCHANGED, reported=last.reported)
    same = last.fingerprint == look.fingerprint
    return Last(now, look.fingerprint, *((last.result, last.problems, last.sampling) if same else ("", (), "")), last.reported)


def _kept(finding: Finding, last: Last, now: float, reported: str = "") -> Last:
    return Last(now, finding.look.fingerprint, finding.result, finding.problems, finding.sampling, reported or last.reported)


def _keep(workdir: Workdir, found: dict[Published, Last]) -> None:
    for group in {each.group for each in found}:
        keep_found(workdir, group, {each.name: last for each, last in found.items() if each.group == group})


def _forget_gone(workdir: Workdir, everything: Iterable[Unit], lasts: Lasts) -> None:
    present = {(each.group, each.name) for unit in everything for each in unit.products}
    for group, names in lasts.items():
        if gone := [name for name in names if (group, name) not in present]:
            keep_found(workdir, group, {}, gone)
