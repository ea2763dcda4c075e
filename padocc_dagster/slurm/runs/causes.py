"""From SLURM's words to the cause of a job's end, and the end as a paragraph. Why a job does not start: `scheduler/reasons.py`.

SLURM's state decides, not the exit code: a job that ran out of memory may end with 0 (nextflow#1285). Where SLURM no longer knows the
job, its own report decides.
"""

import signal
from dataclasses import replace
from datetime import timedelta

from padocc_dagster.batch import causes as batch
from padocc_dagster.batch.causes import Cause
from padocc_dagster.slurm.node.report import Report
from padocc_dagster.slurm.scheduler.job import Job

RESPONSES = {
    **batch.RESPONSES,
    Cause.PREEMPTED: replace(
        batch.RESPONSES[Cause.PREEMPTED], advice="Run it again, or set the run tag slurm/qos to one that is not preempted."
    ),
    Cause.DEADLINE: replace(
        batch.RESPONSES[Cause.DEADLINE], advice="Remove deadline from sbatch_options in dagster.yaml, or request less wall time."
    ),
    Cause.LAUNCH_FAILED: replace(
        batch.RESPONSES[Cause.LAUNCH_FAILED],
        means="the job ended before the worker began: a line of set_up failed, Python or the package is not there on the node, "
        "or the node cannot reach the log folder",
    ),
}
"""Those of `batch.causes`, in SLURM's words where it has its own."""
NOT_FOUND = (126, 127)
"""Exit statuses of a program that cannot be started."""
SURE = frozenset(
    {
        Cause.OUT_OF_MEMORY,
        Cause.TIMEOUT,
        Cause.NODE_FAIL,
        Cause.BOOT_FAIL,
        Cause.PREEMPTED,
        Cause.DEADLINE,
        Cause.CANCELLED,
    }
)
"""States of SLURM that are causes without a look at the report."""


def judge(job: Job | None, report: Report | None) -> Cause:
    """Why a job that is over, or that SLURM no longer knows (None), has ended. `report` is None when the worker never began."""
    if job and job.forgotten:
        by_report = judge(None, report)
        return Cause.FORGOTTEN if by_report is Cause.VANISHED else by_report
    if job and job.state in SURE:
        return Cause(job.state)
    if job and job.state == "REVOKED":  # another cluster of a federation has the job, so it must not be repeated here
        return Cause.CANCELLED
    if (report and report.requeued) or (job and job.is_pending):
        return Cause.REQUEUED
    if report and report.out_of_memory:
        return Cause.OUT_OF_MEMORY
    if report and report.out_of_time:
        return Cause.TIMEOUT
    if report and report.stop_signal == "SIGUSR1":
        return Cause.CANCELLED
    if report is None:
        return Cause.LAUNCH_FAILED if job and job.is_over else Cause.VANISHED
    return _seen_by_both(job if job and job.is_over else None, report)


def _seen_by_both(job: Job | None, report: Report) -> Cause:
    """The cause when the worker began and nothing from outside is known to have ended it."""
    if report.exit_status in NOT_FOUND:
        return Cause.LAUNCH_FAILED
    if job:
        return Cause.COMPLETED if job.state == "COMPLETED" and not report.exit_status and not report.signal else Cause.FAILED
    if report.ended is None or report.stop_signal:
        return Cause.VANISHED
    return Cause.COMPLETED if report.exit_status == 0 else Cause.FAILED


def story(cause: Cause, job: Job | None, report: Report | None, requested: str, cancelled_for: str | None = None) -> str:
    """The end of a job in one paragraph: which end, where, who, and what it used of what it had requested (`requested`, as text).

    `cancelled_for` is why the launcher cancelled the job, if it did.
    """
    where = ", ".join(nodes(job, report))
    if cause is Cause.CANCELLED and cancelled_for:
        ended = f"{cause} by the launcher, because {cancelled_for},"
    else:
        ended = _end(cause, job, report)
    end = f"{ended}{f' on {where}' if where else ''}."
    said = [end, *_details(cause, job, report)]
    elapsed, peak = elapsed_seconds(job, report), peak_memory_mib(job, report)
    ran = f"It ran {timedelta(seconds=elapsed)}" if elapsed is not None else "How long it ran is not known"
    memory = f"its memory was {peak} MiB at most, as sampled" if peak else "its memory use is not known"
    return " ".join([*said, f"{ran}, and {memory}; it had requested {requested}."])


def elapsed_seconds(job: Job | None, report: Report | None) -> int | None:
    """How long the job ran, from SLURM or, where that is silent, from the job's own report; None when neither says."""
    if job and job.elapsed_seconds is not None:
        return job.elapsed_seconds
    return int((report.ended - report.began).total_seconds()) if report and report.ended else None


def peak_memory_mib(job: Job | None, report: Report | None) -> int | None:
    """The most memory that SLURM or the job's own report has seen it use; None when neither has seen any."""
    return max(filter(None, (job.peak_memory_mib if job else None, report.peak_memory_mib if report else None)), default=None)


def nodes(job: Job | None, report: Report | None) -> tuple[str, ...]:
    """The nodes that the job had, from SLURM or, where that is silent, from the job's own report; empty when neither says."""
    if job and job.nodes:
        return job.nodes
    return (report.host,) if report and report.host else ()


def _end(cause: Cause, job: Job | None, report: Report | None) -> str:
    if cause is Cause.CANCELLED and job and job.state == "REVOKED":
        return f"{cause}, because another cluster of the federation started it (REVOKED),"
    signalled = report is not None and report.stop_signal == "SIGUSR1" and not (job and job.cancelled_by)
    if cause is Cause.CANCELLED and (signalled or not (job and job.state in ("CANCELLED", "REVOKED"))):
        return f"{cause} by a person"
    if cause is Cause.CANCELLED:
        who = job.cancelled_by if job else None
        return f"{cause} by {f'user id {who}' if who and who.isdigit() else who}" if who else f"{cause}; by whom is not known,"
    if cause is Cause.VANISHED and report and report.stop_signal:
        signal_of_slurm = f"{report.stop_signal}: wall time, preemption or scancel"
        return f"{cause}: the worker got a signal to end ({signal_of_slurm}), and SLURM no longer says why,"
    if cause is Cause.VANISHED:
        return f"{cause}: SLURM no longer knows the job"
    return str(cause)


def _details(cause: Cause, job: Job | None, report: Report | None) -> list[str]:
    """What else SLURM and the report say, a sentence each."""
    status = report.exit_status if report and report.exit_status is not None else job.exit_status if job else None
    number = report.signal if report and report.signal else job.signal if job else None
    said = []
    if cause in (Cause.FAILED, Cause.LAUNCH_FAILED):
        said += [f"Signal {_signal_name(number)} ended it."] if number else [f"Its exit status was {status}."] if status else []
    if job and job.reason and job.reason != "NonZeroExitCode" and cause not in (Cause.OUT_OF_MEMORY, Cause.TIMEOUT, Cause.CANCELLED):
        said.append(f"SLURM's reason is {job.reason}.")
    if job and job.state != cause and job.state != "REVOKED":
        said.append(f"SLURM calls it {job.state}.")
    if job and job.restarts:
        said.append(f"SLURM had requeued it {job.restarts} times." if job.restarts > 1 else "SLURM had requeued it once.")
    return said


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:  # SLURM's own: 53 is a launch that failed
        return str(number)
