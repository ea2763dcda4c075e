"""The files of events: one JSON object a line, oldest first.

    in_progress/<group>/<code>/padocc_dagster/events.jsonl    of a project, and goes where its folder goes
    groups/<group>/padocc_dagster/events.jsonl                of projects of the group whose folder is gone, or that were at work

Writers hold the project's lock, or the group's for the second file. A line that a killed process cut short is skipped.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from padocc_dagster.pipeline.workdir.events import AnyEvent, Event, PhaseEnded, StartFailed, Step, parser
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

TAIL = 8192
"""Bytes at the end of a file that hold its last event, if that is a failed start."""


def record(workdir: Workdir, project: Project, *events: Event) -> None:
    """Append events to the project's own file; the project's lock is held."""
    _append(workdir.events(project), (event.model_dump(mode="json") for event in events))


def record_of_group(workdir: Workdir, group: str, events: Mapping[str, Event]) -> None:
    """Append events of projects whose folder is gone, or whose own lock is held elsewhere, by project code; the group's lock is held."""
    _append(workdir.group_events(group), ({**event.model_dump(mode="json"), "code": code} for code, event in events.items()))


def events_of(workdir: Workdir, project: Project) -> list[AnyEvent]:
    """The events in the project's own file, oldest first. Lines that are no events of a known kind are skipped."""
    return [event for line in _lines(workdir.events(project)) if (event := _parsed(_value(line)))]


def ends_of(workdir: Workdir, project: Project) -> Iterator[PhaseEnded]:
    """How runs of this package ended phases of the project, the newest first. Each line is validated when it is taken."""
    for line in reversed(_lines(workdir.events(project))):
        if (value := _value(line)).get("kind") == "ended" and isinstance(event := _parsed(value), PhaseEnded):
            yield event


def end_at(workdir: Workdir, project: Project, number: int, phase: str, status: str) -> PhaseEnded | None:
    """The end that this row of the status log is about, counted from 1; None when no run of this package wrote it."""
    found = (end for end in ends_of(workdir, project) if (end.row, end.phase, end.status) == (number, phase, status))
    return next(found, None)


def failed_start(workdir: Workdir, project: Project, rows: int) -> StartFailed | None:
    """The last start that failed, where nothing was done to the project since; `rows` is how many its status log has."""
    end = _tail(workdir.events(project))
    event = _parsed(_value(end[-1])) if end and b'"start_failed"' in end[-1] else None
    return event if isinstance(event, StartFailed) and event.row == rows else None


class Histories:
    """The steps taken with projects, oldest first: those since the project's folder was made, after those of its predecessors.

    Each group's file is read once, at the first question about one of its projects.
    """

    def __init__(self, workdir: Workdir) -> None:
        self._workdir = workdir
        self._of_group = cache(self._read_group)

    def of(self, project: Project) -> list[Step]:
        own = [event for event in events_of(self._workdir, project) if isinstance(event, Step)]
        return sorted([*self._of_group(project.group).get(project.code, ()), *own], key=lambda step: step.when)

    def _read_group(self, group: str) -> dict[str, list[Step]]:
        found: dict[str, list[Step]] = {}
        for value in map(_value, _lines(self._workdir.group_events(group))):
            if isinstance(event := _parsed(value), Step) and isinstance(code := value.get("code"), str):
                found.setdefault(code, []).append(event)
        return found


def history_of(workdir: Workdir, project: Project) -> list[Step]:
    """The steps taken with one project: see `Histories`."""
    return Histories(workdir).of(project)


def _append(path: Path, records: Iterable[dict[str, Any]]) -> None:
    lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        if file.tell():  # a line that a killed process cut short must not join the next
            file.seek(-1, os.SEEK_END)
            lines = lines if file.read(1) in (b"", b"\n") else b"\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _tail(path: Path) -> list[bytes]:
    """The last lines of a file; the first of them may be cut off."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            return file.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _value(line: bytes) -> dict[str, Any]:
    """The line as a JSON object; empty for a line that is none."""
    with suppress(ValueError):
        if isinstance(value := json.loads(line), dict):
            return value
    return {}


def _parsed(value: dict[str, Any]) -> AnyEvent | None:
    """The event; None for one of an unknown kind, or that lacks a field."""
    try:
        return parser.validate_python(value)
    except ValidationError:
        return None
