"""What a waiting run shows: why its job does not run yet, when it may start, and whether it ever can."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.events import add_event
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.queue import Queue
from padocc_dagster.slurm.scheduler.reasons import pending_problem

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

AT_ONCE = 200
EXPECTED = ", expected to start "
MINUTES = "%Y-%m-%d %H:%M"
LEAST_MOVE = timedelta(minutes=10)
"""An estimate that moves by less, or by less than a tenth of the wait, is not written again."""


def report_pending(instance: "DagsterInstance", run: "DagsterRun", job: Job) -> None:
    """Keep the run's tag at SLURM's reason and estimate; add an event the first time, and when a person must act."""
    if not job.is_pending:
        if run.tags.get(tags.PENDING, tags.NOTHING) != tags.NOTHING:
            tags.write(instance, run.run_id, {tags.PENDING: tags.NOTHING})
        return
    problem = pending_problem(job.reason)
    stuck = problem is not None and problem.outlook  # SLURM may estimate a start all the same
    before = run.tags.get(tags.PENDING, tags.NOTHING)
    now = f"{job.reason}{f'{EXPECTED}{job.started:{MINUTES}} UTC' if job.started and not stuck else ''}"
    if not job.reason or _is_much_the_same(before, now):  # without a reason, SLURM has not looked at it yet
        return
    tags.write(instance, run.run_id, {tags.PENDING: now})
    if problem is None and before != tags.NOTHING:
        return
    if problem is not None and before.split(",")[0] == now.split(",")[0]:
        return
    meaning = f". It means: {problem.means}. What to do: {problem.advice}" if problem else ""
    if files := files_of(run):
        add_event(instance, run, f"SLURM job {job.job_id} waits: {now}{meaning}", files, job.job_id)


def _is_much_the_same(before: str, now: str) -> bool:
    """Whether the reason is the same, and the estimate too, or nearly so: SLURM moves hundreds of estimates with every job that ends."""
    (reason, *old), (new_reason, *new) = before.split(EXPECTED), now.split(EXPECTED)
    if reason != new_reason or len(old) != len(new):
        return False
    starts = [datetime.strptime(text.removesuffix(" UTC"), MINUTES).replace(tzinfo=UTC) for text in (*old, *new)]
    return not starts or abs(starts[1] - starts[0]) <= max(LEAST_MOVE, (starts[1] - datetime.now(UTC)) / 10)


def report_silence(instance: "DagsterInstance", runs: Sequence["DagsterRun"], queue: Queue, after_seconds: float) -> None:
    """Add one event per outage to every open run: SLURM does not answer."""
    since = queue.silent_since or 0.0
    if time.time() - since < after_seconds:
        return
    sentence = f"SLURM has not answered since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC"
    unaware = [(run, files) for run in runs if run.tags.get(tags.PENDING) != sentence and (files := files_of(run))]
    for run, files in unaware[:AT_ONCE]:
        tags.write(instance, run.run_id, {tags.PENDING: sentence})
        add_event(instance, run, f"{sentence} ({queue.error}). The run keeps its state; this host keeps asking.", files)
