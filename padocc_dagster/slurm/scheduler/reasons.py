"""Why a waiting job does not start: SLURM's reasons that waiting does not resolve, what each means, and what to do.

They are those of `man squeue`, JOB REASON CODES, and https://slurm.schedmd.com/job_reason_codes.html.
"""

import re
from typing import NamedTuple

RELEASE = "Release it with `scontrol release` and its id, or cancel the run"
ADMINS = "Ask the site's admins, or cancel the run"
SMALLER = "Cancel the run and launch it with a smaller slurm/time, slurm/memory or slurm/cpus, or another slurm/qos or slurm/partition"
ACCESS = "Cancel the run and correct slurm/account, slurm/qos or slurm/partition, or have the site give you access"
ELSEWHERE = "Wait until the site brings it back, or cancel the run and launch it in another slurm/partition"
OPTIONS = "Cancel the run and correct sbatch_options in dagster.yaml"

NEVER, NOT_YET = "it never starts as it is", "it does not start until somebody acts"


class Problem(NamedTuple):
    """Why waiting may not help."""

    cause: str
    advice: str
    outlook: str = ""
    """NEVER or NOT_YET; empty where the job may start after all."""

    @property
    def means(self) -> str:
        return f"{self.cause}: {self.outlook}" if self.outlook else self.cause


PROBLEMS = (
    (r"JobHeldUser", Problem("you, or somebody in your name, hold the job", RELEASE, NOT_YET)),
    (r"JobHeldAdmin", Problem("an admin of the site holds the job", ADMINS, NOT_YET)),
    (r"JobHoldMaxRequeue", Problem("SLURM has requeued the job too often and holds it", RELEASE, NOT_YET)),
    (r"launch failed requeued held", Problem("the job could not be launched, was requeued and is held", RELEASE, NOT_YET)),
    (r"job requeued in held state", Problem("the job was requeued and is held", RELEASE, NOT_YET)),
    (r"DependencyNeverSatisfied", Problem("the job waits for another one that did not end as demanded", "Cancel the run", NEVER)),
    (r"PartitionTimeLimit", Problem("the job requests more wall time than its SLURM partition allows", SMALLER, NEVER)),
    (
        r"PartitionNodeLimit|PartitionConfig",
        Problem("the job requests nodes that its SLURM partition does not have or allow", SMALLER, NEVER),
    ),
    (r"MaxMemPerLimit", Problem("the job requests more memory than a node or CPU of its SLURM partition may give", SMALLER, NEVER)),
    (r"(QOS|Assoc)Max\w+Per(Job|Node)(Limit)?", Problem("the job requests more than its QoS or account allows one job", SMALLER, NEVER)),
    (r"QOSMin\w+", Problem("the job requests less than its QoS demands", ACCESS, NEVER)),
    (r"BadConstraints|Constraints", Problem("no node has what the job demands", OPTIONS, NEVER)),
    (r"Reservation(Deleted|Invalid)", Problem("the job demands a reservation that is not there", OPTIONS, NEVER)),
    (r"InvalidAccount|AccountNotAllowed", Problem("SLURM does not let this account run here", ACCESS, NEVER)),
    (r"InvalidQOS|QOSNotAllowed|.*not permitted to use this partition.*", Problem("SLURM does not let this QoS run here", ACCESS, NEVER)),
    (
        r"(QOS|Assoc)Grp(?!\w*Run)(\w*Minutes|Wall)(Limit)?",
        Problem(
            "the time granted to the account or QoS is used up",
            "Ask whoever grants it for more, or cancel the run and launch it with another slurm/account or slurm/qos",
            NOT_YET,
        ),
    ),
    (r"Partition(Down|Inactive)", Problem("the job's SLURM partition is out of service", ELSEWHERE, NOT_YET)),
    (r"ReqNodeNotAvail.*", Problem("nodes that the job needs are down, drained or reserved, often for a maintenance", ELSEWHERE)),
    (r"NodeDown|FrontEndDown", Problem("a node that the job needs is down", ELSEWHERE, NOT_YET)),
    (
        r"SystemFailure|JobLaunchFailure|BurstBufferOperation",
        Problem("SLURM or the site's system failed at starting the job", ADMINS, NOT_YET),
    ),
)
"""By pattern of the reason."""


def pending_problem(reason: str) -> Problem | None:
    """What a waiting job's reason means and what to do, when waiting may not help; None when it is the job's turn that it waits for.

    Known reasons of mere waiting are Priority, Resources, Dependency, BeginTime and limits on all jobs of a user, account or QoS.
    """
    plain = reason.replace("_", " ").strip("() ")
    return next((problem for pattern, problem in PROBLEMS if re.fullmatch(pattern, plain)), None)
