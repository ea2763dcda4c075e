"""Who may do what on the cluster: one account, root as its user, and QoS whose limits are those of JASMIN's, scaled to the machine."""

from .commands import answers, run
from .configuration import Size
from .folder import Folder

ACCOUNT = "demo"
QOS = ("standard", "short", "high", "debug", "preempt")
"""SLURM's own QoS `normal` exists as well, but the account may not use it."""


def qos_limits(size: Size) -> dict[str, list[str]]:
    """The limits of each QoS, as sacctmgr takes them (`man sacctmgr`). Memory in mebibytes; wall time as hours:minutes:seconds.

    A job above a limit is accepted and waits for ever with a QOSMax… reason, as SLURM does unless set otherwise.
    """
    return {
        "standard": [f"MaxTRESPerJob=cpu=1,mem={size.memory_mib // 2}M", "MaxWall=24:00:00", "MaxJobsPerUser=4000"],
        "short": [f"MaxTRESPerJob=cpu=1,mem={size.memory_mib * 3 // 4}M", "MaxWall=04:00:00", "MaxJobsPerUser=2000"],
        "high": [f"MaxTRESPerJob=cpu={size.cpus},mem={size.memory_mib}M", "MaxWall=48:00:00"],
        "debug": [f"MaxTRESPerJob=cpu={min(8, size.cpus)}", "MaxWall=01:00:00", "MaxJobsPerUser=32"],
        "preempt": ["Preempt=standard", "MaxWall=48:00:00"],
    }


def register(folder: Folder, size: Size) -> None:
    """Make in slurmdbd what is not there yet, and set the limits."""
    cluster = folder.name
    # What is there already, sacctmgr refuses to add; whether all is there, the modifications tell.
    answers(folder, "sacctmgr", "-iQ", "add", "cluster", cluster)
    answers(folder, "sacctmgr", "-iQ", "add", "qos", ",".join(QOS))
    for name, limits in qos_limits(size).items():
        run(folder, "sacctmgr", "-iQ", "modify", "qos", name, "set", *limits)
    answers(folder, "sacctmgr", "-iQ", "add", "account", ACCOUNT, f"cluster={cluster}", f"qos={','.join(QOS)}", "defaultqos=standard")
    answers(folder, "sacctmgr", "-iQ", "add", "user", "root", f"account={ACCOUNT}", f"cluster={cluster}")
    run(folder, "sacctmgr", "-iQ", "modify", "user", "root", "set", f"defaultaccount={ACCOUNT}")
