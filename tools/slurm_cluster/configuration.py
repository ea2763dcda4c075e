"""The texts of the cluster's configuration files. Pure: values in, text out. Nothing is written here."""

from dataclasses import dataclass

from .folder import Folder
from .hosts import LOOPBACK


@dataclass(frozen=True)
class Size:
    """What each node offers, how long a finished job stays known to slurmctld, and how many nodes there are."""

    cpus: int
    memory_mib: int
    min_job_age_seconds: int = 300
    nodes: int = 1


@dataclass(frozen=True)
class Ports:
    slurmctld: int
    slurmd: tuple[int, ...]
    """One for each node."""
    slurmdbd: int
    database: int


def slurm_conf(folder: Folder, size: Size, ports: Ports, host: str, network: str = "") -> str:
    """slurm.conf (`man slurm.conf`): the nodes, the SLURM partitions main, debug and tiny, accounting enforced.

    Several nodes have a slurmd each, in which `%n` is the node's name, on a host of its own (`hosts.py`). `network` is the first three
    numbers of the hosts' addresses, in which this machine's ends with 1; empty where they share its own.
    """
    root, name = folder.root, folder.name
    names = [name] if size.nodes == 1 else [f"{name}-n{number}" for number in range(1, size.nodes + 1)]
    log = folder.log("slurmd" if size.nodes == 1 else "slurmd@%n")
    hosts = [host] if size.nodes == 1 else names
    address = f"{network}.1" if network else LOOPBACK
    addresses = [f"{network}.{10 + number}" if network else LOOPBACK for number in range(1, size.nodes + 1)]
    offers = f"CPUs={size.cpus} RealMemory={size.memory_mib} State=UNKNOWN"
    nodes = "\n".join(
        f"NodeName={node} NodeHostname={hostname} NodeAddr={node_address} Port={port} {offers}"
        for node, hostname, node_address, port in zip(names, hosts, addresses, ports.slurmd, strict=True)
    )
    all_nodes = ",".join(names)
    return f"""\
ClusterName={name}
SlurmctldHost={host}({address})
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports.slurmctld}
AuthType=auth/munge
CredType=cred/munge
# A job that is put back into the queue waits for cred_expire seconds before it may start again; SLURM's own value is 120.
AuthInfo=socket={folder.munge_socket},cred_expire=10
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/run/slurmctld.own.pid
SlurmdPidFile={root}/run/slurmd@%n.own.pid
SlurmctldLogFile={folder.log("slurmctld")}
SlurmdLogFile={log}
MailProg=/bin/true
MpiDefault=none
ReturnToService=2
SlurmdTimeout={60 if size.nodes == 1 else 10}
KillWait=5
OverTimeLimit=0
MinJobAge={size.min_job_age_seconds}
JobRequeue=1
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,default_queue_depth=1000,bf_interval=2
PreemptType=preempt/qos
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={address}
AccountingStoragePort={ports.slurmdbd}
AccountingStoragePass={folder.munge_socket}
AccountingStorageEnforce=associations,limits,qos
AccountingStoreFlags=job_comment
# A node may promise more CPUs than the machine has.
SlurmdParameters=config_overrides
DefMemPerCPU=500
{nodes}
PartitionName=main Nodes={all_nodes} Default=YES MaxTime=INFINITE DefaultTime=60 State=UP
PartitionName=debug Nodes={all_nodes} MaxTime=60 DefaultTime=10 State=UP
PartitionName=tiny Nodes={all_nodes} MaxTime=2 DefaultTime=1 State=UP
"""


def slurmdbd_conf(folder: Folder, ports: Ports, password: str) -> str:
    """slurmdbd.conf (`man slurmdbd.conf`), which slurmdbd wants readable by its own user alone."""
    return f"""\
AuthType=auth/munge
AuthInfo=socket={folder.munge_socket}
DbdHost=localhost
DbdPort={ports.slurmdbd}
SlurmUser=root
LogFile={folder.log("slurmdbd")}
PidFile={folder.root}/run/slurmdbd.own.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={ports.database}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_accounting
"""


def cgroup_conf(plugin: str) -> str:
    """cgroup.conf (`man cgroup.conf`): memory is a hard limit, so that a job which needs more ends OUT_OF_MEMORY."""
    lines = [f"CgroupPlugin={plugin}", "ConstrainRAMSpace=yes", "ConstrainSwapSpace=no", "ConstrainCores=no", "ConstrainDevices=no"]
    if plugin == "cgroup/v2":
        lines += ["IgnoreSystemd=yes", "CgroupAutomount=yes"]  # slurmd is no service here: it makes its cgroups itself
    return "\n".join(lines) + "\n"


def database_setup(password: str) -> str:
    """The SQL that MariaDB runs at each start: the account of slurmdbd."""
    return f"""\
CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY '{password}';
ALTER USER slurm@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON slurm_accounting.* TO slurm@'127.0.0.1';
"""
