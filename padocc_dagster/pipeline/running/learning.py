"""What the runs of a group used teaches what the next ones will use: a small regression over files, bytes and references.

The parts of an estimate (`estimate.py`) are weighed so that the relative error over past runs is least. Few runs cannot tell the parts from
each other, so each weight is drawn towards the median ratio of used to estimated. `groups/<group>/padocc_dagster/learned.json` has the
weights; it can be deleted, and is made anew when the group is refreshed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from padocc_dagster.pipeline.running.estimate import PHASES, Estimate, Parts, estimate, size_of
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import AnyEvent, Compared, PhaseEnded
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_bytes, write_text
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.used import Used

FEWEST = 5
"""Runs of a phase from which on something is learned."""
MOST = 500
"""Projects looked at, evenly spread over the group's list."""
FOLDS = 5
QUANTILE, ROOM = 0.95, 1.2
"""The margin covers this part of the held-back runs, and so much more."""
LEAST_MARGIN = 1.5
UNUSABLE = (CorruptFileError, LookupError, TypeError, ValueError, OSError)
"""What `size_of` raises for a project whose files cannot say its size."""


class Example(NamedTuple):
    """One phase that passed: how it was estimated, and what it used."""

    estimate: Estimate
    used: Used


class Past(NamedTuple):
    """The end of a phase: what it used, in which run, and when that was."""

    used: Used
    run: str
    when: datetime


class Fit(BaseModel):
    """Weights of the parts of an estimate, and how well they foretold runs that were held back."""

    model_config = ConfigDict(frozen=True)

    weights: tuple[float, ...]
    margin: float
    """Times the prediction, so that nearly all held-back runs would have had enough."""
    error: float
    """The median relative error of held-back runs: 0.1 is 10 %."""
    runs: int

    def predict(self, parts: Parts) -> float:
        return sum(weight * part for weight, part in zip(self.weights, parts, strict=True))


class Learned(BaseModel):
    """What a group's runs taught, by phase; phases with too few runs are missing."""

    model_config = ConfigDict(frozen=True)

    seconds: dict[str, Fit] = {}
    """CPU seconds count as they do: a phase on several CPUs counts with the time that it would have taken on one."""
    memory: dict[str, Fit] = {}
    """Bytes."""


def read_learned(workdir: Workdir, group: str) -> Learned:
    """What was learned last; nothing where there is no usable record."""
    try:
        return Learned.model_validate_json(read_bytes(workdir.learned(group)))
    except (OSError, ValidationError):
        return Learned()


def learn(workdir: Workdir, group: str, pasts: Mapping[Project, Mapping[str, Past]]) -> Learned:
    """Learn from what the group's runs used, and keep it; one process at a time. Raises OSError when it cannot be written."""
    examples: dict[str, list[Example]] = {phase: [] for phase in PHASES}
    for project, past in pasts.items():
        for phase, example in _examples(workdir, project, past):
            examples[phase].append(example)
    learned = learned_from(examples)
    if learned != read_learned(workdir, group):
        write_text(workdir.learned(group), learned.model_dump_json())
    return learned


def learned_from(examples: Mapping[str, Sequence[Example]]) -> Learned:
    """Fit each phase that has examples enough."""
    enough = {phase: given for phase, given in examples.items() if len(given) >= FEWEST}
    return Learned(
        seconds={
            phase: fit([each.estimate.seconds_parts for each in given], [busy_seconds(each.used) for each in given])
            for phase, given in enough.items()
        },
        memory={
            phase: fit([each.estimate.memory_parts for each in given], [each.used.peak_mib * 2.0**20 for each in given])
            for phase, given in enough.items()
        },
    )


def busy_seconds(used: Used) -> float:
    """The wall time, or the CPU time where several CPUs made that the longer."""
    return max(used.seconds, used.cpu_seconds, 0.01)


def pasts_of(workdir: Workdir, group: str) -> dict[Project, dict[str, Past]]:
    """What `used_by` finds, for up to MOST projects of the group."""
    codes = project_codes(workdir, group)
    projects = [Project(group, code) for code in codes[:: -(-len(codes) // MOST) or 1]]
    return {project: used_by(workdir, project) for project in projects}


def used_by(workdir: Workdir, project: Project) -> dict[str, Past]:
    """What the newest run of each phase used, where that passed; a computation with the comparison after it."""
    return used_in(events_of(workdir, project))


def used_in(events: Iterable[AnyEvent]) -> dict[str, Past]:
    """The same from the project's events, oldest first."""
    ends: dict[str, Past] = {}
    for event in events:
        if isinstance(event, PhaseEnded):
            ends.pop(event.phase, None)
            if event.used and event.phase in PHASES and event.verdict in (Verdict.OK, Verdict.WARNED):
                ends[event.phase] = Past(event.used, event.run, event.when)
        elif isinstance(event, Compared) and event.used and (computed := ends.get("compute")):
            ends["compute"] = Past(_together(computed.used, event.used), computed.run, event.when)
    return ends


def _together(one: Used, other: Used) -> Used:
    return one.model_copy(
        update={
            "seconds": one.seconds + other.seconds,
            "cpu_seconds": one.cpu_seconds + other.cpu_seconds,
            "peak_mib": max(one.peak_mib, other.peak_mib),
        }
    )


def _examples(workdir: Workdir, project: Project, past: Mapping[str, Past]) -> Iterator[tuple[str, Example]]:
    if not past:
        return
    try:
        size = size_of(workdir, project)
    except UNUSABLE:
        return
    for phase, each in past.items():
        yield phase, Example(estimate(size, phase), each.used)


def fit(parts: Sequence[Parts], used: Sequence[float]) -> Fit:
    """Fit weights, and judge them by runs held back in turn. `parts` has a row for each run, `used` what that run used, above 0."""
    ratios: list[float] = []
    for fold in range(FOLDS):
        held = range(fold, len(used), FOLDS)
        kept = [number for number in range(len(used)) if number % FOLDS != fold]
        weights = _weights([parts[number] for number in kept], [used[number] for number in kept])
        ratios += [used[number] / max(_dot(weights, parts[number]), 1e-9) for number in held]
    ratios.sort()
    errors = sorted(abs(1 - 1 / ratio) for ratio in ratios)
    margin = max(LEAST_MARGIN, ROOM * ratios[min(len(ratios) - 1, int(QUANTILE * len(ratios)))])
    return Fit(weights=_weights(parts, used), margin=margin, error=errors[len(errors) // 2], runs=len(used))


def _weights(parts: Sequence[Parts], used: Sequence[float]) -> tuple[float, ...]:
    """Weights, none below 0, with the least squares of relative errors. As if one further run had said that all parts weigh the same."""
    import numpy as np

    rows = np.asarray(parts, dtype=float) / np.asarray(used, dtype=float)[:, None]
    common = 1.0 / float(np.median(rows.sum(axis=1)))
    scale = np.maximum(rows.mean(axis=0), 1e-12)
    free = np.ones(len(scale), dtype=bool)
    weights = np.zeros(len(scale))
    while free.any():
        left = np.vstack([rows[:, free], np.diag(scale[free])])
        right = np.concatenate([np.ones(len(rows)), common * scale[free]])
        weights[:] = 0.0
        weights[free] = np.linalg.lstsq(left, right, rcond=None)[0]
        if (weights >= 0).all():
            break
        free &= weights > 0
    return tuple(float(weight) for weight in weights)


def _dot(weights: Sequence[float], parts: Parts) -> float:
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))
