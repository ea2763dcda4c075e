"""How a job ended, and why one does not start: from SLURM's words to a cause, and from there to what is done about it.

SLURM's state decides, not the exit code: a job that ran out of memory may end with 0 (nextflow#1285). Where SLURM no longer knows the
job, its own report decides. The reasons of waiting jobs are those of `man squeue`, JOB REASON CODES, and
https://slurm.schedmd.com/job_reason_codes.html.
"""

import re
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
    nodes = ", ".join(job.nodes) if job and job.nodes else report.host if report else ""
    told = f"{_end(cause, job, report)}{f' on {nodes}' if nodes else ''}."
    said = [told, *_details(cause, job, report)]
    elapsed, peak = _elapsed(job, report), _peak(job, report)
    ran = f"It ran {timedelta(seconds=elapsed)}" if elapsed is not None else "How long it ran is not known"
    memory = f"its memory was {peak} MiB at most, as sampled" if peak else "its memory use is not known"
    return " ".join([*said, f"{ran}, and {memory}; it had asked for {asked}."])


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


def _elapsed(job: Job | None, report: "Report | None") -> int | None:
    if job and job.elapsed_seconds is not None:
        return job.elapsed_seconds
    return int((report.ended - report.began).total_seconds()) if report and report.ended else None


def _peak(job: Job | None, report: "Report | None") -> int | None:
    return max(filter(None, (job.peak_memory_mib if job else None, report.peak_memory_mib if report else None)), default=None)


RELEASE = "Release it with `scontrol release` and its id, or cancel the run"
ADMINS = "Ask the site's admins, or cancel the run"
SMALLER = "Cancel the run and launch it with a smaller slurm/time, slurm/memory or slurm/cpus, or another slurm/qos or slurm/partition"
ACCESS = "Cancel the run and correct slurm/account, slurm/qos or slurm/partition, or have the site give you access"
ELSEWHERE = "Wait until the site brings it back, or cancel the run and launch it in another slurm/partition"
OPTIONS = "Cancel the run and correct sbatch_options in dagster.yaml"

NEVER, NOT_YET = "it never starts as it is", "it does not start until somebody acts"
PROBLEMS = (
    (r"JobHeldUser", f"you, or somebody in your name, hold the job: {NOT_YET}", RELEASE),
    (r"JobHeldAdmin", f"an admin of the site holds the job: {NOT_YET}", ADMINS),
    (r"JobHoldMaxRequeue", f"SLURM has requeued the job too often and holds it: {NOT_YET}", RELEASE),
    (r"launch failed requeued held", f"the job could not be launched, was requeued and is held: {NOT_YET}", RELEASE),
    (r"job requeued in held state", f"the job was requeued and is held: {NOT_YET}", RELEASE),
    (r"DependencyNeverSatisfied", f"the job waits for another one that did not end as demanded: {NEVER}", "Cancel the run"),
    (r"PartitionTimeLimit", f"the job asks for more wall time than its SLURM partition allows: {NEVER}", SMALLER),
    (r"PartitionNodeLimit|PartitionConfig", f"the job asks for nodes that its SLURM partition does not have or allow: {NEVER}", SMALLER),
    (r"MaxMemPerLimit", f"the job asks for more memory than a node or CPU of its SLURM partition may give: {NEVER}", SMALLER),
    (r"(QOS|Assoc)Max\w+Per(Job|Node)(Limit)?", f"the job asks for more than its QoS or account allows one job: {NEVER}", SMALLER),
    (r"QOSMin\w+", f"the job asks for less than its QoS demands: {NEVER}", ACCESS),
    (r"BadConstraints|Constraints", f"no node has what the job demands: {NEVER}", OPTIONS),
    (r"Reservation(Deleted|Invalid)", f"the job demands a reservation that is not there: {NEVER}", OPTIONS),
    (r"InvalidAccount|AccountNotAllowed", f"SLURM does not let this account run here: {NEVER}", ACCESS),
    (r"InvalidQOS|QOSNotAllowed|.*not permitted to use this partition.*", f"SLURM does not let this QoS run here: {NEVER}", ACCESS),
    (
        r"(QOS|Assoc)Grp(?!\w*Run)(\w*Minutes|Wall)(Limit)?",
        f"the time granted to the account or QoS is used up: {NOT_YET}",
        "Ask whoever grants it for more, or cancel the run and launch it with another slurm/account or slurm/qos",
    ),
    (r"Partition(Down|Inactive)", f"the job's SLURM partition is out of service: {NOT_YET}", ELSEWHERE),
    (r"ReqNodeNotAvail.*", "nodes that the job needs are down, drained or reserved, often for a maintenance", ELSEWHERE),
    (r"NodeDown|FrontEndDown", f"a node that the job needs is down: {NOT_YET}", ELSEWHERE),
    (r"SystemFailure|JobLaunchFailure|BurstBufferOperation", f"SLURM or the site's system failed at starting the job: {NOT_YET}", ADMINS),
)
"""Patterns of reasons that do not pass by themselves, what each means, and what to do."""


def pending_problem(reason: str) -> tuple[str, str] | None:
    """What a waiting job's reason means and what to do, when waiting may not help; None when it is the job's turn that it waits for.

    Known reasons of mere waiting are Priority, Resources, Dependency, BeginTime and limits on all jobs of a user, account or QoS.
    """
    plain = reason.replace("_", " ").strip("() ")
    return next(((means, advice) for pattern, means, advice in PROBLEMS if re.fullmatch(pattern, plain)), None)
