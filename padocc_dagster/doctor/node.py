"""What has to be the same on a compute node as here: gathered on either side, and printed by a job as one line after MARK.

    python -m padocc_dagster.doctor.node TOKEN FOLDER…

The job has DAGSTER_HOME in its environment. It loads the standard library, and Dagster only to read the database: a node that lacks
Dagster can still report the rest. It prints no secret.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from padocc_dagster.slurm.node import cgroup

MARK = "padocc-dagster-doctor:"
PACKAGES = ("dagster", "dagster-postgres", "padocc", "padocc-dagster")
CURSOR = "padocc_dagster_doctor"
"""The row of Dagster's table of cursors by which a node shows that it reads this database."""


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
    """How far the host's clock is ahead of that of the file system of the first folder; None where no file can be written there."""
    workdir: str | None = None
    """WORKDIR in the environment."""
    read: dict[str, str] = field(default_factory=dict)
    """The content of the other side's file in each folder; empty where there was none."""
    wrote: str = ""
    """What was written for the other side in each folder."""
    database: str = ""
    """The content of the database's row for this test."""
    database_problem: str = ""
    memory_limit_mib: int | None = None
    """Of the job's control group; None where the kernel sets no limit."""


def main(argv: Sequence[str]) -> int:
    """Print the facts of this node."""
    token, folders = argv[0], [Path(folder) for folder in argv[1:]]
    wrote = os.urandom(16).hex()
    read = {str(folder): _exchange(folder, token, wrote) for folder in folders}
    found, problem = _database()
    job, own = os.environ.get("SLURM_JOB_ID", ""), Path("/proc/self/cgroup")
    groups = cgroup.job_folders(int(job), own.read_text()) if job.isdigit() and own.exists() else []
    limit = cgroup.memory_limit_mib(groups)
    facts = gather(folders[0], read=read, wrote=wrote, database=found, database_problem=problem, memory_limit_mib=limit)
    print(f"{MARK}{json.dumps(asdict(facts))}", flush=True)
    return 0


def facts_in(log: str) -> Facts | None:
    """The facts in a job's log; None when they are not there."""
    for line in log.splitlines():
        if MARK in line:
            with suppress(ValueError, TypeError):
                return Facts(**json.loads(line.partition(MARK)[2]))
    return None


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


def text_in(path: Path) -> str:
    """The content of a file; empty when it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def mark(folder: Path, token: str, side: str) -> Path:
    """The file that one side ("here" or "there") writes for the other."""
    return folder / f".doctor-{token}-{side}"


def _exchange(folder: Path, token: str, wrote: str) -> str:
    """Write the file for the other side, and return the content of the other side's."""
    with suppress(OSError):
        mark(folder, token, "there").write_text(wrote)
    return text_in(mark(folder, token, "here"))


def _database() -> tuple[str, str]:
    """The content of the database's row for this test, and what is wrong with the database."""
    home = Path(os.environ["DAGSTER_HOME"])
    try:
        from padocc_dagster.dagster_private import read_cursor
        from padocc_dagster.services.instance import InstanceProblem, open_instance
        from padocc_dagster.slurm.yaml_fields import NotRead, load
    except ImportError as error:
        return "", f"a package is missing ({error})"
    try:
        with open_instance(home, load(home / "dagster.yaml") or {}) as instance:
            return read_cursor(instance, CURSOR), ""
    except (InstanceProblem, NotRead) as problem:
        return "", str(problem)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
