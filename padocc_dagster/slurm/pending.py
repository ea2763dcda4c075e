"""What a waiting run shows: why its job is not at work, when it may start, and whether that can ever be."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from padocc_dagster.slurm import tags
from padocc_dagster.slurm.events import tell
from padocc_dagster.slurm.job import Job
from padocc_dagster.slurm.snapshot import Queue
from padocc_dagster.slurm.states import NEVER, NOT_YET, pending_problem
from padocc_dagster.slurm.submission import files_of

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

TOLD_AT_ONCE = 200


def tell_pending(instance: "DagsterInstance", run: "DagsterRun", job: Job) -> None:
    """Keep the run's tag at SLURM's reason and estimate; tell it as an event the first time, and whenever somebody must act."""
    if not job.is_pending:
        if run.tags.get(tags.PENDING, "-") != "-":
            instance.add_run_tags(run.run_id, {tags.PENDING: "-"})
        return
    problem = pending_problem(job.reason)
    stuck = problem is not None and problem[0].endswith((NEVER, NOT_YET))  # SLURM may estimate a start all the same
    start = f", expected to start {job.started:%Y-%m-%d %H:%M} UTC" if job.started and not stuck else ""
    before, now = run.tags.get(tags.PENDING, "-"), f"{job.reason}{start}"
    if before == now or not job.reason:  # without a reason, SLURM has not looked at it yet
        return
    instance.add_run_tags(run.run_id, {tags.PENDING: now})
    if problem is None and before != "-":
        return
    if problem is not None and before.split(",")[0] == now.split(",")[0]:
        return
    meaning = f". It means: {problem[0]}. What to do: {problem[1]}" if problem else ""
    tell(instance, run, f"SLURM job {job.job_id} waits: {now}{meaning}", files_of(run), job.job_id)


def tell_silence(instance: "DagsterInstance", runs: Sequence["DagsterRun"], queue: Queue, after_seconds: float) -> None:
    """Say once in an outage, in every open run, that SLURM does not answer."""
    since = queue.silent_since or 0.0
    if time.time() - since < after_seconds:
        return
    sentence = f"SLURM has not answered since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC"
    untold = [run for run in runs if run.tags.get(tags.PENDING) != sentence and files_of(run)]
    for run in untold[:TOLD_AT_ONCE]:
        instance.add_run_tags(run.run_id, {tags.PENDING: sentence})
        tell(instance, run, f"{sentence} ({queue.error}). The run is taken to be as it was; this host goes on asking.", files_of(run))
