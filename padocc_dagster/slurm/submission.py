"""A run becomes a job, exactly once, whatever dies on the way.

The job's name and comment follow from the run. Before a submission the job is looked for: its report (`report.py`), then the queue by
name. What is to be submitted is written into the run's tags before, the job's id after. When sbatch leaves it open whether the job
was accepted, the run waits in STARTING, and the reconciler looks again. Should SLURM still get two jobs for a run (one accepted long
after sbatch gave up), the first to claim the report does the work, and the other ends at once.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.slurm import report, tags
from padocc_dagster.slurm.allocation import Allocation
from padocc_dagster.slurm.client import Client, NoAnswerError, RefusedError, SlurmError
from padocc_dagster.slurm.environment import job_environment
from padocc_dagster.slurm.events import tell
from padocc_dagster.slurm.folders import RunFiles
from padocc_dagster.slurm.history import LaunchRefusedError, Plan, attempts, plan
from padocc_dagster.slurm.script import BatchRequest, batch_script
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.snapshot import Queue

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


def job_name(run: "DagsterRun") -> str:
    """The name of the run's job: the run's id and the number of the attempt."""
    return f"dagster-{run.run_id}-{run.tags.get(tags.RETRY_NUMBER, '0')}"


def job_comment(instance_id: str, run_id: str) -> str:
    """What tells the run's job from a job of the same name that somebody else made."""
    return f"dagster:{instance_id}:{run_id}"


def run_of(comment: str, instance_id: str) -> str | None:
    """The id of the run whose job has that comment; None for a job that is not of this instance."""
    start = f"dagster:{instance_id}:"
    return comment[len(start) :] if comment.startswith(start) else None


def submit(instance: "DagsterInstance", run_id: str, settings: Settings, client: Client, queue: Queue | None = None) -> None:
    """See to it that the run has a job. Without an answer from SLURM, the run stays as it is for a later call.

    A run that cannot become a job is reported as failed. With `queue`, a look at the queue, the run stays as it is unless the look is
    later than any earlier attempt; without it, the queue is asked.
    """
    from dagster import DagsterRunStatus
    from filelock import FileLock

    lock = settings.log_folder.lock(run_id)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        run = instance.get_run_by_id(run_id)  # another process may have submitted it while this one waited
        told = tags.own(run_id, run.tags) if run else {}
        if run is None or told.get(tags.STATE) in (tags.SUBMITTED, tags.ENDED) or (queue and not is_later(queue, told, settings)):
            return
        if run.is_finished:
            if told:
                _close(instance, run, settings, client, queue)
            return
        if run.status is DagsterRunStatus.CANCELING:
            _cancel(instance, run, settings, client, queue)
            return
        try:
            _submit_locked(instance, run, settings, client, queue)
        except LaunchRefusedError as refused:
            instance.add_run_tags(run_id, {tags.MAX_RETRIES: "0", tags.STOPPED: "yes", tags.STATE: tags.ENDED})
            instance.report_run_failed(run, f"{refused}\nThe run was not submitted. Correct this, and run it again.")


def is_later(queue: Queue, told: Mapping[str, str], settings: Settings) -> bool:
    """Whether a look at the queue shows what became of the last attempt to submit a run with these tags."""
    return queue.taken_at > float(told.get(tags.SUBMITTED_AT, 0)) + settings.command_timeout_seconds


def _close(instance: "DagsterInstance", run: "DagsterRun", settings: Settings, client: Client, queue: Queue | None) -> None:
    """A run that ended before its job was recorded: that is done now, so that the job is settled too. A job that comes later is a stray."""
    files = files_of(run)
    with suppress(NoAnswerError):
        job_id = find(run, settings, client, files, queue)
        if job_id is None or files is None:
            instance.add_run_tags(run.run_id, {tags.STATE: tags.ENDED})
        else:
            record(instance, run, job_id, Plan(Allocation.parse(run.tags[tags.ASKED])), files, "was there already and is taken over")


def _cancel(instance: "DagsterInstance", run: "DagsterRun", settings: Settings, client: Client, queue: Queue | None) -> None:
    """A run that was cancelled before it had a job: if it got one all the same, the job is ended too."""
    with suppress(SlurmError):
        job_id = find(run, settings, client, files_of(run), queue)
        if job_id is not None:
            client.cancel([job_id])
        instance.report_run_canceled(run, "The run was cancelled before its job began.")
        instance.add_run_tags(run.run_id, {tags.STATE: tags.ENDED})


def _submit_locked(
    instance: "DagsterInstance", run: "DagsterRun", settings: Settings, client: Client, queue: Queue | None
) -> None:
    told = tags.own(run.run_id, run.tags)
    planned = plan(instance, run, settings)
    files = files_of(run) or settings.log_folder.files(run.run_id, time.time())
    try:
        job_id = find(run, settings, client, files, queue)
        how = "was there already and is taken over"
        if job_id is None:
            job_id, planned = _submit_new(instance, run, settings, client, planned, files)
            how = "submitted"
    except (NoAnswerError, OSError) as error:
        if tags.STATE not in told:
            instance.add_run_tags(run.run_id, _intent(instance, run, planned, files))
            tell(instance, run, f"SLURM has not taken the job yet: {error}. This is tried again until SLURM answers.", files)
        return
    record(instance, run, job_id, planned, files, how)


