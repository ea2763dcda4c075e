"""A project's events: typed records of what PADOCC's status log has no room for, one JSON object a line, oldest first.

    in_progress/<group>/<code>/padocc_dagster/events.jsonl    of a project, and goes where its folder goes
    groups/<group>/padocc_dagster/events.jsonl                of projects of the group whose folder is gone

Each event has the number of rows that the status log had when it was appended: PADOCC's times are minutes. Writers hold the project's
lock, or the group's for the second file. A line that a killed process cut short is skipped.
"""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import Verdict

FORMAT = 1
Phase = Literal["init", "scan", "compute", "validate", "complete"]


class Event(BaseModel):
    """What all events have in common."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    when: datetime = Field(default_factory=lambda: datetime.now(UTC))
    row: int = 0
    """How many rows the status log had."""


class PhaseEnded(Event):
    """A run of this package ended a phase; `row` counts the row that says so."""

    kind: Literal["ended"] = "ended"
    project: str
    """The key at that time: a row that came along from another group is no work done here."""
    phase: Phase
    verdict: Verdict
    status: str
    error_class: str | None = None
    message: str = ""
    log_path: str | None = None
    log_tail: tuple[str, ...] = ()
    details: dict[str, Any] = {}
    run: str = ""
    """The Dagster run."""


class PhaseRequested(Event):
    """A person, or a rule of the group, requested that a phase is run again."""

    kind: Literal["requested"] = "requested"
    phase: Phase
    choices: dict[str, Any] = {}
    """Options of a computation, as `compute` takes them."""
    tags: dict[str, str] = {}
    """Tags for the run: the time and memory that it may use."""
    who: str
    why: str


class Compared(Event):
    """The product was compared with its sources; `comparison.json` has the report."""

    kind: Literal["compared"] = "compared"
    passed: bool
    product: str
    """The fingerprint of the product."""


class StartFailed(Event):
    """A run that was requested for a phase ended before its first step."""

    kind: Literal["start_failed"] = "start_failed"
    phase: str
    """The phase, or `compare`."""
    run: str
    reason: str
    count: int
    """How often in a row."""
    retry_at: datetime


AnyEvent = Annotated[PhaseEnded | PhaseRequested | Compared | StartFailed, Field(discriminator="kind")]
_parser: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def append(path: Path, events: Iterable[Event], **more: Any) -> None:
    """Append events to a file, whole lines in one write, on to the disk. `more` is added to each record."""
    lines = b"".join(json.dumps({**event.model_dump(mode="json"), **more}).encode() + b"\n" for event in events)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        if file.tell():  # a line that a killed process cut short must not swallow the next
            file.seek(-1, os.SEEK_END)
            lines = lines if file.read(1) in (b"", b"\n") else b"\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def record(workdir: Workdir, project: Project, *events: Event) -> None:
    """Append events to the project's own file; the project's lock is held."""
    append(workdir.events(project), events)


def events_of(workdir: Workdir, project: Project) -> list[AnyEvent]:
    """The events in the project's own file, oldest first."""
    return read_events(workdir.events(project))


def read_events(path: Path) -> list[AnyEvent]:
    """The events in a file, oldest first; none when there is no file. Lines that are no events of a known kind are skipped."""
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [event for line in lines if (event := _parsed(line)) is not None]


def _parsed(line: bytes) -> AnyEvent | None:
    try:
        value: Mapping[str, Any] = json.loads(line)
        return _parser.validate_python(value)
    except (ValueError, ValidationError):
        return None
