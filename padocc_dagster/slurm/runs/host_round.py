"""What a look at the queue means for the runs that share jobs (`reconcile.py` calls this once in a pass).

Runs whose report says how they ended are settled by it, without a question to SLURM. A job that is over closes: what it had started is
settled by the cause of its end, and what it had not goes on to another job. Waiting runs that are over are taken out. Where runs wait
for long, half of them move to a further job.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.batch.causes import Cause
from padocc_dagster.batch.planning import LaunchRefusedError
from padocc_dagster.slurm.node.host_folder import Request
from padocc_dagster.slurm.node.report import Report, read
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.causes import judge
from padocc_dagster.slurm.runs.endings import settle
from padocc_dagster.slurm.runs.events import add_event
from padocc_dagster.slurm.runs.hosts import WAITING, Hosts, NoRoomError, View, located
from padocc_dagster.slurm.runs.owners import HostOwner
from padocc_dagster.slurm.runs.pending import report_pending
from padocc_dagster.slurm.runs.sharing import Sharing
from padocc_dagster.slurm.runs.submission import refuse
from padocc_dagster.slurm.runs.tags import files_of, host_name, report_of
from padocc_dagster.slurm.scheduler.client import NoAnswerError
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.queue import Queue, missed
from padocc_dagster.slurm.warm_jobs import crowded

if TYPE_CHECKING:
    from dagster import DagsterRun, RunRecord

LATE_SECONDS = 30.0
"""A job is left to the process that submits it for so long."""
LAST_WORDS_SECONDS = 60.0
"""How long a process whose run has ended may take to end."""
MOST_HANDED_ON = 3
"""Jobs that may end under a run before it is started; then it ends as the last of them did."""
LOST_SECONDS = 120.0

Noted = Callable[[str], AbstractContextManager[None]]


@dataclass
class HostRound:
    """One pass over the hosts. `noted` notes what goes wrong with one run, so that the others are seen to all the same."""

    hosts: Hosts
    queue: Queue
    noted: Noted
    records: Mapping[str, "RunRecord"] = field(default_factory=dict)
    """The open runs; read after the folders, so that a run that has ended on its node is seen as it ended."""
    views: list[View] = field(default_factory=list)
    located: dict[str, tuple[View, str]] = field(default_factory=dict)
    ended: dict[str, Cause] = field(default_factory=dict)
    """What this pass found, by run."""
    moved: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Read the folders of all hosts."""
        self.views = self.hosts.views()
        self.located = located(self.views)

    def shares(self, run: "DagsterRun") -> bool:
        """Whether the run is seen to here. One whose tags do not say yet that it waits in a host is submitted again, and then found
        there."""
        own = tags.own(run.run_id, run.tags)
        return own.get(tags.HOST, tags.NOTHING) != tags.NOTHING and own.get(tags.STATE) == tags.SUBMITTED

    def attend(self) -> dict[int, HostOwner]:
        """See to all that needs no word of SLURM's. Returns the jobs that left the queue, whose ends are to be found out."""
        gone: dict[int, HostOwner] = {}
        for view in self.views:
            for run_id in view.runs["done"]:
                with self.noted(run_id):
                    self._settle_done(view, run_id)
            for state in WAITING:
                for run_id in view.runs[state]:
                    with self.noted(run_id):
                        self._attend_waiting(view, run_id, state)
            with self.noted(f"in host {view.host.host_id}"):
                if (job_id := self._attend_job(view)) is not None:
                    gone[job_id] = HostOwner(view)
        for run_id, record in self.records.items():
            if run_id not in self.located and self.shares(record.dagster_run):
                with self.noted(run_id):
                    self._attend_lost(record.dagster_run)
        return gone

    def end(self, view: View, job: Job | None) -> None:
        """A host's job is over: settle what it had started, hand on what it had not, and remove its folder."""
        view.folder.close()
        runs = {state: view.folder.runs(state) for state in ("done", "claimed", *WAITING)}
        report = HostOwner(view).report()
        cause = judge(job, report)
        for run_id in runs["done"]:
            with self.noted(run_id):
                self._settle_done(view, run_id)
        for run_id in runs["claimed"]:
            with self.noted(run_id):
                self._end_claimed(view, run_id, job)
        for state in WAITING:
            for run_id in runs[state]:
                with self.noted(run_id):
                    self._leave(view, run_id, state, job, cause if report is None and cause is Cause.LAUNCH_FAILED else None)
        if not any(view.folder.runs(state) for state in ("done", "claimed", *WAITING)):
            view.folder.clear()

    def spread(self) -> None:
        """Where runs wait for long, let half of them wait in a new job, one a pass for each band."""
        seen = self.hosts.views()
        for band in {view.host.band: view.band for view in seen if view.is_open}.values():
            warm, places = self.hosts.settings.warm, self.hosts.places(seen, band, self.queue)
            place = crowded(places, warm) if warm else None
            if place is None or not self.hosts.may_add(seen, band):
                continue
            waiting = place.folder.runs("open")
            longest = max((r.wall_seconds for run_id in waiting if (r := place.folder.request(run_id, "open"))), default=0)
            folder = self.hosts.make(seen, band, longest, place.host.definitions)
            self.moved += [run_id for run_id in waiting[len(waiting) // 2 :] if place.folder.hand_to(folder, run_id)]
            try:
                self.hosts.submit(folder)
            except NoAnswerError:
                pass  # looked up in a later pass
            except LaunchRefusedError:
                folder.close()

    def _run(self, run_id: str) -> "DagsterRun | None":
        record = self.records.get(run_id)
        return record.dagster_run if record else self.hosts.instance.get_run_by_id(run_id)

    def _settle_done(self, view: View, run_id: str) -> None:
        run, report = self._run(run_id), self._report(view, run_id, "done")
        if run and not self.shares(run) and run.tags.get(tags.STATE) != tags.ENDED:
            return  # until its tags say that it is here
        if run:
            self._settle(run, report, None)
        view.folder.remove(run_id, "done")

    def _report(self, view: View, run_id: str, state: str) -> Report | None:
        """What was said of the run on its node; None when no job has claimed it."""
        request = view.folder.request(run_id, state)
        return read(Path(request.report)) if request else None

    def _settle(self, run: "DagsterRun", report: Report | None, job: Job | None, job_id: int = 0) -> None:
        """Settle by the run's own report; `job` where the end of the job is the cause."""
        ended = replace(job, elapsed_seconds=None, peak_memory_mib=None) if job else None
        cause = settle(self.hosts.instance, run.run_id, report.job_id if report else job_id, ended, self.hosts.settings, run)
        if cause:
            self.ended[run.run_id] = cause

    def _attend_waiting(self, view: View, run_id: str, state: str) -> None:
        run = self._run(run_id)
        if self._is_elsewhere(view, run_id, state):
            view.folder.remove(run_id, state)
        elif run is None or run.is_finished or self._is_cancelled(run):
            if view.folder.remove(run_id, state) and run:
                self._end_unstarted(run)
        elif state != "open":
            self._hand_on(view, run, state)
        elif job := self._job(view):
            self._record_job(run, view)
            report_pending(self.hosts.instance, run, job)

    def _is_elsewhere(self, view: View, run_id: str, state: str) -> bool:
        there, folder = self.located[run_id]
        return (there.host.host_id, folder) != (view.host.host_id, state)

    def _is_cancelled(self, run: "DagsterRun") -> bool:
        from dagster import DagsterRunStatus

        return run.status is DagsterRunStatus.CANCELING

    def _end_unstarted(self, run: "DagsterRun") -> None:
        if self._is_cancelled(run):
            self.hosts.instance.report_run_canceled(run, "The run was cancelled before it began.")
        self.hosts.instance.add_run_tags(run.run_id, {tags.STATE: tags.ENDED, tags.PENDING: tags.NOTHING})

    def _record_job(self, run: "DagsterRun", view: View) -> None:
        """Repeat in the run's tags which job it is in."""
        own, job_id = tags.own(run.run_id, run.tags), str(view.job_id)
        if own and own.get(tags.JOB_ID) != job_id:
            self.hosts.instance.add_run_tags(run.run_id, {tags.JOB_ID: job_id, tags.HOST: view.host.host_id})

    def _job(self, view: View) -> Job | None:
        """The host's job, as the look at the queue saw it; None when it is not there or over."""
        job = self.queue.jobs.get(view.job_id) if view.job_id else None
        return job if job is not None and view.is_of(job) and not job.is_over else None

    def _attend_job(self, view: View) -> int | None:
        """See to a host's job. Returns its id when it has left the queue, and how it ended is to be found out."""
        if view.job_id is None:
            self._submit_late(view)
            return None
        report = HostOwner(view).report()
        if report and report.ended and report.stop_signal is None:
            self.end(view, None)
            return None
        job = self._job(view)
        if job is None:
            return view.job_id if self.queue.taken_at > view.host.made_at + self.hosts.settings.command_timeout_seconds else None
        if job.is_pending and not view.runs["open"] and time.time() - view.host.made_at > LATE_SECONDS:
            self._withdraw(view)
        for run_id in view.runs["claimed"]:
            with self.noted(run_id):
                self._attend_at_work(view, run_id)
        return None

    def _withdraw(self, view: View) -> None:
        """Cancel the job of a host that no run waits for any more, before it begins."""
        view.folder.close()
        if view.folder.runs("closed"):
            view.folder.reopen()
        elif view.job_id:
            self.hosts.client.cancel([view.job_id])
            view.folder.clear()

    def _attend_at_work(self, view: View, run_id: str) -> None:
        """Request the end of a process whose run is cancelled, gone or over for long."""
        record = self.records.get(run_id)
        run = record.dagster_run if record else self._run(run_id)
        since = time.time() - (record.end_time or 0) if record else 0.0
        if run is None or self._is_cancelled(run) or (run.is_finished and since > LAST_WORDS_SECONDS):
            view.folder.request_end(run_id)
        elif not run.is_finished:
            self._record_job(run, view)
            if run.tags.get(tags.PENDING, tags.NOTHING) != tags.NOTHING:
                self.hosts.instance.add_run_tags(run_id, {tags.PENDING: tags.NOTHING})

    def _submit_late(self, view: View) -> None:
        """Submit the job of a host whose maker died, or got no answer. The look at the queue serves as the search."""
        if not self.queue.taken_at > view.host.made_at + max(LATE_SECONDS, self.hosts.settings.command_timeout_seconds):
            return
        name = host_name(view.host.host_id)
        found = min((job.job_id for job in self.queue.jobs.values() if job.name == name and view.is_of(job)), default=None)
        report = HostOwner(view).report()
        found = report.job_id if report and report.job_id else found
        if found is not None:
            view.folder.set_job_id(found)
        elif not any(view.folder.runs(state) for state in WAITING):
            view.folder.close()
            if not any(view.folder.runs(state) for state in WAITING):
                view.folder.clear()
        else:
            try:
                self.hosts.submit(view.folder)
            except LaunchRefusedError as refused:
                view.folder.close()
                for run_id in view.folder.runs("closed"):
                    if (run := self._run(run_id)) and view.folder.remove(run_id, "closed"):
                        refuse(self.hosts.instance, run, refused)
            except NoAnswerError:
                pass

    def _end_claimed(self, view: View, run_id: str, job: Job | None) -> None:
        """A run that a host claimed whose job is over: it was started, and ended as the job did, or it was not, and goes on."""
        run, report = self._run(run_id), self._report(view, run_id, "claimed")
        if run is None:
            view.folder.remove(run_id, "claimed")
        elif report is None:
            view.folder.move(run_id, "claimed", "returned")  # among the claimed it would count as a run that has a host
            self._leave(view, run_id, "returned", job, None)
        elif self.shares(run) or run.tags.get(tags.STATE) == tags.ENDED:
            if report.job_id in (0, view.job_id):
                alone = report.ended and report.stop_signal not in ("SIGTERM", "SIGINT")
                self._settle(run, report, None if alone else job, view.job_id or 0)
            view.folder.remove(run_id, "claimed")

    def _leave(self, view: View, run_id: str, state: str, job: Job | None, cause: Cause | None) -> None:
        """A run leaves a host that is over and did not start it: for another one, unless none can start (`cause`), or too many have
        ended."""
        run, request = self._run(run_id), view.folder.request(run_id, state)
        if run is None or run.is_finished:
            view.folder.remove(run_id, state)
        elif self._is_cancelled(run):
            view.folder.remove(run_id, state)
            self._end_unstarted(run)
        elif cause or (request and request.handed_on >= MOST_HANDED_ON):
            self._settle(run, report_of(run), job, view.job_id or 0)
            view.folder.remove(run_id, state)
        else:
            self._hand_on(view, run, state, request)

    def _hand_on(self, view: View, run: "DagsterRun", state: str, request: Request | None = None) -> None:
        """Let a run that a host did not start wait in another one, or get a job of its own."""
        handed_on = request.handed_on + 1 if request else 0
        files = files_of(run) or self.hosts.settings.log_folder.files(run.run_id, time.time())
        try:
            sharing = Sharing.of(self.hosts.instance, run, self.hosts.settings, self.hosts.client)
            if sharing is None:
                marks = {tags.STATE: tags.SUBMITTING, tags.HOST: tags.NOTHING, tags.JOB_ID: "not known yet"}
                self.hosts.instance.add_run_tags(run.run_id, marks)
                view.folder.remove(run.run_id, state)
                return
            files.log.parent.mkdir(parents=True, exist_ok=True)
            joined = sharing.join(files, handed_on)
        except NoRoomError:
            return
        except LaunchRefusedError as refused:
            view.folder.remove(run.run_id, state)
            refuse(self.hosts.instance, run, refused)
            return
        view.folder.remove(run.run_id, state)
        job_id = str(joined.job_id) if joined.job_id else "not known yet"
        marks = {tags.HOST: joined.host.host_id, tags.JOB_ID: job_id, tags.SCRIPT: str(joined.script.script), tags.PENDING: tags.NOTHING}
        self.hosts.instance.add_run_tags(run.run_id, marks)
        sentence = f"SLURM job {view.job_id} did not start the run. It waits in SLURM job {job_id} now"
        add_event(self.hosts.instance, run, sentence, joined.files(files), joined.job_id)
        self.moved.append(run.run_id)

    def _attend_lost(self, run: "DagsterRun") -> None:
        """A run that no host has: another job has claimed it, or its host's folder was removed by somebody."""
        if self.hosts.is_there(run.run_id):  # it joined after the folders were read
            return
        files, report = files_of(run), report_of(run)
        if files is None:
            return
        if report is None:
            if run.is_finished or self._is_cancelled(run):
                self._end_unstarted(run)
            elif not files.report.exists():
                self.hosts.instance.add_run_tags(run.run_id, {tags.STATE: tags.SUBMITTING})  # it joins another one
        elif report.ended:
            self._settle(run, report, None)
        else:
            job = self.queue.jobs.get(report.job_id)
            silent = job is None or job.is_over
            if silent and time.time() - missed(self.hosts.settings.log_folder.queue, {report.job_id})[report.job_id] > LOST_SECONDS:
                self._settle(run, report, None)
