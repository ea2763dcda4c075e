"""Jobs that should not be there: their run was cancelled, failed, deleted, or is hosted by another job."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from padocc_dagster.slurm import report as reports
from padocc_dagster.slurm import tags
from padocc_dagster.slurm.client import Client, SlurmError
from padocc_dagster.slurm.events import tell
from padocc_dagster.slurm.identity import files_of, run_of
from padocc_dagster.slurm.job import Job
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.snapshot import Queue

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, RunRecord, RunsFilter

LAST_WORDS_SECONDS = 60.0
"""A worker whose run has ended may take so long to end itself."""


def end_strays(
    instance: "DagsterInstance", records: Mapping[str, "RunRecord"], queue: Queue, settings: Settings, client: Client
) -> list[int]:
    """Cancel this instance's jobs that work or wait for nothing; remind those whose run is being cancelled. Returns the cancelled."""
    from dagster import DagsterRunStatus

    ours = settings.log_folder.instance_id()
    cancel: dict[int, DagsterRun | None] = {}
    for job in queue.jobs.values():
        run_id = None if job.is_over else run_of(job.comment, ours)
        if run_id is None:
            continue
        record = records.get(run_id) or next(iter(instance.get_run_records(_by_id(run_id))), None)
        run = record.dagster_run if record else None
        if run is not None and run.status is DagsterRunStatus.CANCELING and not job.is_pending:
            with suppress(SlurmError):
                client.signal(job.job_id, "USR1")
        elif record is None or _is_over(record, job) or _is_a_second(instance, record.dagster_run, job):
            cancel[job.job_id] = run
    if not cancel:
        return []
    try:
        client.cancel(list(cancel))
    except SlurmError:
        return []
    for job_id, run in cancel.items():
        if run is not None and (files := files_of(run)):
            tell(instance, run, f"SLURM job {job_id} is cancelled: its run is {run.status.value} and needs it no more.", files, job_id)
    return list(cancel)


def _by_id(run_id: str) -> "RunsFilter":
    from dagster import RunsFilter

    return RunsFilter(run_ids=[run_id])


def _is_over(record: "RunRecord", job: Job) -> bool:
    """Whether the job's run has ended, and, if the job is at work, long enough ago."""
    from dagster import DagsterRunStatus

    run = record.dagster_run
    if run.status is DagsterRunStatus.CANCELING:
        return job.is_pending
    return run.is_finished and (job.is_pending or time.time() - (record.end_time or 0) > LAST_WORDS_SECONDS)


def _is_a_second(instance: "DagsterInstance", run: "DagsterRun", job: Job) -> bool:
    """Whether another job hosts the run. Where this one does, though another is recorded, the record is mended.

    One at work that is not seen to have claimed the run is left alone: it is about to claim it, or ends by itself.
    """
    told = tags.own(run.run_id, run.tags)
    if told.get(tags.STATE) != tags.SUBMITTED or told.get(tags.JOB_ID) == str(job.job_id):
        return False
    files = files_of(run)
    try:
        hosted = reports.read(files.report) if files else None
    except OSError:
        return False
    if hosted is None or not hosted.job_id:
        return job.is_pending
    if hosted.job_id == job.job_id:
        instance.add_run_tags(run.run_id, {tags.JOB_ID: str(job.job_id)})
        return False
    return True