def _submit_new(
    instance: "DagsterInstance", run: "DagsterRun", settings: Settings, client: Client, planned: Plan, files: RunFiles
) -> tuple[int, Plan]:
    """Submit a job that is not there yet. Where SLURM has no other nodes for it than those that are excluded, these are allowed again."""
    try:
        _write_script(run, settings, planned, files)
        instance.add_run_tags(run.run_id, _intent(instance, run, planned, files))
        return _sbatch(instance, run, settings, client, files), planned
    except LaunchRefusedError:
        if not planned.allocation.exclude:
            raise
    note = f"SLURM has no other nodes for the job than {', '.join(planned.allocation.exclude)}, which failed before: it may run there again"
    anywhere = Plan(replace(planned.allocation, exclude=()), (*planned.notes, note))
    return _submit_new(instance, run, settings, client, anywhere, files)


def find(
    run: "DagsterRun", settings: Settings, client: Client, files: RunFiles | None, queue: Queue | None = None
) -> int | None:
    """The id of the run's job, if there is one. Raises NoAnswerError when that cannot be told."""
    hosted = report.read(files.report) if files else None
    if hosted is not None and hosted.job_id:
        return hosted.job_id
    comment = job_comment(settings.log_folder.instance_id(), run.run_id)
    jobs = client.find(job_name(run)) if queue is None else queue.jobs.values()
    ids = [job.job_id for job in jobs if (job.name, job.comment) == (job_name(run), comment)]
    return min(ids, default=None)


def _write_script(run: "DagsterRun", settings: Settings, planned: Plan, files: RunFiles) -> None:
    from dagster._grpc.types import ExecuteRunArgs

    # Without instance_ref the job reads dagster.yaml from DAGSTER_HOME: a literal password there never gets into the script.
    arguments = ExecuteRunArgs(run.job_code_origin, run.run_id, None).get_command_args()[-1]
    request = BatchRequest(
        job_name=job_name(run),
        comment=job_comment(settings.log_folder.instance_id(), run.run_id),
        allocation=planned.allocation,
        log=files.log,
        report=files.report,
        folder=files.log.parent,
        set_up=settings.set_up,
        python=settings.python,
        command=(settings.python, "-m", "dagster", "api", "execute_run", arguments),
        grace_seconds=settings.terminate_grace_seconds,
        options=settings.sbatch_options,
    )
    files.script.parent.mkdir(parents=True, exist_ok=True)
    files.script.write_text(batch_script(request))


def _intent(instance: "DagsterInstance", run: "DagsterRun", planned: Plan, files: RunFiles) -> dict[str, str]:
    """The tags of a run that is about to be submitted: all of ours, so that nothing copied from a parent is left."""
    copied = run.tags if not tags.own(run.run_id, run.tags) else {}
    again = {}
    if copied.get(tags.STOPPED) == "yes":  # a person repeats it: Dagster counts all attempts, theirs too
        most = (attempts(instance, run) or 1) - 1 + instance.run_retries_max_retries
        again = {tags.STOPPED: "-", tags.MAX_RETRIES: str(most)}
    return {
        tags.JOB_OF: run.run_id,
        tags.STATE: tags.SUBMITTING,
        tags.SUBMITTED_AT: f"{time.time():.3f}",
        tags.JOB_ID: "not known yet",
        tags.LOG: str(files.log),
        tags.SCRIPT: str(files.script),
        tags.ASKED: str(planned.allocation),
        **{name: "-" for name in (tags.PENDING, tags.CAUSE, tags.USED, tags.NODES) if name in copied},
        **again,
    }


def files_of(run: "DagsterRun") -> RunFiles | None:
    """The files of a run that was submitted, or was about to be."""
    script = tags.own(run.run_id, run.tags).get(tags.SCRIPT)
    return RunFiles(Path(script)) if script else None


def _sbatch(instance: "DagsterInstance", run: "DagsterRun", settings: Settings, client: Client, files: RunFiles) -> int:
    """Submit, and when it is open whether that was accepted, look for the job. Raises NoAnswerError when it stays open."""
    try:
        return client.submit(files.script, job_environment(instance, settings.environment))
    except NoAnswerError:
        job_id = find(run, settings, client, files)
        if job_id is None:
            raise
        return job_id
    except RefusedError as error:
        raise LaunchRefusedError(f"SLURM does not take the job: {error}\nIts script: {files.script}") from None


def record(instance: "DagsterInstance", run: "DagsterRun", job_id: int, planned: Plan, files: RunFiles, how: str) -> None:
    """Write the job's id into the run's tags and tell it in the run's events, with commands to paste."""
    asked = str(planned.allocation)
    instance.add_run_tags(run.run_id, {**_intent(instance, run, planned, files), tags.STATE: tags.SUBMITTED, tags.JOB_ID: str(job_id)})
    notes = "".join(f"\n{note}" for note in planned.notes)
    tell(instance, run, f"SLURM job {job_id} {how}: {asked}{notes}", files, job_id)
