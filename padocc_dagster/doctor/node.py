"""What runs on a compute node: it gathers the facts there and prints them, as one line after MARK.

    python -m padocc_dagster.doctor.node TOKEN FOLDER…

DAGSTER_HOME is in the environment. No secret is printed: an error of the database is told without the values of dagster.yaml.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from padocc_dagster.doctor.facts import Facts, gather, mark
from padocc_dagster.slurm.node import cgroup

MARK = "padocc-dagster-doctor:"
LIMITS = ("memory.max", "memory.limit_in_bytes")
"""Bytes, as cgroup v2 and v1 name the file."""
NO_LIMIT = 1 << 60
"""cgroup v1 writes a number near 2**63 for "none"."""


def main(argv: Sequence[str]) -> int:
    """Print the facts of this node."""
    token, folders = argv[0], [Path(folder) for folder in argv[1:]]
    wrote = os.urandom(16).hex()
    read = {str(folder): _exchange(folder, token, wrote) for folder in folders}
    found, problem = _database()
    facts = gather(folders[0], read=read, wrote=wrote, database=found, database_problem=problem, memory_limit_mib=_memory_limit_mib())
    print(f"{MARK}{facts.dumps()}", flush=True)
    return 0


def facts_in(log: str) -> Facts | None:
    """The facts in a job's log; None when they are not there."""
    for line in log.splitlines():
        if MARK in line:
            with suppress(ValueError, TypeError):
                return Facts.loads(line.partition(MARK)[2])
    return None


def _exchange(folder: Path, token: str, wrote: str) -> str:
    """Write the file for the other side, and return what it has written."""
    with suppress(OSError):
        mark(folder, token, "there").write_text(wrote)
    try:
        return mark(folder, token, "here").read_text()
    except OSError:
        return ""


def _database() -> tuple[str, str]:
    """What stands in the database's row for this test, or what is wrong."""
    home = Path(os.environ["DAGSTER_HOME"])
    try:
        from padocc_dagster.doctor.instance import CURSOR, InstanceProblem, open_instance
        from padocc_dagster.slurm.yaml_fields import NotRead, load
    except ImportError as error:
        return "", f"a package is missing ({error})"
    try:
        with open_instance(home, load(home / "dagster.yaml") or {}) as instance:
            return instance.daemon_cursor_storage.get_cursor_values({CURSOR}).get(CURSOR, ""), ""
    except (InstanceProblem, NotRead) as problem:
        return "", str(problem)


def _memory_limit_mib() -> int | None:
    job, own = os.environ.get("SLURM_JOB_ID", ""), Path("/proc/self/cgroup")
    if not job.isdigit() or not own.exists():
        return None
    found = []
    for folder in cgroup.job_folders(int(job), own.read_text()):
        for name in LIMITS:
            with suppress(OSError, ValueError):
                found.append(int((folder / name).read_text()))
    least = min(found, default=NO_LIMIT)
    return least >> 20 if least < NO_LIMIT else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
