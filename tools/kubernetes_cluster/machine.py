"""What the machine must have before a private cluster can start; the kernel settings and the cgroups that are put back."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .build import is_built
from .folder import Folder

PROGRAMS = {"etcd": "etcd-server", "containerd": "containerd", "ctr": "containerd", "runc": "runc", "openssl": "openssl"}
BUILDERS = {"go": "golang-go", "dpkg-source": "dpkg-dev"}
CNI = Path("/usr/lib/cni")
CGROUPS = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "pids")
KERNEL = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
"""What kubelet sets when it starts."""


def problems() -> list[str]:
    """Why no private cluster can start here, a sentence each; empty if it can. The programs of Kubernetes can be built."""
    found = []
    if not Path("/etc/debian_version").exists():
        found.append("a private Kubernetes needs Debian or one of its relatives, because it uses their packages: run it there")
    if os.geteuid() != 0:
        found.append("a private Kubernetes needs root, because it starts containers: run it as root")
    packages = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if not (CNI / "ptp").exists():
        packages.add("containernetworking-plugins")
    if not is_built():
        packages |= {package for program, package in BUILDERS.items() if shutil.which(program) is None}
    if packages:
        found.append(f"not installed here: run apt-get install --no-install-recommends {' '.join(sorted(packages))}")
    if os.geteuid() == 0 and not all(os.access(CGROUPS / name, os.W_OK) for name in CONTROLLERS):
        found.append(
            f"{CGROUPS} has no writable controllers of cgroup v1, which Kubernetes 1.20 needs: use a virtual machine that has them"
        )
    return found


NOTED = Path("/run/padocc-dagster-kernel")
"""The settings before the first cluster of the machine, and a file for each that runs: only the last one may put them back."""


def note_kernel_settings(folder: Folder) -> None:
    """Write down what kubelet will change, unless another cluster has done so."""
    with _noted():
        if not (settings := NOTED / "settings.json").exists():
            settings.write_text(json.dumps({name: Path("/proc/sys", name).read_text() for name in KERNEL}))
        (NOTED / folder.name).touch()


def restore_kernel_settings(folder: Folder) -> None:
    """Put back what was noted, unless another cluster needs it changed."""
    with _noted():
        (NOTED / folder.name).unlink(missing_ok=True)
        settings = NOTED / "settings.json"
        if settings.exists() and not [path for path in NOTED.iterdir() if path.name.startswith("private")]:
            for name, text in json.loads(settings.read_text()).items():
                Path("/proc/sys", name).write_text(text)
            settings.unlink()


@contextmanager
def _noted() -> Iterator[None]:
    NOTED.mkdir(mode=0o700, exist_ok=True)
    with (NOTED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cgroups(folder: Folder) -> list[Path]:
    """The top cgroup of the cluster's pods in each controller."""
    return [path / folder.name for path in CGROUPS.iterdir() if path.is_dir() and (path / "cgroup.procs").exists()]


def make_cgroups(folder: Folder) -> None:
    """Make them: kubelet takes none that is not there."""
    for top in cgroups(folder):
        top.mkdir(exist_ok=True)
        if top.parent.name == "cpuset":  # which lets no process in before it has CPUs and memory
            for name in ("cpuset.cpus", "cpuset.mems"):
                (top / name).write_text((top.parent / name).read_text())


def remove_cgroups(folder: Folder) -> None:
    """Remove those in which no process is left."""
    for top in cgroups(folder):
        for path in [*sorted(top.rglob("*/"), reverse=True), top]:
            with suppress(OSError):
                path.rmdir()
