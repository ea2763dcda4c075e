"""Whether a worker makes progress: a function of samples, which `samples.py` takes.

Progress is any change in what a worker reads or writes, or in the files of its project. Processor time alone is none: a loop that never
ends uses it too. Nor is reading in crumbs: a loop at the end of a file reads its last bytes again and again (`kerchunk/grib2.py:65`).
Where a machine does not count reads and writes, processor time is all there is, and counts.
"""

import os
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import pairwise

LIMIT = "PADOCC_DAGSTER_NO_PROGRESS_MINUTES"
"""The environment variable that says for how many minutes a worker may make no progress; 0 sets no limit."""
DEFAULT_MINUTES = 30.0
CRUMB_BYTES = 16.0
CRUMBS_PER_SECOND = 1000.0
"""Reads of fewer bytes, more of them in a second, are no progress."""
SAMPLES_IN_LIMIT = 20
SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 15.0


@dataclass(frozen=True)
class Sample:
    """What was seen of a worker, and of the processes that it started, at one moment."""

    at: float
    """Seconds of a monotonic clock."""
    cpu_seconds: float
    work: Hashable
    """Counters of what is written, and the files."""
    bytes_read: int = 0
    reads: int = 0
    """Calls that read, also those that read nothing."""


@dataclass(frozen=True)
class Stall:
    """The time without progress up to the last sample."""

    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        doing = "waiting" if self.cpu_seconds < self.seconds / 100 else f"using {self.cpu_seconds:.0f} s of processor time"
        return f"no progress for {in_words(self.seconds)}, {doing}"


def stall_of(samples: Iterable[Sample], longest_gap: float) -> Stall:
    """The stall at the end of the samples, which are in order of time.

    A gap between two samples counts for at most `longest_gap` seconds: whoever takes them was suspended, and the worker perhaps too.
    """
    seconds = cpu_seconds = 0.0
    for before, now in pairwise(samples):
        if has_progress(before, now):
            seconds = cpu_seconds = 0.0
        else:
            seconds += min(now.at - before.at, longest_gap)
            cpu_seconds += max(now.cpu_seconds - before.cpu_seconds, 0.0)
    return Stall(seconds, cpu_seconds)


def has_progress(before: Sample, now: Sample) -> bool:
    """Whether anything was done between two samples."""
    if now.work != before.work:
        return True
    read, calls = now.bytes_read - before.bytes_read, now.reads - before.reads
    crumbs = calls > CRUMBS_PER_SECOND * (now.at - before.at) and read < CRUMB_BYTES * calls
    return read != 0 and not crumbs


def limit_seconds() -> float:
    """The time without progress after which a worker is stopped; 0 for no limit. Raises ValueError when the variable is no number."""
    text = os.environ.get(LIMIT, "")
    try:
        minutes = float(text or DEFAULT_MINUTES)
    except ValueError:
        minutes = -1.0
    if not 0 <= minutes < float("inf"):
        raise ValueError(f"{LIMIT} is {text!r}: set it to a number of minutes, or to 0 for no limit")
    return minutes * 60


def interval_seconds(limit: float) -> float:
    """The time between two samples."""
    return min(max(limit / SAMPLES_IN_LIMIT, SHORTEST_SECONDS), LONGEST_SECONDS)


def in_words(seconds: float) -> str:
    """A time as `30 min`, or as `12 s` when it is short."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
