"""A job has ended: its run's events get what happened, with figures and the end of the log, and what happens next."""

from typing import TYPE_CHECKING

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.causes import Cause
from padocc_dagster.batch.history import print_used
from padocc_dagster.batch.planning import what_next
from padocc_dagster.dagster_private import report_worker_lost, restore_end
from padocc_dagster.slurm.folders import RunFiles, last_lines
from padocc_dagster.slurm.node.report import Report
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.causes import RESPONSES, elapsed_seconds, judge, nodes, peak_memory_mib, story
from padocc_dagster.slurm.runs.events import add_event, commands_for
from padocc_dagster.slurm.runs.tags import files_of, report_of
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


def settle(
    instance: "DagsterInstance", run_id: str, job_id: int, job: Job | None, settings: Settings, run: "DagsterRun | None" = None
) -> Cause | None:
    """Bring the run of a job that has ended to its own end, and record what the job used.

    `job` is what SLURM says of it, None when SLURM knows nothing of it any more, or when the run ended and its job did not. `run` is
    given by who has read it after its end was seen. Returns the cause; None when there is no such run, or when another job has it,
    whose id is then recorded."""
    from dagster import DagsterRunStatus

    run = run or instance.get_run_by_id(run_id)  # read after the job's end was seen: all that the job wrote is in it
    files = files_of(run) if run else None
    if run is None or files is None or tags.own(run_id, run.tags).get(tags.STATE) == tags.ENDED:
        return None
    run = run if run.is_finished else restore_end(instance, run_id) or run
    report = report_of(run)
    if report and report.job_id not in (0, job_id):  # SLURM got two jobs for the run, and the other one has it
        tags.write(instance, run_id, {tags.JOB_ID: str(report.job_id)})
        return None
    cause = _cause(run, job, report)
    requested = Allocation.parse(run.tags[tags.REQUESTED])
    record = {tags.JOB_ID: str(job_id), **_record(cause, job, report)}
    over = f"SLURM job {job_id} is over"
    if job is None and report and report.ended and tags.own(run_id, run.tags).get(tags.HOST, tags.NOTHING) != tags.NOTHING:
        over = f"The run's process in SLURM job {job_id} is over"
    if not run.is_finished:
        tags.write(instance, run_id, record)  # a retry reads the cause
    if run.status is DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{over}, as requested.")
    elif not run.is_finished:
        _end_run(instance, run, job_id, job, report, cause, requested, files, settings)
    elif cause is not Cause.COMPLETED:
        said = story(cause, job, report, str(requested), tags.why_cancelled(run, job_id))
        add_event(instance, run, f"{over}: {said}", files, job_id)
    else:
        add_event(instance, run, f"{over}. Requested: {requested}. Used: {run_used(job, report)}", files, job_id)
    tags.write(instance, run_id, {**record, tags.STATE: tags.ENDED})
    return cause


def _cause(run: "DagsterRun", job: Job | None, report: Report | None) -> Cause:
    """Why the run's job ended. A run that has reported its own end knows best whether it was cancelled: a person may do so as it ends."""
    from dagster import DagsterRunStatus

    found = judge(job, report)
    if found is Cause.LAUNCH_FAILED and run.status is DagsterRunStatus.STARTED:
        return Cause.FAILED  # the worker did begin: its report is lost, or not seen yet from here
    completed = (run.is_finished and job and job.state == "COMPLETED") or found is Cause.COMPLETED
    if run.status is DagsterRunStatus.CANCELED and completed:
        return Cause.CANCELLED
    was_too_late = run.is_success and found is Cause.CANCELLED and not (job and job.state == found)
    return Cause.COMPLETED if completed or was_too_late else found


def _end_run(
    instance: "DagsterInstance",
    run: "DagsterRun",
    job_id: int,
    job: Job | None,
    report: Report | None,
    cause: Cause,
    requested: Allocation,
    files: RunFiles,
    settings: Settings,
) -> None:
    """Report the end of a run whose job ended before the run reported its own."""
    response = RESPONSES[cause]
    following = what_next(instance, run, response, requested, nodes(job, report), settings)
    lines = [
        f"SLURM job {job_id}: {story(cause, job, report, str(requested))}",
        f"It means: {response.means}",
        f"Next: {following.sentence}",
    ]
    if end := last_lines(files.log):
        lines.append(f"The end of {files.log}:\n{end}")
    lines.append("To see more:\n" + "\n".join(commands_for(files, job_id)))
    message = "\n".join(lines)
    if cause is Cause.CANCELLED:
        instance.report_run_canceled(run, message)
        return
    if not following.retried:
        tags.write(instance, run.run_id, {tags.MAX_RETRIES: "0", tags.STOPPED: "yes"})
    report_worker_lost(instance, run, message)


def _record(cause: Cause, job: Job | None, report: Report | None) -> dict[str, str]:
    return {
        tags.CAUSE: str(cause),
        tags.USED: run_used(job, report),
        tags.NODES: ",".join(nodes(job, report)) or tags.NOTHING,
        tags.PENDING: tags.NOTHING,
    }


def run_used(job: Job | None, report: Report | None) -> str:
    """What the job used, from the accounting or, where that is silent, from its own report."""
    return print_used(elapsed_seconds(job, report), peak_memory_mib(job, report))
