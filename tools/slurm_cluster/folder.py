"""Where the files of one private cluster lie: nothing of it is anywhere else, cgroups apart."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


class ClusterError(RuntimeError):
    """What went wrong with a private cluster, in a sentence for a person."""


DEFAULT = Path("~/.cache/padocc-dagster/slurm")
LONGEST = 70
"""Sockets lie in the folder, and a Unix socket's path may have 107 bytes."""


@dataclass(frozen=True)
class Folder:
    """The folder of one private cluster, an absolute path."""

    root: Path

    @property
    def cluster_name(self) -> str:
        """Unlike that of any other folder. Also the node's name, after which SLURM names the jobs' cgroups."""
        return f"private{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:8]}"

    @property
    def slurm_conf(self) -> Path:
        return self.root / "etc" / "slurm.conf"

    @property
    def munge_key(self) -> Path:
        return self.root / "etc" / "munge.key"

    @property
    def database_setup(self) -> Path:
        return self.root / "etc" / "database.sql"

    @property
    def munge_socket(self) -> Path:
        return self.root / "run" / "munge.sock"

    @property
    def database_socket(self) -> Path:
        return self.root / "run" / "mariadb.sock"

    @property
    def database(self) -> Path:
        return self.root / "database"

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
        for name in ("etc", "run", "log", "state", "spool"):
            (self.root / name).mkdir(mode=0o700, exist_ok=True)
