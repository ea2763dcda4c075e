"""Why a job ended, and how its run is retried. Each launcher finds the cause in what its cluster reports."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a job ended. The names are SLURM's where it has one."""

    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIMEOUT = "TIMEOUT"
    NODE_FAIL = "NODE_FAIL"
    BOOT_FAIL = "BOOT_FAIL"
    PREEMPTED = "PREEMPTED"
    REQUEUED = "REQUEUED"
    DEADLINE = "DEADLINE"
    CANCELLED = "CANCELLED"
    FORGOTTEN = "FORGOTTEN"
    FAILED = "FAILED"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    VANISHED = "VANISHED"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True)
class Response:
    """What a cause means, what a person can do, and how the run is retried, if it is."""

    means: str
    advice: str
    retry: bool
    more_memory: bool = False
    more_time: bool = False
    elsewhere: bool = False


RESPONSES = {
    Cause.OUT_OF_MEMORY: Response(
        "the job needed more memory than it had requested",
        "Set the run tag padocc/memory to more, or make the work smaller.",
        retry=True,
        more_memory=True,
    ),
    Cause.TIMEOUT: Response(
        "the job was still running when its wall time was used up",
        "Set the run tag padocc/time to more.",
        retry=True,
        more_time=True,
    ),
    Cause.NODE_FAIL: Response(
        "the node failed under the job",
        "Run it again; report it to the site's admins when it is always the same node.",
        retry=True,
        elsewhere=True,
    ),
    Cause.BOOT_FAIL: Response(
        "the node could not be started for the job",
        "Run it again; report it to the site's admins when it is always the same node.",
        retry=True,
        elsewhere=True,
    ),
    Cause.PREEMPTED: Response(
        "a job of higher priority took its place",
        "Run it again.",
        retry=True,
    ),
    Cause.REQUEUED: Response(
        "the cluster put the job back into its queue, for a failed node or a person, and did not let it finish",
        "Run it again.",
        retry=True,
    ),
    Cause.DEADLINE: Response(
        "the job could not be done before its deadline",
        "Remove the deadline, or request less wall time.",
        retry=False,
    ),
    Cause.CANCELLED: Response(
        "a person or an admin of the site ended the job",
        "Run it again when whoever cancelled it agrees.",
        retry=False,
    ),
    Cause.FORGOTTEN: Response(
        "the cluster's controller was started without its state and no longer knows the job; no person cancelled it",
        "Run it again.",
        retry=True,
    ),
    Cause.FAILED: Response(
        "the worker process died",
        "Read the end of the log.",
        retry=True,
    ),
    # The next job would meet the same set-up, as would those of all other runs.
    Cause.LAUNCH_FAILED: Response(
        "the job ended before the worker began",
        "Read the log, run `padocc-dagster doctor`, and correct dagster.yaml or the environment. Then run it again.",
        retry=False,
    ),
    Cause.VANISHED: Response(
        "neither the cluster nor the job's own report says how it ended",
        "Run it again; if this happens often, ask the site's admins what ends the jobs.",
        retry=True,
    ),
    Cause.COMPLETED: Response(
        "the job ended in order, but the run's last event is missing, as when Dagster's database could not be reached",
        "Run it again.",
        retry=True,
    ),
}
