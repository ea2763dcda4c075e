"""What a group has left, and how long that will probably take, by the forecast of `running/forecast.py`."""

from collections.abc import Sequence
from dataclasses import replace

from padocc_dagster.pipeline.board.facts import Facts
from padocc_dagster.pipeline.running.estimate import Size, size_of
from padocc_dagster.pipeline.running.forecast import Forecast, Surveyed, summed
from padocc_dagster.pipeline.running.learning import UNUSABLE
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

SIZED = 300
"""Projects whose size is looked up: each costs five small files, and twenty more where no scan has measured its sources."""


def forecast_of(workdir: Workdir, group: str, facts: Sequence[Facts], at_once: float, scans_large_alone: bool) -> Forecast:
    """The forecast of a group whose facts are known. Of many projects some are looked at, and stand for all."""
    to_do = [each for each in facts if each.left and each.place != "stopped"]
    sized = {each.code for each in (*_some(to_do), *_some([each for each in facts if each.past]))}
    surveyed = [
        Surveyed(_size(workdir, Project(group, each.code)) if each.code in sized else None, dict(each.past), each.left, _is_stopped(each))
        for each in facts
    ]
    found = summed(group, surveyed, at_once, scans_large_alone)
    known = len(to_do) - found.unknown
    if known <= 0:
        return found
    share = len(to_do) / known
    hours = max(found.hours_left, share * found.core_hours_left / found.at_once)
    return replace(found, core_hours_left=share * found.core_hours_left, jobs_left=round(share * found.jobs_left), hours_left=hours)


def _some(facts: Sequence[Facts]) -> Sequence[Facts]:
    """At most `SIZED` of them, evenly spread."""
    return facts[:: -(-len(facts) // SIZED) or 1]


def _is_stopped(facts: Facts) -> bool:
    return facts.place == "stopped"


def _size(workdir: Workdir, project: Project) -> Size | None:
    try:
        return size_of(workdir, project)
    except UNUSABLE:
        return None
