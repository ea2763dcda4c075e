"""Readings of group configs in the inbox: the version of each file, and how reading it ended.

padocc_dagster/inbox/<file>    JSON: the version that was read last, and how that ended
"""

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Workdir


class Result(StrEnum):
    """How reading a version of a group config ended."""

    INITIALISED = "initialised"
    REJECTED = "rejected"
    FAILED = "failed"


def version_of(path: Path) -> str:
    """The version of a file: its time of change and its content. Raises OSError when it cannot be read."""
    return f"{path.stat().st_mtime_ns}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def read_before(workdir: Workdir, name: str) -> str:
    """The version of the inbox's file of this name that was read last and needs no further attempt; empty when there is none."""
    try:
        return str(read_json(workdir.inbox_record(name)).get("version", ""))
    except (CorruptFileError, OSError):
        return ""


def record_reading(workdir: Workdir, path: Path, version: str, result: Result, problems: list[dict[str, Any]], run: str) -> None:
    """Record how reading a file of the inbox ended; nothing for a file that lies elsewhere. `problems` have the fields line and problem."""
    if path.parent != workdir.inbox:
        return
    when = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(workdir.inbox_record(path.name), {"version": version, "result": result, "problems": problems, "run": run, "when": when})
