"""Brings runs and jobs into agreement: the one place that watches SLURM.

In every poll interval one look at the queue serves all runs: those whose job has ended are settled (`endings.py`), waiting runs say
why, those without a job get one (`submission.py`), and jobs whose run is over are cancelled (`cancelling.py`). Runs that share jobs are
seen to by `host_round.py`. The sensor `slurm_jobs`, the daemon's health checks and the start of the services call it; a lock lets one
of them do it. It keeps nothing in memory, so it may die at any point.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from padocc_dagster.batch.causes import Cause
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.cancelling import end_strays
from padocc_dagster.slurm.runs.ended import ends_of
from padocc_dagster.slurm.runs.endings import settle
from padocc_dagster.slurm.runs.host_ends import HostEnds, shares
from padocc_dagster.slurm.runs.host_round import HostRound
from padocc_dagster.slurm.runs.hosts import Hosts
from padocc_dagster.slurm.runs.owners import HostOwner, Owner, RunOwner
from padocc_dagster.slurm.runs.pending import report_pending, report_silence
from padocc_dagster.slurm.runs.submission import is_later, submit
from padocc_dagster.slurm.scheduler.client import Client
from padocc_dagster.slurm.scheduler.queue import Queue, is_due, look
from padocc_dagster.slurm.settings import Settings

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
    shared: dict[str, Cause] = field(default_factory=dict)
    """Runs that ended in a job that hosts others."""
    moved: list[str] = field(default_factory=list)
    """Runs that wait in another job than before."""
    errors: dict[str, str] = field(default_factory=dict)
    """What went wrong here, by run: the others were handled all the same."""

    def __str__(self) -> str:
        if self.silence:
            return f"{self.open} runs open; SLURM does not answer: {self.silence}"
        ended = len(self.ended) + len(self.shared)
        did = f"{ended} ended, {len(self.submitted)} submitted late, {len(self.moved)} moved, {len(self.cancelled)} jobs cancelled"
        wrong = "".join(f"; run {run_id}: {error}" for run_id, error in self.errors.items())
        return f"{self.open} runs open, {self.waiting} of them waiting in SLURM's queue or in a job; {did}{wrong}"


def reconcile(instance: "DagsterInstance", settings: Settings, client: Client) -> Findings | None:
    """One pass, if nobody has made one within the poll interval. Returns None when there is nothing to do or another process is at it."""
    from filelock import FileLock, Timeout

    lock = settings.log_folder.root / "reconcile.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            if not is_due(settings.log_folder.queue, settings.poll_interval_seconds):
                return None
            return _Round(instance, settings, client).run()
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


@dataclass
class _Round:
    """One pass over all open runs, with one look at the queue."""

    instance: "DagsterInstance"
    settings: Settings
    client: Client
    found: Findings = field(default_factory=Findings)
    began: float = field(default_factory=time.time)

    def run(self) -> Findings:
        queue = look(self.settings.log_folder.queue, self.client, self.settings.poll_interval_seconds)
        ends = HostEnds(Hosts(self.instance, self.settings, self.client), self._noted)
        hosts = HostRound(ends, queue)
        hosts.read()  # after the queue, and the runs after both: what has left its place by then has left its mark in its run's tags
        records = ends.records = open_runs(self.instance)
        self.found.open = len(records)
        if not queue.answered:
            self.found.silence = queue.error
            runs = [record.dagster_run for record in records.values()]
            report_silence(self.instance, runs, queue, self.settings.unreachable_warning_seconds)
            return self.found
        gone_hosts = hosts.attend()
        gone: dict[int, RunRecord] = {}
        for run_id, record in records.items():
            with self._noted(run_id):
                if not shares(record.dagster_run) and (job_id := self._attend(record, queue)) is not None:
                    gone[job_id] = record
        self._settle(gone, gone_hosts, ends, queue)
        with self._noted("of jobs that host runs"):
            hosts.spread()
        self.found.shared, self.found.moved = ends.ended, ends.moved
        self.found.waiting += hosts.waiting
        with self._noted("of jobs without a run"):
            known = {view.host.host_id: view.job_id for view in hosts.views}
            self.found.cancelled = end_strays(self.instance, records, known, queue, self.settings, self.client)
        return self.found

    @contextmanager
    def _noted(self, run_id: str) -> Iterator[None]:
        """Note what goes wrong with one run, for the sensor's log; a run with a fault must not keep the others from their ends."""
        try:
            yield
        except Exception as error:
            self.found.errors[run_id] = f"{type(error).__name__}: {error}"

    def _attend(self, record: "RunRecord", queue: Queue) -> int | None:
        """See to a run that waits or works. Returns the id of its job when that is no longer in the queue."""
        run = record.dagster_run
        own = tags.own(run.run_id, run.tags)
        if own.get(tags.STATE) != tags.SUBMITTED:
            self._submit_late(record, queue)
            return None
        job_id = int(own[tags.JOB_ID])
        job = queue.jobs.get(job_id)
        if job is not None and not job.is_over and RunOwner(run).owns(job):
            self.found.waiting += job.is_pending
            report_pending(self.instance, run, job)
            return None
        return job_id if queue.taken_at > float(own[tags.SUBMITTED_AT]) else None

    def _submit_late(self, record: "RunRecord", queue: Queue) -> None:
        """Submit a run that has no job: its launcher died, or SLURM did not answer it. The look at the queue serves as the search."""
        run, now = record.dagster_run, time.time()
        own = tags.own(run.run_id, run.tags)
        late = now - _aware(record.update_timestamp).timestamp() > LATE_SECONDS
        in_time = len(self.found.submitted) < AT_ONCE and now - self.began < AT_ONCE_SECONDS
        due = (own or late) and is_later(queue, own, self.settings) and in_time
        if due and submit(self.instance, run.run_id, self.settings, self.client, queue):
            self.found.submitted.append(run.run_id)

    def _settle(self, gone: Mapping[int, "RunRecord"], gone_hosts: Mapping[int, HostOwner], hosts: HostEnds, queue: Queue) -> None:
        if not gone and not gone_hosts:
            return
        runs = {job_id: record.dagster_run for job_id, record in gone.items()}
        made = [datetime.fromtimestamp(owner.view.host.made_at, UTC) for owner in gone_hosts.values()]
        since = min([*made, *(_aware(record.create_timestamp) for record in gone.values())])
        owners: dict[int, Owner] = {job_id: RunOwner(run) for job_id, run in runs.items()}
        owners.update(gone_hosts)
        for job_id, job in ends_of(owners, queue, since, self.settings, self.client).items():
            if job_id in gone_hosts:
                with self._noted(f"of host job {job_id}"):
                    hosts.end(gone_hosts[job_id].view, job)
            else:
                with self._noted(runs[job_id].run_id):
                    if cause := settle(self.instance, runs[job_id].run_id, job_id, job, self.settings):
                        self.found.ended[job_id] = str(cause)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
