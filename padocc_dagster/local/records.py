"""Which runs of an instance have a keeper: a file for each in `DAGSTER_HOME/local_runs/`, locked for as long as the keeper lives.

The system takes the lock away however the keeper ends, so that no file is believed longer than it is true, and no process id is taken for
that of another process. A keeper removes its file when its run has ended and Dagster knows how.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = "local_runs"
LOOK_SECONDS = 0.5
"""For longer than this, only a keeper holds a lock; whoever looks for one holds it for an instant, and must not be taken for one."""


@dataclass(frozen=True)
class Records:
    """The files of the instance whose DAGSTER_HOME is `home`."""

    home: Path

    def claim(self, run_id: str) -> "Claim | None":
        """Make this process the keeper of the run; None when the run has one."""
        path = self._path(run_id)
        path.parent.mkdir(exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOOK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    os.close(file)
                    return None
                time.sleep(LOOK_SECONDS / 20)
        os.truncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        return Claim(path, file)

    def has(self, run_id: str) -> bool:
        """Whether there is a record of the run, whose keeper may have died."""
        return self._path(run_id).exists()

    def keeper(self, run_id: str) -> int | None:
        """The process id of the run's keeper, None when it has none."""
        return _locked_by(self._path(run_id))

    def keepers(self) -> dict[str, int]:
        """Run id → process id of its keeper, of all runs that have one."""
        found = {path.name: _locked_by(path) for path in self._paths()}
        return {name: pid for name, pid in found.items() if pid}

    def abandoned(self) -> list[str]:
        """The ids of runs whose keepers were killed."""
        return [path.name for path in self._paths() if not _locked_by(path)]

    def forget(self, run_id: str) -> None:
        """Remove the record of a run that has no keeper."""
        self._path(run_id).unlink(missing_ok=True)

    def _path(self, run_id: str) -> Path:
        return self.home / FOLDER / run_id

    def _paths(self) -> Iterator[Path]:
        folder = self.home / FOLDER
        return folder.iterdir() if folder.is_dir() else iter(())


@dataclass(frozen=True)
class Claim:
    """A run's record in the hands of its keeper."""

    path: Path
    file: int

    def release(self) -> None:
        """Remove the record: the run has ended, and Dagster knows how."""
        self.path.unlink(missing_ok=True)
        os.close(self.file)


def _locked_by(path: Path) -> int | None:
    """The process id in a record that is locked."""
    try:
        with open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                text = file.read()
                return int(text) if text.isdigit() else None
    except FileNotFoundError:
        pass
    return None
