"""How runs leave a job that they share: by their own end, by that of the job, or for another job that is to start them."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.batch.causes import Cause
from padocc_dagster.batch.planning import LaunchRefusedError
from padocc_dagster.dagster_private import report_canceled
from padocc_dagster.slurm.node.host_folder import Request
from padocc_dagster.slurm.node.report import Report, read
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.causes import judge
from padocc_dagster.slurm.runs.endings import settle
from padocc_dagster.slurm.runs.events import add_event
from padocc_dagster.slurm.runs.hosts import WAITING, Hosts, NoRoomError, View
from padocc_dagster.slurm.runs.owners import HostOwner
from padocc_dagster.slurm.runs.sharing import Sharing
from padocc_dagster.slurm.runs.submission import refuse
from padocc_dagster.slurm.runs.tags import files_of, report_of
from padocc_dagster.slurm.scheduler.job import Job

if TYPE_CHECKING:
    from dagster import DagsterRun, RunRecord

MOST_HANDED_ON = 3
"""Jobs that may end under a run before it is started; then it ends as the last of them did."""

Noted = Callable[[str], AbstractContextManager[None]]


def shares(run: "DagsterRun") -> bool:
    """Whether a host has the run, or should have. One whose tags do not say so yet is submitted again, and then found there."""
    own = tags.own(run.run_id, run.tags)
    return own.get(tags.HOST, tags.NOTHING) != tags.NOTHING and own.get(tags.STATE) == tags.SUBMITTED


def is_cancelled(run: "DagsterRun") -> bool:
    """Whether a person has requested the run's end."""
    from dagster import DagsterRunStatus

    return run.status is DagsterRunStatus.CANCELING


@dataclass
class HostEnds:
    """What this pass does with runs that leave their hosts. `noted` notes what goes wrong with one, so that the others are seen to."""

    hosts: Hosts
    noted: Noted
    records: Mapping[str, "RunRecord"] = field(default_factory=dict)
    """The open runs; read after the folders, so that a run that has ended on its node is seen as it ended."""
    ended: dict[str, Cause] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)

    def end(self, view: View, job: Job | None) -> None:
        """A host's job is over: settle what it had started, hand on what it had not, and remove its folder."""
        view.folder.close()
        runs = {state: view.folder.runs(state) for state in ("done", "claimed", *WAITING)}
        report = HostOwner(view).report()
        cause = judge(job, report)
        for run_id in runs["done"]:
            with self.noted(run_id):
                self.settle_done(view, run_id)
        for run_id in runs["claimed"]:
            with self.noted(run_id):
                self._end_claimed(view, run_id, job)
        for state in WAITING:
            for run_id in runs[state]:
                with self.noted(run_id):
                    self._leave(view, run_id, state, job, cause if report is None and cause is Cause.LAUNCH_FAILED else None)
        if not any(view.folder.runs(state) for state in ("done", "claimed", *WAITING)):
            view.folder.clear()

    def run(self, run_id: str) -> "DagsterRun | None":
        """A run, from the open ones or from the database; None when it was deleted."""
        record = self.records.get(run_id)
        return record.dagster_run if record else self.hosts.instance.get_run_by_id(run_id)

    def settle_done(self, view: View, run_id: str) -> None:
        """Settle a run whose host says that it has ended."""
        run, report = self.run(run_id), self._report(view, run_id, "done")
        if run and not shares(run) and run.tags.get(tags.STATE) != tags.ENDED:
            return  # until its tags say that it is here
        if run:
            self.settle(run, report, None)
        view.folder.remove(run_id, "done")

    def settle(self, run: "DagsterRun", report: Report | None, job: Job | None, job_id: int = 0) -> None:
        """Settle by the run's own report; `job` where the end of the job is the cause."""
        ended = replace(job, elapsed_seconds=None, peak_memory_mib=None) if job else None
        cause = settle(self.hosts.instance, run.run_id, report.job_id if report else job_id, ended, self.hosts.settings, run)
        if cause:
            self.ended[run.run_id] = cause

    def end_unstarted(self, run: "DagsterRun") -> None:
        """Record the end of a run that is over before it was started."""
        from dagster import DagsterRunStatus

        if is_cancelled(run):
            report_canceled(self.hosts.instance, run, "The run was cancelled before it began.")
        failed = run.status is DagsterRunStatus.FAILURE
        tags.write(self.hosts.instance, run.run_id, {**tags.UNSTARTED, **({tags.CAUSE: tags.NOTHING} if failed else {})})

    def hand_on(self, view: View, run: "DagsterRun", state: str, request: Request | None = None) -> None:
        """Let a run that a host did not start wait in another one, or get a job of its own."""
        handed_on = request.handed_on + 1 if request else 0
        files = files_of(run) or self.hosts.settings.log_folder.files(run.run_id, time.time())
        try:
            sharing = Sharing.of(self.hosts.instance, run, self.hosts.settings, self.hosts.client)
            if sharing is None:
                marks = {tags.STATE: tags.SUBMITTING, tags.HOST: tags.NOTHING, tags.JOB_ID: "not known yet"}
                tags.write(self.hosts.instance, run.run_id, marks)
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
        tags.write(self.hosts.instance, run.run_id, marks)
        sentence = f"SLURM job {view.job_id} did not start the run. It waits in SLURM job {job_id} now"
        add_event(self.hosts.instance, run, sentence, joined.files(files), joined.job_id)
        self.moved.append(run.run_id)

    def _report(self, view: View, run_id: str, state: str) -> Report | None:
        """What was said of the run on its node; None when no job has claimed it."""
        request = view.folder.request(run_id, state)
        return read(Path(request.report)) if request else None

    def _end_claimed(self, view: View, run_id: str, job: Job | None) -> None:
        """A run that a host claimed whose job is over: it was started, and ended as the job did, or it was not, and goes on."""
        run, report = self.run(run_id), self._report(view, run_id, "claimed")
        if run is None:
            view.folder.remove(run_id, "claimed")
        elif report is None:
            view.folder.move(run_id, "claimed", "returned")  # among the claimed it would count as a run that has a host
            self._leave(view, run_id, "returned", job, None)
        elif shares(run) or run.tags.get(tags.STATE) == tags.ENDED:
            if report.job_id in (0, view.job_id):
                alone = report.ended and report.stop_signal not in ("SIGTERM", "SIGINT")
                self.settle(run, report, None if alone else job, view.job_id or 0)
            view.folder.remove(run_id, "claimed")

    def _leave(self, view: View, run_id: str, state: str, job: Job | None, cause: Cause | None) -> None:
        """A run leaves a host that is over and did not start it: for another one, unless none can start (`cause`), or too many have
        ended."""
        run, request = self.run(run_id), view.folder.request(run_id, state)
        if run is None or run.is_finished:
            view.folder.remove(run_id, state)
        elif is_cancelled(run):
            view.folder.remove(run_id, state)
            self.end_unstarted(run)
        elif cause or (request and request.handed_on >= MOST_HANDED_ON):
            self.settle(run, report_of(run), job, view.job_id or 0)
            view.folder.remove(run_id, state)
        else:
            self.hand_on(view, run, state, request)
