"""What changed of a source file since its state was recorded, from one `stat` and nothing read of it."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from padocc_dagster.pipeline.workdir.source_states import SourceState, state_of

NONE: Mapping[str, str] = MappingProxyType({})


class Change(StrEnum):
    """How a source file differs from its recorded state: the plainest of what holds."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    SHORTER = "shorter"
    LONGER = "longer"
    NEWER = "newer"
    """Another, later time of modification; same size."""
    REPLACED = "replaced"
    """Another file of the same size has been put in its place: the inode number is another, the time of modification no later."""
    TOUCHED = "touched"
    """The same file, of the same size: its ctime or an earlier time of modification says that it was written to, or renamed, or given
    other permissions."""
    CHECKSUM = "checksum"
    """The catalogue that it was selected from states another checksum now."""


@dataclass(frozen=True)
class SourceChange:
    """One source file that is not as it was recorded."""

    change: Change
    before: SourceState
    now: SourceState | None
    """None when the file cannot be looked at."""
    error: str = ""
    """Why it cannot be."""

    @property
    def path(self) -> str:
        return self.before.path

    def as_dict(self) -> dict[str, Any]:
        """The change as JSON holds it."""
        return asdict(self)

    def __str__(self) -> str:
        return f"source file {self.path} {_SENTENCES[self.change](self)}"


def changes(recorded: Iterable[SourceState], checksums: Mapping[str, str] = NONE) -> list[SourceChange]:
    """The files that are not as recorded, in their order: one `stat` each. `checksums` are those that a catalogue states now, by path."""
    return [change for state in recorded if (change := _change(state, checksums.get(state.path, "")))]


def _change(before: SourceState, checksum: str) -> SourceChange | None:
    try:
        now = state_of(before.path, before.checksum)
    except (FileNotFoundError, NotADirectoryError):
        return SourceChange(Change.MISSING, before, None)
    except OSError as error:
        return SourceChange(Change.UNREADABLE, before, None, f"{type(error).__name__}: {os.strerror(error.errno or 0)}")
    if now != before:
        return SourceChange(_kind(before, now), before, now)
    if before.checksum and checksum and checksum != before.checksum:
        return SourceChange(Change.CHECKSUM, before, state_of(before.path, checksum))
    return None


def _kind(before: SourceState, now: SourceState) -> Change:
    if now.size != before.size:
        return Change.SHORTER if now.size < before.size else Change.LONGER
    if now.mtime_ns > before.mtime_ns:
        return Change.NEWER
    return Change.REPLACED if now.inode != before.inode else Change.TOUCHED


def _time(nanoseconds: int) -> str:
    return f"{datetime.fromtimestamp(nanoseconds / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"


_SENTENCES: dict[Change, Callable[[Any], str]] = {
    Change.MISSING: lambda each: "is missing",
    Change.UNREADABLE: lambda each: f"cannot be looked at ({each.error})",
    Change.SHORTER: lambda each: f"is shorter: {each.now.size} bytes, it had {each.before.size}",
    Change.LONGER: lambda each: f"is longer: {each.now.size} bytes, it had {each.before.size}",
    Change.NEWER: lambda each: f"is newer: modified {_time(each.now.mtime_ns)}, before that {_time(each.before.mtime_ns)}",
    Change.REPLACED: lambda each: f"was replaced by another file of the same size on {_time(each.now.ctime_ns)}",
    Change.TOUCHED: lambda each: f"was changed on {_time(each.now.ctime_ns)}, with its size and no later time of modification",
    Change.CHECKSUM: lambda each: f"has another checksum in its catalogue: {each.now.checksum}, it was {each.before.checksum}",
}
