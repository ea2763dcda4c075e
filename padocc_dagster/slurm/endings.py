"""A job has ended: its run is told what happened, with figures and the end of the log, and what happens next."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from padocc_dagster.slurm import report as reports
from padocc_dagster.slurm import tags
from padocc_dagster.slurm.allocation import Allocation
from padocc_dagster.slurm.events import commands_for, tell
from padocc_dagster.slurm.folders import RunFiles, last_lines
from padocc_dagster.slurm.history import SIZES, attempts, print_used, raised
from padocc_dagster.slurm.identity import files_of
from padocc_dagster.slurm.job import Job
from padocc_dagster.slurm.report import Report
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.states import RESPONSES, Cause, Response, elapsed_seconds, judge, nodes, peak_memory_mib, story

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


@dataclass(frozen=True)
class Next:
    """What follows the end of a job: is it tried again, and the sentence that says so."""

    repeated: bool
    sentence: str


def settle(instance: "DagsterInstance", run_id: str, job_id: int, job: Job | None, settings: Settings) -> Cause | None:
    """Bring the run of a job that has ended to its own end, and record what the job used.

    `job` is what SLURM says of it, None when SLURM knows nothing of it any more. Returns the cause; None when there
    is no such run, or when another job has it, whose id is then recorded.
    """
    from dagster import DagsterRunStatus

    run = instance.get_run_by_id(run_id)  # read after the job's end was seen: whatever the job wrote is in it
    files = files_of(run) if run else None
    if run is None or files is None:
        return None
    told = _report(files)
    if told and told.job_id not in (0, job_id):  # SLURM got two jobs for the run, and the other one has it
        instance.add_run_tags(run_id, {tags.JOB_ID: str(told.job_id)})
        return None
    cause = Cause.COMPLETED if run.is_finished and job and job.state == "COMPLETED" else judge(job, told)
    if cause is Cause.LAUNCH_FAILED and run.status is DagsterRunStatus.STARTED:
        cause = Cause.FAILED  # the worker did begin: its report is lost, or not seen yet from here
    asked = Allocation.parse(run.tags[tags.ASKED])
    instance.add_run_tags(run_id, _record(cause, job, told))
    if run.status is DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"SLURM job {job_id} has ended, as was asked for.")
    elif not run.is_finished:
        _end_run(instance, run, job_id, job, told, cause, asked, files, settings)
    elif cause is not Cause.COMPLETED:
        tell(instance, run, f"SLURM job {job_id} is over: {story(cause, job, told, str(asked))}", files, job_id)
    else:
        tell(instance, run, f"SLURM job {job_id} is over. Asked: {asked}. Used: {run_used(job, told)}", files, job_id)
    instance.add_run_tags(run_id, {tags.STATE: tags.ENDED})
    return cause


def _end_run(
    instance: "DagsterInstance",
    run: "DagsterRun",
    job_id: int,
    job: Job | None,
    told: Report | None,
    cause: Cause,
    asked: Allocation,
    files: RunFiles,
    settings: Settings,
) -> None:
    """Report the end of a run whose job ended without the run's own last word."""
    from dagster._core.events import JobFailureData, RunFailureReason

    response = RESPONSES[cause]
    following = what_next(instance, run, response, asked, nodes(job, told), settings)
    lines = [f"SLURM job {job_id}: {story(cause, job, told, str(asked))}", f"It means: {response.means}", f"Next: {following.sentence}"]
    if end := last_lines(files.log):
        lines.append(f"The end of {files.log}:\n{end}")
    lines.append("To see more:\n" + "\n".join(commands_for(files, job_id)))
    message = "\n".join(lines)
    if cause is Cause.CANCELLED:
        instance.report_run_canceled(run, message)
        return
    if not following.repeated:
        instance.add_run_tags(run.run_id, {tags.MAX_RETRIES: "0", tags.STOPPED: "yes"})
    reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
    instance.report_run_failed(run, message, reason)


def what_next(
    instance: "DagsterInstance", run: "DagsterRun", response: Response, asked: Allocation, failed: tuple[str, ...], settings: Settings
) -> Next:
    """Whether Dagster repeats the run, with how much, and if not, what a person can do."""
    if not response.repeat:
        return Next(False, f"it is not repeated. {response.advice}")
    if not instance.run_retries_enabled:
        return Next(False, f"run_retries is off in dagster.yaml, so it is not repeated. {response.advice}")
    said = run.tags.get(tags.MAX_RETRIES, str(instance.run_retries_max_retries))
    if not said.lstrip("-").isdigit():
        return Next(False, f"its tag {tags.MAX_RETRIES} is {said!r} and no number, so Dagster does not repeat it. {response.advice}")
    made, most = attempts(instance, run), int(said)
    if made is None:
        return Next(False, f"its first attempt was deleted, and Dagster repeats only what it knows from the first on. {response.advice}")
    if made > most:
        return Next(False, f"this was attempt {made}, the last (max_retries in dagster.yaml). {response.advice}")
    wanted = raised(asked, response, failed)
    given, capped = wanted.capped(settings.largest_for(asked))
    grows = response.more_memory or response.more_time
    if grows and all(getattr(given, name) == getattr(asked, name) for name in SIZES):
        return Next(False, f"{'; '.join(capped)}. That was not enough, so it is not repeated. {response.advice}")
    limit = f" ({'; '.join(capped)})" if capped else ""
    return Next(True, f"Dagster repeats it as attempt {made + 1} of at most {most + 1}, asking for {given}{limit}")


def _report(files: RunFiles) -> Report | None:
    """What the job says of itself; nothing when the file system is in trouble."""
    try:
        return reports.read(files.report)
    except OSError:
        return None


def _record(cause: Cause, job: Job | None, told: Report | None) -> dict[str, str]:
    return {tags.CAUSE: str(cause), tags.USED: run_used(job, told), tags.NODES: ",".join(nodes(job, told)) or "-", tags.PENDING: "-"}


def run_used(job: Job | None, told: Report | None) -> str:
    """What the job used, from the accounting or, where that is silent, from its own report."""
    return print_used(elapsed_seconds(job, told), peak_memory_mib(job, told))
