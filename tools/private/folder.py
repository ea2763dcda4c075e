"""Where the files of one private cluster lie: nothing of it is anywhere else."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

LONGEST = 70
"""Sockets lie in the folder, and a Unix socket's path may have 107 bytes."""


class ClusterError(RuntimeError):
    """What went wrong with a private cluster, in a sentence for a person."""


@dataclass(frozen=True)
class PrivateFolder:
    """The folder of one private cluster, an absolute path."""

    root: Path
    folders: ClassVar[tuple[str, ...]] = ("etc", "run", "log")

    @property
    def name(self) -> str:
        """Unlike that of any other folder: names what cannot lie in it."""
        return f"private{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:8]}"

    @property
    def known_by(self) -> tuple[str, str]:
        """The name and value of a variable that all daemons of this cluster have in their environment, and nothing else has."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """Where a daemon looks for programs."""
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    @property
    def environment(self) -> dict[str, str]:
        """All that a daemon gets: nothing of the caller's, whose secrets would reach everything that it starts."""
        return {"PATH": self.path, **dict([self.known_by])}

    def pid_file(self, daemon: str) -> Path:
        return self.root / "run" / f"{daemon}.pid"

    def log(self, daemon: str) -> Path:
        return self.root / "log" / f"{daemon}.log"

    def printed(self, daemon: str) -> Path:
        """What a daemon prints, where that is not its log."""
        return self.log(daemon)

    def make(self) -> None:
        """Make the folder and those in it, closed to other users.

        Raises ClusterError when its path is too long for the sockets in it.
        """
        if len(os.fsencode(self.root)) > LONGEST:
            raise ClusterError(f"{self.root} is longer than {LONGEST} bytes, too long for the sockets in it: name a shorter --directory")
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in self.folders:
            (self.root / name).mkdir(mode=0o700, exist_ok=True)
