"""Which runs share a job, and which job a run joins: functions of values. How a job hosts runs is in `node/warm_host.py`.

In dagster.yaml, under `run_launcher.config`, `warm: false` gives each run a job of its own; otherwise with fields as in `FIELDS`:

    warm: {time: "12:00:00", idle_seconds: 120, most_jobs: 20}

Runs that request the same CPUs, SLURM partition, QoS and account, exclude the same nodes, and about the same memory, are of one band. A
run joins the job of its band that reaches it first, where its own wall time is left by then. Where it would wait for longer than
`wait_seconds`, another job is submitted, up to `most_jobs` and what the site's profile allows. Nothing waits to fill a job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dagster import Bool, Field, IntSource, ScalarUnion, Shape, StringSource

from padocc_dagster.batch.allocation import Allocation, AllocationError
from padocc_dagster.batch.amounts import MOST_SECONDS
from padocc_dagster.slurm.node.host_folder import Host, HostFolder

DEFAULTS: dict[str, Any] = {
    "time": "12:00:00",
    "memory": "8G",
    "runs_at_once": 1,
    "idle_seconds": 120,
    "wait_seconds": 300,
    "most_jobs": 20,
}
FIELDS = {
    "time": Field(
        StringSource, is_required=False, description="Wall time of a job. A run that requests more than half of it gets its own."
    ),
    "memory": Field(StringSource, is_required=False, description="A run that requests more memory gets a job of its own."),
    "runs_at_once": Field(
        IntSource, is_required=False, description="Runs that a job works on at a time, each with its own CPUs and memory."
    ),
    "idle_seconds": Field(IntSource, is_required=False, description="A job without a run ends after so long."),
    "wait_seconds": Field(IntSource, is_required=False, description="Where runs would wait longer, another job is submitted."),
    "most_jobs": Field(IntSource, is_required=False, description="Jobs that host runs, at a time. The profile may say less."),
}
FIELD = Field(
    ScalarUnion(Bool, Shape(FIELDS)),
    is_required=False,
    default_value=True,
    description="Whether a job hosts many runs, one after another, and how. `false`: each run has a job of its own.",
)
SMALLEST_MIB = 256
HOST_MIB = 300
"""What the process that hosts holds itself, of which its runs share most."""
GUESS = 0.1
"""Of its wall time a run takes so much, until runs in the same job have shown what they take: wall times are for the worst case. After
a wrong guess a run goes on to another job."""
FIRST = 20
"""Runs that may wait in a job in which none has ended yet, for each that it works on at a time."""


@dataclass(frozen=True)
class Warm:
    """The settings, read and checked."""

    largest: Allocation
    """The wall time of a job, and the most memory of a run in it."""
    at_once: int
    idle_seconds: int
    wait_seconds: int
    most_jobs: int

    @property
    def wall_seconds(self) -> int:
        assert self.largest.wall_seconds
        return self.largest.wall_seconds


def read_warm(value: object, problems: list[str]) -> Warm | None:
    """The settings from dagster.yaml, None for `false`. Adds a sentence to `problems` for each that cannot be used."""
    if value is False:
        return None
    given = {**DEFAULTS, **(value if isinstance(value, Mapping) else {})}
    numbers = ("runs_at_once", "idle_seconds", "wait_seconds", "most_jobs")
    problems += [f"warm.{name} is {given[name]}: write a number, 1 at least" for name in numbers if given[name] < 1]
    try:
        largest = Allocation.from_texts({word: (f"warm.{word}", str(given[word])) for word in ("time", "memory")})
    except AllocationError as error:
        problems += error.problems
        return None
    return Warm(largest, *(given[name] for name in numbers))


def band_of(allocation: Allocation, warm: Warm | None, largest: Allocation) -> Allocation | None:
    """What the runs have in common with which a run shares a job: its allocation without the wall time, and with its memory rounded up to a
    power of two. None for a run that gets a job of its own. `largest` is the most that a job may have at the site."""
    if warm is None or (allocation.cpus or 1) > 1 or not allocation.wall_seconds:
        return None
    _, too_large = allocation.capped(warm.largest)
    if too_large or 2 * allocation.wall_seconds > min(warm.wall_seconds, largest.wall_seconds or MOST_SECONDS):
        return None
    mib = allocation.memory_mib
    return replace(allocation, wall_seconds=None, memory_mib=mib and max(SMALLEST_MIB, 1 << (mib - 1).bit_length()))


def job_for(band: Allocation, wall_seconds: int, warm: Warm, largest: Allocation) -> tuple[Allocation, int]:
    """What a job for runs of this band requests, the first of which may take so long, and how many it works on at a time. Both are cut to
    what is the most at the site."""
    at_once = min(warm.at_once, (largest.cpus or warm.at_once) // (band.cpus or 1))
    if band.memory_mib and largest.memory_mib:
        at_once = min(at_once, (largest.memory_mib - HOST_MIB) // band.memory_mib)
    at_once = max(at_once, 1)
    wanted = replace(
        band,
        wall_seconds=max(wall_seconds, warm.wall_seconds),
        memory_mib=band.memory_mib and band.memory_mib * at_once + HOST_MIB,
        cpus=(band.cpus or 1) * at_once,
    )
    return wanted.capped(largest)[0], at_once


@dataclass(frozen=True)
class Place:
    """A job that a run can join, as it is now."""

    folder: HostFolder
    host: Host
    elapsed_seconds: float
    """How long it has been running; 0 while it waits for its start."""
    waiting: int
    at_work: int
    mean_seconds: float | None
    """What a run in it has taken; None before one has ended."""

    def wait_seconds(self, guess: float) -> float:
        """How long a further run waits, once the job runs. `guess` is what a run takes where none has ended."""
        ahead = self.waiting + self.at_work
        mean = guess if self.mean_seconds is None else self.mean_seconds
        return mean * (ahead - self.host.at_once + 1) / self.host.at_once if ahead >= self.host.at_once else 0.0

    @property
    def is_long(self) -> bool:
        """Whether as many wait as may while it is not known how long a run takes."""
        return self.mean_seconds is None and self.waiting >= FIRST * self.host.at_once

    def has_time(self, wall_seconds: int) -> bool:
        """Whether a run with this wall time is over before the job's is."""
        return self.elapsed_seconds + self.wait_seconds(GUESS * wall_seconds) + wall_seconds <= self.host.wall_seconds


def choose(places: Sequence[Place], wall_seconds: int, warm: Warm, may_add: bool) -> Place | None:
    """The job that a run joins, of those of its band. None when a new one is better, where one may be added, or when none has time left."""
    fit = [place for place in places if place.has_time(wall_seconds)]
    best = min(fit, key=lambda place: (place.is_long, place.wait_seconds(0.0), place.waiting), default=None)
    if best is None or not may_add:
        return best
    return None if best.is_long or best.wait_seconds(0.0) > warm.wait_seconds else best


def crowded(places: Sequence[Place], warm: Warm) -> Place | None:
    """The job half of whose waiting runs are to move to a new one. None when none waits for long, or a job that has not begun will help.

    Where none has ended yet, a run takes as long as the job has been running, at least.
    """
    if any(not place.elapsed_seconds for place in places):
        return None
    longest = max(places, key=_last_waits_seconds, default=None)
    return longest if longest and _last_waits_seconds(longest) > warm.wait_seconds else None


def _last_waits_seconds(place: Place) -> float:
    """How long the last of the waiting runs waits."""
    return replace(place, waiting=place.waiting - 1).wait_seconds(place.elapsed_seconds) if place.waiting else 0.0
