"""Brings runs and jobs into agreement: the one place that watches.

In every poll interval one look at the queue serves all runs: those whose job has ended are settled (`endings.py`), those that wait say why,
those without a job get one (`submission.py`), and jobs whose run is over are cancelled (`strays.py`). The sensor `slurm_jobs`, the daemon's
health checks and the start of the services call it; a lock lets one of them do it. It keeps nothing in memory, so it may die at any point.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from padocc_dagster.slurm import tags
from padocc_dagster.slurm.client import Client
from padocc_dagster.slurm.ended import ends_of
from padocc_dagster.slurm.endings import settle
from padocc_dagster.slurm.pending import tell_pending, tell_silence
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.snapshot import Queue, look
from padocc_dagster.slurm.strays import end_strays
from padocc_dagster.slurm.submission import is_later, job_name, submit

if TYPE_CHECKING:
    from dagster import DagsterInstance, RunRecord

LATE_SECONDS = 30.0
"""A run without a job is left to the process that launches it for so long."""
AT_ONCE = 50
AT_ONCE_SECONDS = 40.0
"""Submissions in one pass, and how long they may take together: a sensor has 60 s."""


@dataclass
class Findings:
    """What one pass saw and did, for a log."""

    open: int = 0
    waiting: int = 0
    ended: dict[int, str] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)
    silence: str = ""
    began: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        if self.silence:
            return f"{self.open} runs open; SLURM does not answer: {self.silence}"
        did = f"{len(self.ended)} ended, {len(self.submitted)} submitted late, {len(self.cancelled)} jobs cancelled"
        return f"{self.open} runs open, {self.waiting} of them waiting in SLURM's queue; {did}"


def reconcile(instance: "DagsterInstance", settings: Settings, client: Client) -> Findings | None:
    """One pass. Returns None when another process is at it."""
    from filelock import FileLock, Timeout

    lock = settings.log_folder.root / "reconcile.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            return _pass(instance, settings, client)
    except Timeout:
        return None


def open_runs(instance: "DagsterInstance") -> dict[str, "RunRecord"]:
    """The runs that have a job or wait for one, and those whose job's end is not recorded yet."""
    from dagster import DagsterRunStatus, RunsFilter

    tagged = instance.get_run_records(RunsFilter(tags={tags.STATE: [tags.SUBMITTING, tags.SUBMITTED]}))
    starting = instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.STARTING]))
    records = {record.dagster_run.run_id: record for record in starting}
    for record in tagged:
        run = record.dagster_run
        if tags.own(run.run_id, run.tags):  # a retry that still waits in Dagster has the tags of its parent
            records[run.run_id] = record
    return records


def _pass(instance: "DagsterInstance", settings: Settings, client: Client) -> Findings:
    began = time.time()
    queue = look(settings.log_folder.queue, client, settings.poll_interval_seconds)
    records = open_runs(instance)  # after the queue: a job seen there has left its mark in its run's tags before
    found = Findings(open=len(records))
    if not queue.answered:
        found.silence = queue.error
        tell_silence(instance, [record.dagster_run for record in records.values()], queue, settings.unreachable_warning_seconds)
        return found
    gone: dict[int, RunRecord] = {}
    for record in records.values():
        run = record.dagster_run
        told = tags.own(run.run_id, run.tags)
        if told.get(tags.STATE) != tags.SUBMITTED:
            _submit_late(instance, record, queue, settings, client, found)
            continue
        job = queue.jobs.get(int(told[tags.JOB_ID]))
        if job is not None and job.name == job_name(run) and not job.is_over:
            found.waiting += job.is_pending
            tell_pending(instance, run, job)
        elif queue.taken_at > float(told[tags.SUBMITTED_AT]):
            gone[int(told[tags.JOB_ID])] = record
    _settle(instance, gone, queue, settings, client, found)
    if queue.asked_at >= began:  # once a look: in an old one, jobs that were cancelled since are still at work
        found.cancelled = end_strays(instance, records, queue, settings, client)
    return found


def _submit_late(
    instance: "DagsterInstance", record: "RunRecord", queue: Queue, settings: Settings, client: Client, found: Findings
) -> None:
    """Submit a run that has no job: its launcher died, or SLURM did not answer it. The look at the queue serves as the search."""
    run = record.dagster_run
    told = tags.own(run.run_id, run.tags)
    late = time.time() - record.update_timestamp.replace(tzinfo=record.update_timestamp.tzinfo or UTC).timestamp() > LATE_SECONDS
    in_time = len(found.submitted) < AT_ONCE and time.monotonic() - found.began < AT_ONCE_SECONDS
    if (told or late) and is_later(queue, told, settings) and in_time:
        submit(instance, run.run_id, settings, client, queue)
        found.submitted.append(run.run_id)


def _settle(
    instance: "DagsterInstance",
    gone: Mapping[int, "RunRecord"],
    queue: Queue,
    settings: Settings,
    client: Client,
    found: Findings,
) -> None:
    if not gone:
        return
    since = min(record.create_timestamp for record in gone.values())
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    runs = {job_id: record.dagster_run for job_id, record in gone.items()}
    for job_id, job in ends_of(runs, queue, since, settings, client).items():
        cause = settle(instance, runs[job_id].run_id, job_id, job, settings)
        if cause is not None:
            found.ended[job_id] = str(cause)


