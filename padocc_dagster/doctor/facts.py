"""What is to be the same on a compute node as here, gathered on either side. Standard library only, because a job loads this."""

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

PACKAGES = ("dagster", "dagster-postgres", "padocc", "padocc-dagster")


@dataclass(frozen=True)
class Facts:
    """One host's Python, user and folders."""

    host: str
    python: str
    executable: str
    packages: dict[str, str | None]
    """The version of each of PACKAGES; None where it is not installed."""
    user_id: int
    umask: int
    clock_ahead_seconds: float | None
    """How far the host's clock is before that of the file system of the first folder; None where that takes no file."""
    workdir: str | None = None
    """WORKDIR in the environment."""
    read: dict[str, str] = field(default_factory=dict)
    """What stood in the other side's file in each folder, empty where there was none."""
    wrote: str = ""
    """What was written for the other side in each folder."""
    database: str = ""
    """What stood in the database's row for this test."""
    database_problem: str = ""
    memory_limit_mib: int | None = None
    """Of the job's control group; None where the kernel holds it to no limit."""

    def dumps(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, line: str) -> Self:
        """Raises ValueError or TypeError for what `dumps` did not write."""
        return cls(**json.loads(line))


def gather(folder: Path, **more: Any) -> Facts:
    """The facts of this host and process."""
    umask = os.umask(0)
    os.umask(umask)
    return Facts(
        host=os.environ.get("SLURMD_NODENAME") or os.uname().nodename,
        python=".".join(map(str, sys.version_info[:3])),
        executable=sys.executable,
        packages={name: _version(name) for name in PACKAGES},
        user_id=os.getuid(),
        umask=umask,
        clock_ahead_seconds=_clock_ahead(folder),
        workdir=os.environ.get("WORKDIR"),
        **more,
    )


def mark(folder: Path, token: str, side: str) -> Path:
    """The file that one side ("here" or "there") writes for the other."""
    return folder / f".doctor-{token}-{side}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _clock_ahead(folder: Path) -> float | None:
    """By the time that the file system gives a new file: on a shared one both hosts compare themselves with the same clock."""
    probe = folder / f".doctor-{os.urandom(8).hex()}"
    try:
        with open(probe, "x") as file:
            file.write("what time is it?\n")
            file.flush()
            os.fsync(file.fileno())
        return time.time() - probe.stat().st_mtime
    except OSError:
        return None
    finally:
        with suppress(OSError):
            probe.unlink()
