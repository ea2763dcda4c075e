"""What people did by hand to a project: when, who, what and why, newest last, in its own folder, so that it goes where the project goes.

PADOCC's status log has a row for each phase and no room for a person and a reason. What is done to a project whose folder is gone is
kept with its group.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import read_rows
from padocc_dagster.pipeline.steps.step import By


class Entry(NamedTuple):
    """One thing done by hand."""

    when: datetime
    who: str
    what: str
    why: str
    rows: int | None = None
    """How many rows PADOCC's status log had then: its times tell minutes only."""
    choices: Mapping[str, Any] = MappingProxyType({})
    """What a computation was started with, where it was: `aggregator`, `cloud_format`, …"""


def note(workdir: Workdir, deeds: Mapping[Project, str], by: By, choices: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Write down what was done to each project, and with which choices. One append a project: a reader sees whole lines."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    for project, what in deeds.items():
        own = workdir.history(project)
        if workdir.project_dir(project).is_dir():
            own.parent.mkdir(exist_ok=True)
            rows = len(read_rows(workdir.status_log(project)))
            chosen = {"choices": dict(choices)} if choices else {}
            _append(own, {"when": now, "who": by.who, "what": what, "why": by.why, "rows": rows, **chosen})
        else:
            line = {"when": now, "who": by.who, "what": what, "why": by.why, "project": project.code}
            workdir.group_history(project.group).parent.mkdir(parents=True, exist_ok=True)
            _append(workdir.group_history(project.group), line)


def history_of(workdir: Workdir, project: Project) -> list[Entry]:
    """What was done by hand to the project, oldest first. Lines cut short are passed over."""
    entries = []
    for line in lines_of(workdir.group_history(project.group)):
        if line.pop("project", None) == project.code:
            entries.append(entry_of(line))
    entries += map(entry_of, lines_of(workdir.history(project)))
    return sorted((entry for entry in entries if entry), key=lambda entry: entry.when)


def _append(path: Path, value: dict[str, Any]) -> None:
    with open(path, "ab+") as file:
        if file.tell():  # a line that a killed process cut short must not swallow this one
            file.seek(-1, os.SEEK_END)
        line = json.dumps(value).encode() + b"\n"
        file.write(line if file.read(1) in (b"", b"\n") else b"\n" + line)
        file.flush()
        os.fsync(file.fileno())


def lines_of(path: Path) -> list[dict[str, Any]]:
    found = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def entry_of(value: dict[str, Any]) -> Entry | None:
    try:
        when, choices = datetime.fromisoformat(value["when"]), dict(value.get("choices") or {})
        return Entry(when, value["who"], value["what"], value["why"], value.get("rows"), choices)
    except (KeyError, TypeError, ValueError):
        return None
