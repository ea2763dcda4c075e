"""Why a waiting job does not start: SLURM's reasons that do not pass by themselves, what each means, and what to do.

They are those of `man squeue`, JOB REASON CODES, and https://slurm.schedmd.com/job_reason_codes.html.
"""

import re

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
