"""What the doctor's pod sees, printed as one line after MARK: the packages of its image, the folders, the database.

    python -m padocc_dagster.doctor.pod TOKEN REFERENCE FOLDER…

It prints no secret. REFERENCE names the instance, whose passwords are in the environment.
"""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MARK = "padocc-dagster-doctor:"
PACKAGES = ("dagster", "dagster-postgres", "padocc", "padocc-dagster")
CURSOR = "padocc_dagster_doctor"
"""The row of Dagster's table of cursors by which a pod shows that it reads this database."""


@dataclass(frozen=True)
class Facts:
    """What one pod sees."""

    node: str
    packages: dict[str, str | None]
    """The version of each of PACKAGES; None where it is not installed."""
    user_id: int
    has_token: bool
    """Whether the pod could speak with the API server."""
    read: dict[str, str]
    """The content of the doctor's file in each folder; empty where there was none."""
    unwritable: dict[str, str]
    """Why no file can be written, by folder."""
    database: str
    """The content of the database's row for this test."""
    database_problem: str


def main(argv: Sequence[str]) -> int:
    """Print the facts of this pod."""
    token, reference, *folders = argv
    found, problem = _database(reference)
    facts = Facts(
        node=os.environ.get("PADOCC_NODE", ""),
        packages=packages(),
        user_id=os.getuid(),
        has_token=Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists(),
        read={folder: _text(mark(Path(folder), token)) for folder in folders},
        unwritable={folder: why for folder in folders if (why := _write(Path(folder), token))},
        database=found,
        database_problem=problem,
    )
    print(f"{MARK}{json.dumps(asdict(facts))}", flush=True)
    return 0


def facts_in(log: str) -> Facts | None:
    """The facts in a pod's log; None when they are not there."""
    for line in log.splitlines():
        if MARK in line:
            with suppress(ValueError, TypeError):
                return Facts(**json.loads(line.partition(MARK)[2]))
    return None


def mark(folder: Path, token: str) -> Path:
    """The file that the doctor writes for its pod."""
    return folder / f".doctor-{token}"


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _write(folder: Path, token: str) -> str:
    """Write a file and remove it; returns why that is not possible, or nothing."""
    path = folder / f".doctor-{token}-pod"
    try:
        path.write_text("")
        path.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _database(reference: str) -> tuple[str, str]:
    """The content of the database's row for this test, and what is wrong with the database."""
    try:
        from padocc_dagster.dagster_private import read_cursor, referenced

        with referenced(reference) as instance:
            return read_cursor(instance, CURSOR), ""
    except Exception as error:  # a package, a variable, a driver or a server that is missing
        return "", f"{type(error).__name__}: {error}"


def packages() -> dict[str, str | None]:
    """The version of each of PACKAGES; None where it is not installed."""
    found: dict[str, str | None] = dict.fromkeys(PACKAGES)
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
