"""One look at the queue for all: made once in a poll interval, kept in a file that every process of the instance reads.

The daemon, the code server and the web server all need the state of jobs. The file's lock lets one of them call squeue, and the others
read what it got. A failure is kept too, so that a controller in trouble gets no more calls than a healthy one.

How old a look is, is measured without the time of day: by the file system's clock alone, and by this process's monotonic clock.
"""

import json
import math
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from padocc_dagster.slurm.scheduler.client import Client, NoAnswerError
from padocc_dagster.slurm.scheduler.job import Job

REMEMBERED_SECONDS = 7 * 86400.0
OWN: dict[Path, tuple["Queue", float]] = {}
"""This process's own last looks and when they were made (monotonic), for when they cannot be written."""
SEEN: dict[Path, tuple[float, float, float]] = {}
"""For each file: when it was written, how old it was when this process first saw that, and when that was (monotonic)."""


@dataclass(frozen=True)
class Queue:
    """What the last answered look saw, and how the last look went. Times are seconds since 1970, by the clock of the host that looked."""

    jobs: Mapping[int, Job] = field(default_factory=dict)
    taken_at: float = 0.0
    silent_since: float | None = None
    """Since when SLURM has not answered; None when it did."""
    error: str = ""
    missing: Mapping[int, float] = field(default_factory=dict)
    """When a job was first looked for in vain."""

    @property
    def answered(self) -> bool:
        return self.silent_since is None


NOTHING = Queue()


def look(path: Path, client: Client, poll_interval_seconds: float) -> Queue:
    """The queue as it was within the poll interval. Calls squeue when no process has since."""
    from filelock import FileLock

    if not is_due(path, poll_interval_seconds) and (seen := read(path)) != NOTHING:
        return seen
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not is_due(path, poll_interval_seconds) and (seen := read(path)) != NOTHING:
            return seen
        seen = read(path)
        now = time.time()
        try:
            jobs = {job.job_id: job for job in client.queue()}
        except NoAnswerError as error:
            seen = Queue(seen.jobs, seen.taken_at, seen.silent_since or now, str(error), seen.missing)
        else:
            missing = {i: t for i, t in seen.missing.items() if now - t < REMEMBERED_SECONDS and (i not in jobs or jobs[i].is_over)}
            seen = Queue(jobs, now, missing=missing)
        _write(path, seen)
    return seen


def missed(path: Path, ids: set[int]) -> Mapping[int, float]:
    """Note that these jobs were looked for in vain, and return for each when that was first so."""
    from filelock import FileLock

    with FileLock(path.with_suffix(".lock")):
        seen = read(path)
        known = {i: seen.missing.get(i, time.time()) for i in ids}
        if not known.keys() <= seen.missing.keys():
            _write(path, replace(seen, missing={**seen.missing, **known}))
    return known


def is_due(path: Path, poll_interval_seconds: float) -> bool:
    """Whether no process has looked within the poll interval. The file is not read for that: this is called once a run."""
    return not 0 <= min(_age_seconds(path), _own_age_seconds(path)) < poll_interval_seconds


def _age_seconds(path: Path) -> float:
    """How long ago the file was written; infinite when it is not there."""
    try:
        written = path.stat().st_mtime
        if path not in SEEN or SEEN[path][0] != written:
            SEEN[path] = written, _clock_of(path.parent) - written, time.monotonic()
    except OSError:
        return math.inf
    _, age, seen_at = SEEN[path]
    return age + time.monotonic() - seen_at


def _own_age_seconds(path: Path) -> float:
    """How long ago this process looked without being able to write what it saw; infinite when it could."""
    return time.monotonic() - OWN[path][1] if path in OWN else math.inf


def _clock_of(folder: Path) -> float:
    """The time now as the folder's file system stamps files, on NFS by the server's clock; by this host's when the disk is full."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            return os.fstat(probe.fileno()).st_mtime
    except OSError:
        return time.time()


def read(path: Path) -> Queue:
    """The last look that is known here: the file's, or this process's own where that could not be written."""
    return OWN[path][0] if _own_age_seconds(path) < _age_seconds(path) else _read_file(path)


def _read_file(path: Path) -> Queue:
    """What the file says; nothing seen when it is not there or damaged."""
    try:
        kept = json.loads(path.read_text())
        jobs = {int(job["job_id"]): Job(**{name: _value(name, value) for name, value in job.items()}) for job in kept.pop("jobs")}
        return Queue(jobs=jobs, missing={int(i): t for i, t in kept.pop("missing").items()}, **kept)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return NOTHING


def _write(path: Path, seen: Queue) -> None:
    """Keep it for the other processes; on a full disk for this one alone."""
    kept = {**asdict(seen), "jobs": [asdict(job) for job in seen.jobs.values()]}
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        draft.write_text(json.dumps(kept, default=datetime.isoformat))
        os.replace(draft, path)
        OWN.pop(path, None)
    except OSError:
        OWN[path] = seen, time.monotonic()
        with suppress(OSError):
            draft.unlink()


def _value(name: str, value: Any) -> Any:
    if name in ("submitted", "started", "ended") and value is not None:
        return datetime.fromisoformat(value)
    return tuple(value) if name == "nodes" else value
