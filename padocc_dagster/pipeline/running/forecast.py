"""What a group has used and will probably still use: core-hours, memory, runs and time, with the error of the estimates so far.

Nothing is run or written. Every estimate of a phase is weighed by what the group's runs taught, where there were enough of them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from padocc_dagster.pipeline.running.estimate import PHASES, SMALL_BYTES, SMALL_FILES, Estimate, Size, estimate, size_of
from padocc_dagster.pipeline.running.learning import UNUSABLE, Example, Learned, Past, busy_seconds, learned_from, used_by
from padocc_dagster.pipeline.workdir.groups import faultlist, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import passed_phases, read_rows

RECENT = timedelta(hours=1)
FEWEST_RECENT = 5
"""Phases that ended in that time, from which on their speed says more than how many runs may work at once."""


@dataclass(frozen=True)
class Surveyed:
    """One project: its size (None where its files cannot say), what its phases used, the phases that are left."""

    size: Size | None
    past: dict[str, Past]
    left: tuple[str, ...]
    is_stopped: bool
    """It waits for a person."""


@dataclass(frozen=True)
class PhaseForecast:
    """One phase over all projects of a group."""

    phase: str
    done: int
    left: int
    core_hours_used: float
    core_hours_left: float
    error: float | None
    """The median relative error for runs that were held back; None where too few have ended to learn from."""


@dataclass(frozen=True)
class Forecast:
    """A group. Projects that are stopped or of unknown size are counted, and what they have left is not."""

    group: str
    projects: int
    complete: int
    stopped: int
    unknown: int
    """Projects whose files cannot say how large they are."""
    unscanned: int
    """Projects of which only the number of files and the size are known, and the number of references is assumed."""
    core_hours_used: float
    core_hours_left: float
    memory_mib: int
    """What the largest phase that is left will probably hold, without the run around it and without a margin."""
    jobs_left: int
    """Runs. Each is a job on SLURM, unless several share one."""
    at_once: float
    """Runs that work at once, or, where `measured`, seconds of work done in each second of the last hour."""
    measured: bool
    hours_left: float
    phases: tuple[PhaseForecast, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def forecast(workdir: Workdir, group: str, at_once: float, scans_large_alone: bool) -> Forecast:
    """Read the files of the group's projects and add up. `scans_large_alone` is what a cluster's launcher does. Raises OSError."""
    given_up = faultlist(workdir, group)
    projects = [surveyed(workdir, Project(group, code), given_up) for code in project_codes(workdir, group)]
    return summed(group, projects, at_once, scans_large_alone)


def surveyed(workdir: Workdir, project: Project, given_up: dict[str, str]) -> Surveyed:
    """Read what is known of one project."""
    rows = read_rows(workdir.status_log(project))
    passed = passed_phases(rows)
    left = tuple(phase for phase in PHASES if phase not in passed)
    is_stopped = project.code in given_up or bool(rows and rows[-1].verdict in (Verdict.FAILED, Verdict.SKIPPED))
    try:
        size = size_of(workdir, project)
    except UNUSABLE:
        size = None
    return Surveyed(size, used_by(workdir, project), left, is_stopped)


def summed(group: str, projects: Sequence[Surveyed], at_once: float, scans_large_alone: bool) -> Forecast:
    """Add up what was read."""
    learned = learned_from({phase: _examples(projects, phase) for phase in PHASES})
    to_do = [each for each in projects if each.left and not each.is_stopped]
    sized = [(each, _assumed(each.size, _references_per_file(projects))) for each in to_do if each.size]
    seconds = [{phase: _seconds(learned, size, phase) for phase in each.left} for each, size in sized]
    each_project = [sum(of_phases.values()) for of_phases in seconds]
    memory = [_bytes(learned, size, phase) for each, size in sized for phase in each.left]
    speed = _speed(projects)
    phases = tuple(_phase(phase, projects, seconds, learned) for phase in PHASES)
    return Forecast(
        group=group,
        projects=len(projects),
        complete=sum(not each.left for each in projects),
        stopped=sum(bool(each.left) and each.is_stopped for each in projects),
        unknown=sum(each.size is None for each in to_do),
        unscanned=sum(not size.scanned for _, size in sized),
        core_hours_used=sum(each.core_hours_used for each in phases),
        core_hours_left=sum(each.core_hours_left for each in phases),
        memory_mib=-int(-max(memory, default=0) // 2**20),
        jobs_left=sum(2 if scans_large_alone and _is_split(each, size) else 1 for each, size in sized),
        at_once=speed or at_once,
        measured=speed is not None,
        hours_left=max([*each_project, sum(each_project) / (speed or at_once)], default=0.0) / 3600,
        phases=phases,
    )


def _examples(projects: Sequence[Surveyed], phase: str) -> list[Example]:
    return [Example(estimate(each.size, phase), each.past[phase].used) for each in projects if each.size and phase in each.past]


def _phase(phase: str, projects: Sequence[Surveyed], seconds: Sequence[dict[str, float]], learned: Learned) -> PhaseForecast:
    used = [busy_seconds(each.past[phase].used) for each in projects if phase in each.past]
    left = [of_phases[phase] for of_phases in seconds if phase in of_phases]
    known = learned.seconds.get(phase)
    return PhaseForecast(phase, len(used), len(left), sum(used) / 3600, sum(left) / 3600, known.error if known else None)


def _seconds(learned: Learned, size: Size, phase: str) -> float:
    guess = estimate(size, phase)
    return learned.seconds[phase].predict(guess.seconds_parts) if phase in learned.seconds else guess.seconds


def _bytes(learned: Learned, size: Size, phase: str) -> float:
    guess: Estimate = estimate(size, phase)
    return learned.memory[phase].predict(guess.memory_parts) if phase in learned.memory else guess.memory_bytes


def _references_per_file(projects: Sequence[Surveyed]) -> float:
    """Of the projects that were scanned; 0 without any."""
    return median([each.size.references / each.size.files for each in projects if each.size and each.size.scanned] or [0.0])


def _assumed(size: Size, references_per_file: float) -> Size:
    return size if size.scanned else replace(size, references=references_per_file * size.files)


def _is_split(project: Surveyed, size: Size) -> bool:
    return "scan" in project.left and (size.files > SMALL_FILES or size.bytes > SMALL_BYTES)


def _speed(projects: Sequence[Surveyed]) -> float | None:
    """Seconds of work done in each second since the first phase of the last hour began; None where too few have ended to say."""
    now = datetime.now(UTC)
    recent = [(past.when, busy_seconds(past.used)) for each in projects for past in each.past.values() if now - past.when < RECENT]
    if len(recent) < FEWEST_RECENT:
        return None
    began = min(when - timedelta(seconds=seconds) for when, seconds in recent)
    return sum(seconds for _, seconds in recent) / max(1.0, (now - max(began, now - RECENT)).total_seconds())
