"""Which job belongs to which run: the job's name and comment follow from the run, and its files stand in the run's tags."""

from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.slurm import tags
from padocc_dagster.slurm.folders import RunFiles
from padocc_dagster.slurm.job import Job

if TYPE_CHECKING:
    from dagster import DagsterRun

MARK = "dagster"


def job_name(run: "DagsterRun") -> str:
    """The name of the run's job: the run's id and the number of the attempt."""
    return f"{MARK}-{run.run_id}-{run.tags.get(tags.RETRY_NUMBER, '0')}"


def job_comment(instance_id: str, run_id: str) -> str:
    """What tells the run's job from a job of the same name that somebody else made."""
    return f"{MARK}:{instance_id}:{run_id}"


def run_of(comment: str, instance_id: str) -> str | None:
    """The id of the run whose job has that comment; None for a job that is not of this instance."""
    start = job_comment(instance_id, "")
    return comment[len(start) :] if comment.startswith(start) else None


def is_of(job: Job, run: "DagsterRun") -> bool:
    """Whether a job found by its id is the run's. Ids are given again after a reset of SLURM, and a job may be renamed.

    The run's id, which is random, stands for the time of submission: SLURM changes that when it requeues a job.
    """
    return job.name == job_name(run) or (job.comment.startswith(f"{MARK}:") and job.comment.endswith(f":{run.run_id}"))


def files_of(run: "DagsterRun") -> RunFiles | None:
    """The files of a run that was submitted, or was about to be."""
    script = tags.own(run.run_id, run.tags).get(tags.SCRIPT)
    return RunFiles(Path(script)) if script else None
