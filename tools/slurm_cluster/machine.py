"""What the machine must have before a private cluster can start, and what it offers: cgroups, CPUs, memory, free ports."""

import os
import random
import shutil
import socket
from pathlib import Path

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacct")
PACKAGES = "slurm-wlm slurmctld slurmd slurmdbd munge mariadb-server"
CGROUPS = Path("/sys/fs/cgroup")
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000
"""Below the range from which Linux takes the ports of outgoing connections."""


def problems() -> list[str]:
    """Why no private cluster can start here, a sentence each; empty if it can."""
    found = []
    if not Path("/etc/debian_version").exists():
        found.append("a private SLURM cluster needs Debian or one of its relatives, because it uses their packages: run it there")
    if os.geteuid() != 0:
        found.append("a private SLURM cluster needs root, because slurmd limits memory by cgroups: run it as root")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        found.append(f"not installed here: {', '.join(missing)}: run apt-get install {PACKAGES}")
    if os.geteuid() == 0 and cgroup_plugin() is None:
        found.append(f"{CGROUPS} has no writable memory controller (cgroup v1 or v2): use a virtual machine or a privileged container")
    return found


def cgroup_plugin(root: Path = CGROUPS) -> str | None:
    """SLURM's name for the cgroups that hold the memory controller here, None if none can be written to (`man cgroup.conf`).

    A machine with v1 may mount an empty v2 beside it, so the controller decides and not the mounted types.
    """
    controllers = root / "cgroup.controllers"
    if controllers.is_file() and "memory" in controllers.read_text().split() and os.access(root, os.W_OK):
        return "cgroup/v2"
    if all(os.access(root / controller, os.W_OK) for controller in ("memory", "freezer")):
        return "cgroup/v1"
    return None


def memory_mib() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def host() -> str:
    """The name by which SLURM's daemons know this machine."""
    return socket.gethostname().split(".")[0]


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on, drawn at random so that clusters which start at the same time do not meet."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(range(LOWEST_PORT, HIGHEST_PORT), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError(f"fewer than {count} of 1000 ports between {LOWEST_PORT} and {HIGHEST_PORT} are free: end what holds them")
