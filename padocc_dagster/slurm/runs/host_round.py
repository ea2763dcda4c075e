"""What a look at the queue means for the runs that share jobs (`reconcile.py` calls this once in a pass).

Runs whose report says how they ended are settled by it, without a question to SLURM. A job that is over closes: what it had started is
settled by the cause of its end, and what it had not goes on to another job. Waiting runs that are over are taken out. Where runs wait
for long, half of them move to a further job.
"""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from padocc_dagster.batch.planning import LaunchRefusedError
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.cancelling import had_last_words
from padocc_dagster.slurm.runs.host_ends import HostEnds, is_cancelled, shares
from padocc_dagster.slurm.runs.hosts import WAITING, View, located
from padocc_dagster.slurm.runs.owners import HostOwner
from padocc_dagster.slurm.runs.pending import report_pending
from padocc_dagster.slurm.runs.submission import refuse
from padocc_dagster.slurm.runs.tags import files_of, host_name, report_of
from padocc_dagster.slurm.scheduler.client import NoAnswerError
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.queue import Queue, missed
from padocc_dagster.slurm.warm_jobs import crowded

if TYPE_CHECKING:
    from dagster import DagsterRun

LATE_SECONDS = 30.0
"""A job is left to the process that submits it for so long."""
LOST_SECONDS = 120.0


