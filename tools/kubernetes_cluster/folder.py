"""Where the files of one private cluster lie: nothing of it is anywhere else, cgroups and network devices apart."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


class ClusterError(RuntimeError):
    """What went wrong with a private cluster, in a sentence for a person."""


CACHE = Path("~/.cache/padocc-dagster/kubernetes").expanduser()
DEFAULT = CACHE / "cluster"
LONGEST = 70
"""Sockets lie in the folder, and a Unix socket's path may have 107 bytes."""


@dataclass(frozen=True)
class Folder:
    """The folder of one private cluster, an absolute path."""

    root: Path

    @property
    def mark(self) -> str:
        """Unlike that of any other folder: names the cgroup of the cluster's pods."""
        return f"private{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:8]}"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def containerd_socket(self) -> Path:
        return self.root / "run" / "containerd.sock"

    def kubeconfig(self, user: str) -> Path:
        return self.etc / f"{user}.kubeconfig"

    def pid_file(self, daemon: str) -> Path:
        return self.root / "run" / f"{daemon}.pid"

    def log(self, daemon: str) -> Path:
        return self.root / "log" / f"{daemon}.log"

    def make(self) -> None:
        """Make the folder and those in it, closed to other users.

        Raises ClusterError when its path is too long for the sockets in it.
        """
        if len(os.fsencode(self.root)) > LONGEST:
            raise ClusterError(f"{self.root} is longer than {LONGEST} bytes, too long for the sockets in it: name a shorter --directory")
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("etc", "run", "log"):
            (self.root / name).mkdir(mode=0o700, exist_ok=True)
