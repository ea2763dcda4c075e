"""A run becomes a job, exactly once, whichever process dies on the way.

Before a submission the launcher looks for the job: in its report (`node/report.py`), then in the queue by name. It writes what it submits
into the run's tags before, and the job's id after. When sbatch leaves it open whether the job was accepted, the run waits in STARTING, and
the reconciler looks again. Should SLURM still get two jobs for a run (one accepted long after sbatch gave up), the first to claim the
report does the work, and the other ends at once.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from padocc_dagster.batch.history import attempts
from padocc_dagster.batch.planning import LaunchRefusedError, Plan, plan
from padocc_dagster.dagster_private import execute_run_argument, report_canceled
from padocc_dagster.slurm.folders import RunFiles
from padocc_dagster.slurm.node import report
from padocc_dagster.slurm.request.script import BatchRequest, batch_script, for_one_run
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.environment import job_environment
from padocc_dagster.slurm.runs.events import add_event
from padocc_dagster.slurm.runs.hosts import NoRoomError
from padocc_dagster.slurm.runs.sharing import Sharing
from padocc_dagster.slurm.runs.tags import files_of, job_comment, job_name
from padocc_dagster.slurm.scheduler.client import Client, NoAnswerError, RefusedError, SlurmError
from padocc_dagster.slurm.scheduler.queue import Queue
from padocc_dagster.slurm.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


def submit(instance: "DagsterInstance", run_id: str, settings: Settings, client: Client, queue: Queue | None = None) -> bool:
    """Make sure that the run has a job, and return whether it has one now that was not recorded before.

    Without an answer from SLURM, or when anything else is in the way, the run says so and stays as it is for a later call. A run that
    cannot become a job is reported as failed. With `queue`, a look at the queue, nothing is done unless the look is later than any earlier
    attempt; without it, squeue is called.
    """
    from filelock import FileLock

    lock = settings.log_folder.lock(run_id)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        run = instance.get_run_by_id(run_id)  # another process may have submitted it while this one waited
        own = tags.own(run_id, run.tags) if run else {}
        if run is None or own.get(tags.STATE) in (tags.SUBMITTED, tags.ENDED) or (queue and not is_later(queue, own, settings)):
            return False
        return _Submission(instance, run, settings, client, queue).make()


def refuse(instance: "DagsterInstance", run: "DagsterRun", refused: LaunchRefusedError) -> None:
    """The run cannot become a job: it fails, and Dagster does not retry it."""
    tags.write(instance, run.run_id, {tags.MAX_RETRIES: "0", tags.STOPPED: "yes"})
    instance.report_run_failed(run, f"{refused}\nThe run was not submitted. Correct this, and run it again.")
    tags.write(instance, run.run_id, {tags.STATE: tags.ENDED})


def is_later(queue: Queue, own: Mapping[str, str], settings: Settings) -> bool:
    """Whether a look at the queue shows what became of the last attempt to submit a run with these tags."""
    return queue.taken_at > float(own.get(tags.SUBMITTED_AT, 0)) + settings.command_timeout_seconds


@dataclass
class _Submission:
    """One attempt, made under the run's lock."""

    instance: "DagsterInstance"
    run: "DagsterRun"
    settings: Settings
    client: Client
    queue: Queue | None

    def make(self) -> bool:
        from dagster import DagsterRunStatus

        if self.run.is_finished:
            return self._close()
        if self.run.status is DagsterRunStatus.CANCELING:
            return self._cancel()
        files = files_of(self.run) or self.settings.log_folder.files(self.run.run_id, time.time())
        try:
            if self._may_share() and (sharing := Sharing.of(self.instance, self.run, self.settings, self.client)):
                self._share(sharing, files)
                return True
            job_id = self._find(files)
            if job_id is not None:
                self._record(job_id, self._requested_before(), (), files, "was there already and is taken over")
            else:
                self._submit(files)
            return True
        except LaunchRefusedError as refused:
            refuse(self.instance, self.run, refused)
        except (NoAnswerError, NoRoomError, OSError) as error:
            self._put_off(error, files)
        return False

    def _may_share(self) -> bool:
        """Whether it is certain that the run has no job of its own, and none that it is about to get."""
        own = tags.own(self.run.run_id, self.run.tags)
        return own.get(tags.HOST, tags.NOTHING) != tags.NOTHING or tags.STATE not in own

    def _share(self, sharing: Sharing, files: RunFiles) -> None:
        """Let the run wait in a job that hosts many."""
        files.log.parent.mkdir(parents=True, exist_ok=True)
        joined = sharing.join(files)
        marks = self._marks(str(joined.planned.allocation), joined.files(files))
        known = joined.job_id is not None
        marks |= {tags.STATE: tags.SUBMITTED, tags.HOST: joined.host.host_id, **({tags.JOB_ID: str(joined.job_id)} if known else {})}
        tags.write(self.instance, self.run.run_id, marks)
        job = f"SLURM job {joined.job_id}" if known else "a SLURM job that is being submitted"
        sentence = "\n".join(
            [f"The run waits in {job}, which hosts runs of {joined.host.band}: {marks[tags.REQUESTED]}", *joined.planned.notes]
        )
        add_event(self.instance, self.run, sentence, joined.files(files), joined.job_id)

    def _find(self, files: RunFiles | None) -> int | None:
        """The id of the run's job, if there is one. Raises NoAnswerError when that is not known."""
        hosted = report.read(files.report) if files else None
        if hosted is not None and hosted.job_id:
            return hosted.job_id
        name = job_name(self.run)
        comment = job_comment(self.settings.log_folder.instance_id(), self.run.run_id)
        jobs = self.client.find(name) if self.queue is None else self.queue.jobs.values()
        return min((job.job_id for job in jobs if (job.name, job.comment) == (name, comment)), default=None)

    def _submit(self, files: RunFiles) -> None:
        planned = plan(self.instance, self.run, self.settings)
        try:
            job_id = self._sbatch(planned, files)
        except LaunchRefusedError:
            if not planned.allocation.exclude:
                raise
            nodes = ", ".join(planned.allocation.exclude)
            note = f"SLURM has no other nodes for the job than {nodes}, which failed before: it may run there again"
            planned = Plan(replace(planned.allocation, exclude=()), (*planned.notes, note))
            job_id = self._sbatch(planned, files)
        self._record(job_id, str(planned.allocation), planned.notes, files, "submitted")

    def _sbatch(self, planned: Plan, files: RunFiles) -> int:
        """Submit, and when it is open whether that was accepted, look for the job. Raises NoAnswerError when it stays open."""
        files.script.parent.mkdir(parents=True, exist_ok=True)
        try:
            files.script.write_text(batch_script(self._request(planned, files)))
        except ValueError as error:
            raise LaunchRefusedError(str(error)) from None
        tags.write(self.instance, self.run.run_id, self._marks(str(planned.allocation), files))
        try:
            return self.client.submit(files.script, job_environment(self.instance, self.settings.environment))
        except NoAnswerError:
            self.queue = None  # only a look after the attempt can show what became of it
            job_id = self._find(files)
            if job_id is None:
                raise
            return job_id
        except RefusedError as error:
            raise LaunchRefusedError(f"SLURM does not take the job: {error}\nIts script: {files.script}") from None

    def _request(self, planned: Plan, files: RunFiles) -> BatchRequest:
        python = self.settings.python  # the job reads dagster.yaml from DAGSTER_HOME: a literal password there never gets into the script
        command = (python, "-m", "dagster", "api", "execute_run", execute_run_argument(self.run))
        return BatchRequest(
            job_name=job_name(self.run),
            comment=job_comment(self.settings.log_folder.instance_id(), self.run.run_id),
            allocation=planned.allocation,
            log=files.log,
            folder=files.log.parent,
            set_up=self.settings.set_up,
            python=python,
            main=for_one_run(files.report, self.settings.terminate_grace_seconds, command),
            options=self.settings.sbatch_options,
        )

    def _marks(self, requested: str, files: RunFiles) -> dict[str, str]:
        """The tags of a run that is about to be submitted: all of ours, so that nothing copied from a parent is left."""
        copied = {} if tags.own(self.run.run_id, self.run.tags) else self.run.tags
        again = {}
        if copied.get(tags.STOPPED) == "yes":  # a person runs it again: Dagster counts all attempts, theirs too
            most = (attempts(self.instance, self.run) or 1) - 1 + self.instance.run_retries_max_retries
            again = {tags.STOPPED: tags.NOTHING, tags.MAX_RETRIES: str(most)}
        return {
            tags.JOB_OF: self.run.run_id,
            tags.STATE: tags.SUBMITTING,
            tags.SUBMITTED_AT: f"{time.time():.3f}",
            tags.JOB_ID: "not known yet",
            tags.LOG: str(files.log),
            tags.SCRIPT: str(files.script),
            tags.REQUESTED: requested,
            **{name: tags.NOTHING for name in (tags.PENDING, tags.CAUSE, tags.USED, tags.NODES, tags.HOST) if name in copied},
            **again,
        }

    def _requested_before(self) -> str:
        """What the job that is there already was submitted with."""
        return tags.own(self.run.run_id, self.run.tags).get(tags.REQUESTED, "")

    def _record(self, job_id: int, requested: str, notes: tuple[str, ...], files: RunFiles, how: str) -> None:
        """Write the job's id into the run's tags and events, with commands to paste."""
        marks = {**self._marks(requested, files), tags.STATE: tags.SUBMITTED, tags.JOB_ID: str(job_id)}
        tags.write(self.instance, self.run.run_id, marks)
        sentence = "\n".join([f"SLURM job {job_id} {how}: {requested}", *notes])
        add_event(self.instance, self.run, sentence, files, job_id)

    def _put_off(self, error: Exception, files: RunFiles) -> None:
        """Leave the run for a later call. Its events say so once."""
        if tags.STATE in tags.own(self.run.run_id, self.run.tags):
            return
        silent, shares = isinstance(error, NoAnswerError), isinstance(error, NoRoomError)
        what = "SLURM has not taken the job yet" if silent else "The job could not be submitted yet"
        until = "until SLURM answers" if silent else "with every look at the queue"
        now = self.instance.get_run_by_id(self.run.run_id)
        if now and tags.STATE not in tags.own(now.run_id, now.tags):
            tags.write(self.instance, now.run_id, self._marks("", files) | ({tags.HOST: tags.NO_HOST} if shares else {}))
        add_event(self.instance, self.run, f"{what}: {error}. This is tried again {until}.", files)

    def _close(self) -> bool:
        """A run that ended before its job was recorded: that is done now, so that the job is settled. A job that comes later is a stray."""
        files = files_of(self.run)
        if files is None:
            return False
        with suppress(NoAnswerError, OSError):
            job_id = self._find(files)
            if job_id is not None:
                self._record(job_id, self._requested_before(), (), files, "was there already and is taken over")
                return True
            tags.write(self.instance, self.run.run_id, {tags.STATE: tags.ENDED})
        return False

    def _cancel(self) -> bool:
        """A run that was cancelled before its job was recorded: if it got one all the same, the job is ended too."""
        with suppress(SlurmError, OSError):
            job_id = self._find(files_of(self.run))
            if job_id is not None:
                self.client.cancel([job_id])
            report_canceled(self.instance, self.run, "The run was cancelled before its job was known to run.")
            tags.write(self.instance, self.run.run_id, {tags.STATE: tags.ENDED})
        return False
