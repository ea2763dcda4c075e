"""Rounds: every published product is looked at once a day, a share of them each hour, those first that were looked at longest ago.

A project's products are looked at together, so that what is said of the project is said of all of them.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.published import Published, owners, published_groups, published_in, published_of
from padocc_dagster.pipeline.watch.findings import Finding, Result, examined
from padocc_dagster.pipeline.watch.last import NEVER, Last, keep_found, last_found
from padocc_dagster.pipeline.watch.look import Look, looks

ROUND_SECONDS = 20 * 3600.0
"""How old a look may get before the next: less than a day, so that an hour that was missed is made up for."""
SHARES = 20
"""In how many hours a round is complete."""
SMALLEST_SHARE = 50
"""Projects that are looked at in an hour at least, where so many are due."""


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
    """What is to be looked at in this hour, the longest ago first. What was found of products that are gone is forgotten."""
    everything = units(workdir)
    lasts = _lasts(workdir, everything)
    _forget_gone(workdir, everything, lasts)
    looked = [min(_looked(_last(lasts, each)) for each in unit.products) for unit in everything]
    waiting = [number for number in range(len(everything)) if looked[number] < now - ROUND_SECONDS]
    share = max(SMALLEST_SHARE, math.ceil(len(everything) / SHARES))
    return [everything[number] for number in sorted(waiting, key=looked.__getitem__)[:share]]


def watch(workdir: Workdir, members: list[Unit], now: float) -> Iterator[Watched]:
    """Look at all of them, then compare those whose sources changed, one after another. All is kept as soon as it is known."""
    lasts = _lasts(workdir, members)
    seen = list(looks(workdir, ((each, unit.project) for unit in members for each in unit.products)))
    _keep(workdir, {look.published: _pending(look, _last(lasts, look.published), now) for look in seen})
    by_unit = iter(seen)
    for unit in members:
        mine = [next(by_unit) for _ in unit.products]
        findings = tuple(examined(workdir, look, last=_last(lasts, look.published)) for look in mine)
        before = [_last(lasts, published) for published in unit.products]
        found = {each.look.published: _kept(each, last, now) for each, last in zip(findings, before, strict=True) if not each.is_good}
        _keep(workdir, found)
        yield _watched(unit.project, findings, before)


def watch_project(workdir: Workdir, project: Project) -> Watched:
    """Look at one project's products now, whenever that was done last. Nothing is kept: see `reported`."""
    unit = Unit(project, tuple(published_of(workdir, project)))
    lasts = _lasts(workdir, [unit])
    before = [_last(lasts, published) for published in unit.products]
    seen = looks(workdir, ((published, project) for published in unit.products))
    findings = tuple(examined(workdir, look, last=last) for look, last in zip(seen, before, strict=True))
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


def _looked(last: Last) -> float:
    """When the product was looked at; never, when the round was interrupted before its comparison or its report."""
    interrupted = not last.result or (last.result != Result.UNCHANGED and last.word != last.reported)
    return 0.0 if interrupted else last.looked


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
