"""The run tags that the launcher writes, those of `batch.tags` included, and how a job is known to be a run's: by its name and comment."""

from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.batch.causes import Cause
from padocc_dagster.batch.tags import (
    CAUSE,
    JOB_OF,
    MAX_RETRIES,
    NODES,
    NOTHING,
    PARTITION,
    REQUESTED,
    RETRY_NUMBER,
    STOPPED,
    USED,
    own,
    write,
)
from padocc_dagster.slurm.folders import RunFiles
from padocc_dagster.slurm.node.report import Report, read
from padocc_dagster.slurm.scheduler.job import Job

if TYPE_CHECKING:
    from dagster import DagsterRun

__all__ = [
    "CAUSE",
    "JOB_OF",
    "MAX_RETRIES",
    "NODES",
    "NOTHING",
    "PARTITION",
    "REQUESTED",
    "RETRY_NUMBER",
    "STOPPED",
    "USED",
    "own",
    "write",
]

STATE = "slurm/state"
SUBMITTING, SUBMITTED, ENDED = "submitting", "submitted", "ended"
SUBMITTED_AT = "slurm/submitted_at"
"""Seconds since 1970, by the clock of the host that submitted."""
JOB_ID = "slurm/job_id"
LOG = "slurm/log"
SCRIPT = "slurm/script"
HOST = "slurm/host"
"""The host that the run is in (`hosts.py`); NOTHING for a run with a job of its own."""
NO_HOST = "none yet"
PENDING = "slurm/pending"
"""Why the job waits, and when SLURM expects to start it."""
CANCELLED_FOR = "slurm/cancelled_for"
"""Why the launcher cancelled a job of the run, after the job's id and a colon."""
UNSTARTED = {STATE: ENDED, PENDING: NOTHING, CAUSE: str(Cause.CANCELLED)}
"""The tags of a run that was cancelled before a job began it."""
MARK = "dagster"
HOSTING = "host-"
"""Before the id of a host, where a job of one run has the run's."""


def job_name(run: "DagsterRun") -> str:
    """The name of the run's job: the run's id and the number of the attempt."""
    return f"{MARK}-{run.run_id}-{run.tags.get(RETRY_NUMBER, '0')}"


def job_comment(instance_id: str, run_id: str) -> str:
    """What distinguishes the run's job from a job of the same name that somebody else made."""
    return f"{MARK}:{instance_id}:{run_id}"


def host_name(host_id: str) -> str:
    """The name of the job that hosts many runs."""
    return f"{MARK}-{HOSTING}{host_id}"


def host_comment(instance_id: str, host_id: str) -> str:
    """What distinguishes it from a job of the same name that somebody else made."""
    return f"{MARK}:{instance_id}:{HOSTING}{host_id}"


def host_of(comment: str, instance_id: str) -> str | None:
    """The id of the host whose job has that comment; None for a job that is no host of this instance."""
    start = host_comment(instance_id, "")
    return comment[len(start) :] if comment.startswith(start) else None


def run_of(comment: str, instance_id: str) -> str | None:
    """The id of the run whose job has that comment; None for a job that is not of this instance."""
    start = job_comment(instance_id, "")
    return comment[len(start) :] if comment.startswith(start) and not comment.startswith(f"{start}{HOSTING}") else None


def is_of(job: Job, run: "DagsterRun") -> bool:
    """Whether a job found by its id is the run's. Ids are given again after a reset of SLURM, and a job may be renamed.

    The run's id, which is random, is used, not the time of submission: SLURM changes that when it requeues a job.
    """
    return job.name == job_name(run) or (job.comment.startswith(f"{MARK}:") and job.comment.endswith(f":{run.run_id}"))


def cancelled_for(job_id: int, reason: str) -> dict[str, str]:
    """The tag of a run whose job the launcher cancels."""
    return {CANCELLED_FOR: f"{job_id}: {reason}"}


def why_cancelled(run: "DagsterRun", job_id: int) -> str | None:
    """Why the launcher cancelled this job of the run; None where it did not."""
    number, _, reason = own(run.run_id, run.tags).get(CANCELLED_FOR, "").partition(": ")
    return reason if number == str(job_id) else None


def files_of(run: "DagsterRun") -> RunFiles | None:
    """The files of a run that was submitted, or was about to be."""
    mine = own(run.run_id, run.tags)
    return RunFiles(Path(mine[SCRIPT]), Path(mine[LOG])) if SCRIPT in mine and LOG in mine else None


def report_of(run: "DagsterRun") -> Report | None:
    """What the run's job says of itself. None when there is no report, or the file system does not answer."""
    files = files_of(run)
    try:
        return read(files.report) if files else None
    except OSError:
        return None
