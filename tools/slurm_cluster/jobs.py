"""What jobs leave on the machine: their processes, their slurmstepd, their cgroups. All carry the cluster's name, which nobody else has."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from ..private.process import wait_until
from .folder import Folder
from .machine import CGROUPS


def cgroups(folder: Folder) -> list[Path]:
    """The top cgroups that each slurmd made for this cluster: one for each v1 controller, or the one of v2."""
    name = folder.name
    return [*CGROUPS.glob(f"*/slurm_{name}*"), *CGROUPS.glob(f"system.slice/{name}*_slurmstepd.scope")]


def _processes(folder: Folder) -> set[int]:
    """Those in the jobs' cgroups, and each slurmstepd."""
    found = set(stepds(folder))
    for top in cgroups(folder):
        for file in top.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found |= {int(word) for word in file.read_text().split()}
    return found


def stepds(folder: Folder, below: str = "") -> Iterator[int]:
    """The slurmstepd that hold a file of the cluster open whose path in its folder begins so: they overwrite their own environment, which
    cannot be read."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text().strip() != "slurmstepd":
                continue
            opened = [os.readlink(link) for link in (process / "fd").iterdir()]
            if any(path.startswith(f"{folder.root}/{below}") for path in opened):
                yield int(process.name)


def end_all(folder: Folder) -> None:
    """Kill what runs of the cluster's jobs, now that no slurmd starts any, and remove their cgroups."""

    def gone() -> bool:
        left = _processes(folder)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    wait_until("no process of the cluster's jobs is left", gone, seconds=20)
    for top in cgroups(folder):
        for path in sorted(top.rglob("*/"), reverse=True):
            with contextlib.suppress(OSError):
                path.rmdir()
        with contextlib.suppress(OSError):
            top.rmdir()
