"""The state of a source file by one `stat`, from which a later look sees that it changed.

Size and time of modification can be restored when a file is replaced. The time of change (ctime) cannot, and another file of the same
name has another inode number.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source file at one moment. Times are in nanoseconds since the epoch."""

    path: str
    size: int
    """Bytes."""
    mtime_ns: int
    ctime_ns: int
    inode: int
    checksum: str = ""
    """As a catalogue gave it (`file:checksum` of a STAC asset, a multihash in hexadecimal); empty where none did."""


def state_of(path: str, checksum: str = "") -> SourceState:
    """The file's state, from one `os.stat`, which follows links. Raises OSError for a file that is not there."""
    status = os.stat(path)
    return SourceState(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, checksum)


def states_of(paths: Iterable[str]) -> list[SourceState]:
    """The states of these files, in their order. Raises OSError for the first that is not there."""
    return [state_of(path) for path in paths]


def digest(states: Iterable[SourceState]) -> str:
    """SHA-256 over path, size, times and inode number of every file in order. Checksums are not part of it."""
    total = hashlib.sha256()
    for state in states:
        total.update(f"{state.path}\0{state.size}\0{state.mtime_ns}\0{state.ctime_ns}\0{state.inode}\n".encode())
    return total.hexdigest()


def table_of(states: Iterable[SourceState]) -> dict[str, list[Any]]:
    """The states as one compact table of JSON values: the columns, and a row for each file."""
    return {"columns": [field.name for field in fields(SourceState)], "rows": [list(astuple(state)) for state in states]}


def states_in_table(table: dict[str, list[Any]]) -> tuple[SourceState, ...]:
    """Read back what `table_of` gave. Raises KeyError or TypeError for anything else."""
    columns = table["columns"]
    return tuple(SourceState(**dict(zip(columns, row, strict=True))) for row in table["rows"])
