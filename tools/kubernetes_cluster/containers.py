"""What pods leave on the machine when no daemon is left to remove it: processes, shims, mounts, cgroups."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from ..private.process import wait_until
from .folder import Folder
from .machine import cgroups, remove_cgroups


def end_all(folder: Folder) -> None:
    """Kill what runs in the cluster's pods, and unmount and remove what is left of them."""

    def gone() -> bool:
        left = _processes(folder)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    wait_until("no process of the cluster's pods is left", gone, seconds=20)
    for _ in range(3):  # one mount may hide another
        if mounts := _mounts(folder):
            subprocess.run(("umount", "--lazy", *mounts), capture_output=True)
    remove_cgroups(folder)


def _processes(folder: Folder) -> set[int]:
    """Those in the pods' cgroups, and each shim that reports to the cluster's containerd."""
    found = set()
    for top in cgroups(folder):
        for file in top.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found |= {int(word) for word in file.read_text().split()}
    address = os.fsencode(folder.containerd_socket)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"containerd-shim-runc-v2") and address in words:
                found.add(int(process.name))
    return found


def _mounts(folder: Folder) -> list[str]:
    """The mount points in the cluster's folder, the innermost first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{folder.root}/")), reverse=True)
