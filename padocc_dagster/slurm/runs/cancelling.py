"""Cancelling: a run on request, from any process, and jobs that should not be there, whose run ended or has another job.

A running job gets a signal and time to end; its own host process kills it after that (`node/host.py`).
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from padocc_dagster.dagster_private import report_canceled, report_canceling
from padocc_dagster.slurm.node import report as reports
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.events import add_event
from padocc_dagster.slurm.runs.hosts import View, located, views
from padocc_dagster.slurm.runs.owners import RunOwner
from padocc_dagster.slurm.runs.tags import files_of, host_of, run_of
from padocc_dagster.slurm.scheduler.client import Client, SlurmError
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.queue import Queue
from padocc_dagster.slurm.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, RunRecord, RunsFilter

CANCEL_SIGNAL = "USR1"
"""Means to the job's host that a person cancelled the run. SLURM itself sends SIGTERM, which means something else."""
LAST_WORDS_SECONDS = 60.0
"""How long a worker whose run has ended may take to end."""
SEEN_OVER: dict[str, float] = {}
"""When this process first saw that a run has ended whose process has not (monotonic: the end itself is dated by another host's clock)."""
MOST_SEEN = 1000


def terminate(instance: "DagsterInstance", run_id: str, settings: Settings, client: Client) -> bool:
    """Cancel the run. Where SLURM does not answer, the run stays CANCELING and the reconciler tries again."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return False
    if not report_canceling(instance, run):
        return False
    if there := located(views(settings.log_folder.hosts)).get(run_id):
        _cancel_shared(instance, run, *there)
        return True
    files, recorded = files_of(run), run.tags.get(tags.JOB_ID, "")
    if files is None or not recorded.isdigit():
        return True
    job_id = int(recorded)
    try:
        job = client.show(job_id)
        if job is None or job.is_over or not RunOwner(run).owns(job):
            return True
        if not job.is_pending:
            client.signal(job_id, CANCEL_SIGNAL)
            return True
        client.cancel([job_id])
    except SlurmError as error:
        sentence = f"SLURM job {job_id} could not be cancelled: {error}. The launcher tries again as soon as SLURM answers."
        add_event(instance, run, sentence, files, job_id)
        return True
    tags.write(instance, run_id, tags.cancelled_for(job_id, "the run was terminated before the job began"))
    report_canceled(instance, run, f"SLURM job {job_id} was cancelled before it began.")
    return True


def _cancel_shared(instance: "DagsterInstance", run: "DagsterRun", view: View, state: str) -> None:
    """Cancel a run that waits or works in a job with others. What is between two folders is seen to by the reconciler."""
    if state == "open" and view.folder.remove(run.run_id, state):
        instance.report_run_canceled(run, "The run was cancelled before it began.")
        tags.write(instance, run.run_id, tags.UNSTARTED)
    else:
        view.folder.request_end(run.run_id)


def end_strays(
    instance: "DagsterInstance",
    records: Mapping[str, "RunRecord"],
    hosts: Mapping[str, int | None],
    queue: Queue,
    settings: Settings,
    client: Client,
) -> list[int]:
    """Cancel this instance's jobs that no run needs; signal again those whose run is being cancelled. Returns the cancelled.

    `hosts` are the ids of the hosts and, where that is known, of their jobs.
    """
    from dagster import DagsterRunStatus

    ours = settings.log_folder.instance_id()
    cancel: dict[int, DagsterRun | None] = {}
    for job in queue.jobs.values():
        if job.is_over:
            continue
        host_id, run_id = host_of(job.comment, ours), run_of(job.comment, ours)
        if host_id is not None and job.is_pending and hosts.get(host_id, 0) not in (None, job.job_id):
            cancel[job.job_id] = None  # its host has another job, or needs none any more
        if run_id is None:
            continue
        record = records.get(run_id) or next(iter(instance.get_run_records(_by_id(run_id))), None)
        run = record.dagster_run if record else None
        if run is not None and run.status is DagsterRunStatus.CANCELING and not job.is_pending:
            with suppress(SlurmError):
                client.signal(job.job_id, CANCEL_SIGNAL)
        elif record is None or _is_over(record.dagster_run, job) or _is_a_second(instance, record.dagster_run, job):
            cancel[job.job_id] = run
    if not cancel:
        return []
    try:
        client.cancel(list(cancel))
    except SlurmError:
        return []
    for job_id, run in cancel.items():
        if run is not None and (files := files_of(run)):
            reason = f"its run is {run.status.value} and no longer needs it"
            tags.write(instance, run.run_id, tags.cancelled_for(job_id, reason))
            add_event(instance, run, f"SLURM job {job_id} is cancelled: {reason}.", files, job_id)
    return list(cancel)


def _by_id(run_id: str) -> "RunsFilter":
    from dagster import RunsFilter

    return RunsFilter(run_ids=[run_id])


def _is_over(run: "DagsterRun", job: Job) -> bool:
    """Whether the job's run has ended, and, if the job runs, long enough ago."""
    from dagster import DagsterRunStatus

    if run.status is DagsterRunStatus.CANCELING:
        return job.is_pending
    return run.is_finished and (job.is_pending or had_last_words(run.run_id))


def had_last_words(run_id: str) -> bool:
    """Whether this process saw `LAST_WORDS_SECONDS` ago that the run has ended, and not its process."""
    if len(SEEN_OVER) > MOST_SEEN:
        SEEN_OVER.clear()  # those that are left get the same time again
    now = time.monotonic()
    return now - SEEN_OVER.setdefault(run_id, now) > LAST_WORDS_SECONDS


def _is_a_second(instance: "DagsterInstance", run: "DagsterRun", job: Job) -> bool:
    """Whether another job hosts the run. Where this one does, though another is recorded, the record is corrected.

    One that runs and has not visibly claimed the run is left alone: it is about to claim it, or ends without it.
    """
    own = tags.own(run.run_id, run.tags)
    if own.get(tags.STATE) != tags.SUBMITTED or own.get(tags.JOB_ID) == str(job.job_id):
        return False
    files = files_of(run)
    try:
        hosted = reports.read(files.report) if files else None
    except OSError:
        return False
    if hosted is None or not hosted.job_id:
        return job.is_pending
    if hosted.job_id == job.job_id:
        tags.write(instance, run.run_id, {tags.JOB_ID: str(job.job_id)})
        return False
    return True