@dataclass
class HostRound:
    """One pass over the hosts."""

    ends: HostEnds
    queue: Queue
    views: list[View] = field(default_factory=list)
    located: dict[str, tuple[View, str]] = field(default_factory=dict)
    waiting: int = 0

    def read(self) -> None:
        """Read the folders of all hosts."""
        self.views = self.ends.hosts.views()
        self.located = located(self.views)

    def attend(self) -> dict[int, HostOwner]:
        """See to all that needs no word of SLURM's. Returns the jobs that left the queue, whose ends are to be found out."""
        gone: dict[int, HostOwner] = {}
        for view in self.views:
            for run_id in view.runs["done"]:
                with self.ends.noted(run_id):
                    self.ends.settle_done(view, run_id)
            for state in WAITING:
                for run_id in view.runs[state]:
                    with self.ends.noted(run_id):
                        self._attend_waiting(view, run_id, state)
            with self.ends.noted(f"in host {view.host.host_id}"):
                if (job_id := self._attend_job(view)) is not None:
                    gone[job_id] = HostOwner(view)
        for run_id, record in self.ends.records.items():
            if run_id not in self.located and shares(record.dagster_run):
                with self.ends.noted(run_id):
                    self._attend_lost(record.dagster_run)
        return gone

    def spread(self) -> None:
        """Where runs wait for long, let half of them wait in a new job, one a pass for each band."""
        seen = self.ends.hosts.views()
        for band in {view.host.band: view.band for view in seen if view.is_open}.values():
            warm, places = self.ends.hosts.settings.warm, self.ends.hosts.places(seen, band, self.queue)
            place = crowded(places, warm) if warm else None
            if place is None or not self.ends.hosts.may_add(seen, band):
                continue
            waiting = place.folder.runs("open")
            longest = max((r.wall_seconds for run_id in waiting if (r := place.folder.request(run_id, "open"))), default=0)
            folder = self.ends.hosts.make(seen, band, longest, place.host.definitions)
            self.ends.moved += [run_id for run_id in waiting[len(waiting) // 2 :] if place.folder.hand_to(folder, run_id)]
            try:
                self.ends.hosts.submit(folder)
            except NoAnswerError:
                pass  # looked up in a later pass
            except LaunchRefusedError:
                folder.close()

    def _attend_waiting(self, view: View, run_id: str, state: str) -> None:
        run = self.ends.run(run_id)
        if self._is_elsewhere(view, run_id, state):
            view.folder.remove(run_id, state)
        elif run is None or run.is_finished or is_cancelled(run):
            if view.folder.remove(run_id, state) and run:
                self.ends.end_unstarted(run)
        elif state != "open":
            self.ends.hand_on(view, run, state)
        elif job := self._job(view):
            self.waiting += 1
            self._record_job(run, view)
            report_pending(self.ends.hosts.instance, run, job)

    def _is_elsewhere(self, view: View, run_id: str, state: str) -> bool:
        there, folder = self.located[run_id]
        return (there.host.host_id, folder) != (view.host.host_id, state)

    def _record_job(self, run: "DagsterRun", view: View) -> None:
        """Repeat in the run's tags which job it is in."""
        own, job_id = tags.own(run.run_id, run.tags), str(view.job_id)
        if own and own.get(tags.JOB_ID) != job_id:
            tags.write(self.ends.hosts.instance, run.run_id, {tags.JOB_ID: job_id, tags.HOST: view.host.host_id})

    def _job(self, view: View) -> Job | None:
        """The host's job, as the look at the queue saw it; None when it is not there or over."""
        job = self.queue.jobs.get(view.job_id) if view.job_id else None
        return job if job is not None and not job.is_over and HostOwner(view).owns(job) else None

    def _attend_job(self, view: View) -> int | None:
        """See to a host's job. Returns its id when it has left the queue, and how it ended is to be found out."""
        if view.job_id is None:
            self._submit_late(view)
            return None
        report = HostOwner(view).report()
        if report and report.job_id not in (0, view.job_id):  # SLURM got two jobs for the host, and the other one has it
            view.folder.set_job_id(report.job_id)
            return None
        if report and report.ended and report.stop_signal is None:
            self.ends.end(view, None)
            return None
        job = self._job(view)
        if job is None:
            return view.job_id if self.queue.taken_at > view.host.made_at + self.ends.hosts.settings.command_timeout_seconds else None
        if job.is_pending and not view.runs["open"] and time.time() - view.host.made_at > LATE_SECONDS:
            self._withdraw(view)
        for run_id in view.runs["claimed"]:
            with self.ends.noted(run_id):
                self._attend_at_work(view, run_id)
        return None

    def _withdraw(self, view: View) -> None:
        """Cancel the job of a host that no run waits for any more, before it begins."""
        view.folder.close()
        if view.folder.runs("closed"):
            view.folder.reopen()
        elif view.job_id:
            self.ends.hosts.client.cancel([view.job_id])
            view.folder.clear()

    def _attend_at_work(self, view: View, run_id: str) -> None:
        """Request the end of a process whose run is cancelled, gone or over for long."""
        run = self.ends.run(run_id)
        if run is None or is_cancelled(run) or (run.is_finished and had_last_words(run_id)):
            view.folder.request_end(run_id)
        elif not run.is_finished:
            self._record_job(run, view)
            if run.tags.get(tags.PENDING, tags.NOTHING) != tags.NOTHING:
                tags.write(self.ends.hosts.instance, run_id, {tags.PENDING: tags.NOTHING})

    def _submit_late(self, view: View) -> None:
        """Submit the job of a host whose maker died, or got no answer. The look at the queue serves as the search."""
        if not self.queue.taken_at > view.host.made_at + max(LATE_SECONDS, self.ends.hosts.settings.command_timeout_seconds):
            return
        name = host_name(view.host.host_id)
        found = min((job.job_id for job in self.queue.jobs.values() if job.name == name and view.is_of(job)), default=None)
        report = HostOwner(view).report()
        found = report.job_id if report and report.job_id else found
        if found is not None:
            view.folder.set_job_id(found)
        elif view.folder.runs("open"):
            self._submit(view)
        else:
            view.folder.close()
            if not any(view.folder.runs(state) for state in WAITING):
                view.folder.clear()

    def _submit(self, view: View) -> None:
        try:
            self.ends.hosts.submit(view.folder)
        except NoAnswerError:
            pass  # looked up in a later pass
        except LaunchRefusedError as refused:
            view.folder.close()
            for run_id in view.folder.runs("closed"):
                if (run := self.ends.run(run_id)) and view.folder.remove(run_id, "closed"):
                    refuse(self.ends.hosts.instance, run, refused)

    def _attend_lost(self, run: "DagsterRun") -> None:
        """A run that no host has: another job has claimed it, or its host's folder was removed by somebody."""
        if self.ends.hosts.is_there(run.run_id):  # it joined after the folders were read
            return
        files, report = files_of(run), report_of(run)
        if files is None:
            return
        if report is None:
            if run.is_finished or is_cancelled(run):
                self.ends.end_unstarted(run)
            elif not files.report.exists():
                tags.write(self.ends.hosts.instance, run.run_id, {tags.STATE: tags.SUBMITTING})  # it joins another one
        elif report.ended:
            self.ends.settle(run, report, None)
        else:
            job = self.queue.jobs.get(report.job_id)
            silent = job is None or job.is_over
            if silent and time.time() - missed(self.ends.hosts.settings.log_folder.queue, {report.job_id})[report.job_id] > LOST_SECONDS:
                self.ends.settle(run, report, None)
