"""How a job ended: from SLURM's words to a cause, and from there to what is done about it. Why one does not start: `reasons.py`.

SLURM's state decides, not the exit code: a job that ran out of memory may end with 0 (nextflow#1285). Where SLURM no longer knows the
job, its own report decides.
"""

import signal
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from padocc_dagster.slurm.job import Job

if TYPE_CHECKING:
    from padocc_dagster.slurm.report import Report


class Cause(StrEnum):
    """Why a job is over."""

    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIMEOUT = "TIMEOUT"
    NODE_FAIL = "NODE_FAIL"
    BOOT_FAIL = "BOOT_FAIL"
    PREEMPTED = "PREEMPTED"
    REQUEUED = "REQUEUED"
    DEADLINE = "DEADLINE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    VANISHED = "VANISHED"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True)
class Response:
    """What a cause means to a person, what the person can do, and how the run is repeated, if it is."""

    means: str
    advice: str
    repeat: bool
    more_memory: bool = False
    more_time: bool = False
    elsewhere: bool = False


RESPONSES = {
    Cause.OUT_OF_MEMORY: Response(
        "the job needed more memory than it asked for",
        "Set the run tag slurm/memory to more, or make the work smaller.",
        repeat=True,
        more_memory=True,
    ),
    Cause.TIMEOUT: Response(
        "the job was still at work when its wall time was used up",
        "Set the run tag slurm/time to more.",
        repeat=True,
        more_time=True,
    ),
    Cause.NODE_FAIL: Response(
        "the node failed under the job",
        "Run it again; tell the site's admins when it is always the same node.",
        repeat=True,
        elsewhere=True,
    ),
    Cause.BOOT_FAIL: Response(
        "the node could not be started for the job",
        "Run it again; tell the site's admins when it is always the same node.",
        repeat=True,
        elsewhere=True,
    ),
    Cause.PREEMPTED: Response(
        "a job of higher priority took its place",
        "Run it again, or set the run tag slurm/qos to one that is not preempted.",
        repeat=True,
    ),
    Cause.REQUEUED: Response(
        "SLURM put the job back into the queue, for a failed node or a person, and did not let it finish",
        "Run it again.",
        repeat=True,
    ),
    Cause.DEADLINE: Response(
        "the job could not be done before its deadline",
        "Remove deadline from sbatch_options in dagster.yaml, or ask for less wall time.",
        repeat=False,
    ),
    Cause.CANCELLED: Response(
        "a person or an admin of the site ended the job",
        "Run it again when whoever cancelled it agrees.",
        repeat=False,
    ),
    Cause.FAILED: Response(
        "the worker process died by itself",
        "Read the end of the log.",
        repeat=True,
    ),
    # The next job would meet the same set-up, as would those of all other runs.
    Cause.LAUNCH_FAILED: Response(
        "the job ended before the worker began: a line of set_up failed, Python or the package is not there on the node, "
        "or the node cannot reach the log folder",
        "Read the log, run `padocc-dagster doctor`, and correct dagster.yaml or the environment. Then run it again.",
        repeat=False,
    ),
    Cause.VANISHED: Response(
        "neither SLURM nor the job's own report says how it ended",
        "Run it again; if this happens often, ask the site's admins what ends the jobs.",
        repeat=True,
    ),
    Cause.COMPLETED: Response(
        "the job ended in order, but the run's last event is missing, as when Dagster's database could not be reached",
        "Run it again.",
        repeat=True,
    ),
}

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
"""States of SLURM that are causes by themselves."""


def judge(job: Job | None, report: "Report | None") -> Cause:
    """Why a job that is over, or that SLURM no longer knows (None), has ended. `report` is None when the worker never began."""
    if job and job.state in SURE:
        return Cause(job.state)
    if job and job.state == "REVOKED":  # another cluster of a federation has the job, so it must not be repeated here
        return Cause.CANCELLED
    if (report and report.requeued) or (job and job.is_pending):
        return Cause.REQUEUED
    if report and report.out_of_memory:
        return Cause.OUT_OF_MEMORY
    if report and report.told == "SIGUSR1":
        return Cause.CANCELLED
    if report is None:
        return Cause.LAUNCH_FAILED if job and job.is_over else Cause.VANISHED
    return _told_by_both(job if job and job.is_over else None, report)


def _told_by_both(job: Job | None, report: "Report") -> Cause:
    """The cause when the worker began and nothing from outside is known to have ended it."""
    if report.exit_status in NOT_FOUND:
        return Cause.LAUNCH_FAILED
    if job:
        return Cause.COMPLETED if job.state == "COMPLETED" and not report.exit_status and not report.signal else Cause.FAILED
    if report.ended is None or report.told:
        return Cause.VANISHED
    return Cause.COMPLETED if report.exit_status == 0 else Cause.FAILED


def story(cause: Cause, job: Job | None, report: "Report | None", asked: str) -> str:
    """The end of a job in one paragraph: which end, where, who, and what it used of what it asked for (`asked`, as text)."""
    where = ", ".join(nodes(job, report))
    told = f"{_end(cause, job, report)}{f' on {where}' if where else ''}."
    said = [told, *_details(cause, job, report)]
    elapsed, peak = elapsed_seconds(job, report), peak_memory_mib(job, report)
    ran = f"It ran {timedelta(seconds=elapsed)}" if elapsed is not None else "How long it ran is not known"
    memory = f"its memory was {peak} MiB at most, as sampled" if peak else "its memory use is not known"
    return " ".join([*said, f"{ran}, and {memory}; it had asked for {asked}."])


def elapsed_seconds(job: Job | None, report: "Report | None") -> int | None:
    """How long the job ran, from SLURM or, where that is silent, from the job's own report; None when neither says."""
    if job and job.elapsed_seconds is not None:
        return job.elapsed_seconds
    return int((report.ended - report.began).total_seconds()) if report and report.ended else None


def peak_memory_mib(job: Job | None, report: "Report | None") -> int | None:
    """The most memory that SLURM or the job's own report has seen it use; None when neither has seen any."""
    return max(filter(None, (job.peak_memory_mib if job else None, report.peak_memory_mib if report else None)), default=None)


def nodes(job: Job | None, report: "Report | None") -> tuple[str, ...]:
    """The nodes that the job had, from SLURM or, where that is silent, from the job's own report; empty when neither says."""
    if job and job.nodes:
        return job.nodes
    return (report.host,) if report and report.host else ()


def _end(cause: Cause, job: Job | None, report: "Report | None") -> str:
    if cause is Cause.CANCELLED and job and job.state == "REVOKED":
        return f"{cause}, because another cluster of the federation started it (REVOKED),"
    if cause is Cause.CANCELLED and report and report.told == "SIGUSR1" and not (job and job.cancelled_by):
        return f"{cause} by a person"
    if cause is Cause.CANCELLED:
        who = job.cancelled_by if job else None
        return f"{cause} by {f'user id {who}' if who and who.isdigit() else who}" if who else f"{cause}; by whom is not known,"
    if cause is Cause.VANISHED and report and report.told:
        return f"{cause}: the worker was told to end ({report.told}: wall time, preemption or scancel), and SLURM no longer says why,"
    if cause is Cause.VANISHED:
        return f"{cause}: SLURM no longer knows the job"
    return str(cause)


def _details(cause: Cause, job: Job | None, report: "Report | None") -> list[str]:
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
