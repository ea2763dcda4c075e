"""Groups of projects, their subsets and faultlists: PADOCC's list files, read and replaced whole.

PADOCC's own writers of these files lose each other's updates (two `add_project` at once kept only the second), so every writer
here takes the group's lock.
"""

import contextlib
import csv
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from padocc_dagster.pipeline.workdir.files import read_lines, read_text, write_lines, write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.names import name_problem
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import ProjectState, passed_phases, project_state, read_rows
from padocc_dagster.pipeline.workdir.unfinished import placed

SUBSET_PHASES = ("scan", "compute", "validate")


def list_groups(workdir: Workdir) -> list[str]:
    """The names of all groups, sorted. Folders with names that PADOCC could not take safely are skipped."""
    lists = (workdir.root / "groups").glob("*/proj_codes/main.txt")
    return sorted(name for name in (path.parent.parent.name for path in lists) if not name_problem("group", name))


def project_codes(workdir: Workdir, group: str) -> list[str]:
    """The project codes of a group, in PADOCC's order, each once; unsafe ones are skipped.

    While a project is moved two lists may name it: it is in the group in which its folder lies.
    """
    codes = dict.fromkeys(line.strip() for line in read_lines(workdir.main_list(group)))
    return placed(workdir, group, (code for code in codes if not name_problem("project code", code)))


def codes_of(workdir: Workdir) -> Callable[[str], dict[str, None]]:
    """`project_codes` of any group to look codes up in, each group read once, at its first use: for one step about many projects."""
    return cache(lambda group: dict.fromkeys(project_codes(workdir, group)))


def by_group(projects: Iterable[Project]) -> dict[str, list[Project]]:
    """The projects of each group, groups and projects in their order."""
    found: dict[str, list[Project]] = {}
    for project in projects:
        found.setdefault(project.group, []).append(project)
    return found


def faultlist(workdir: Workdir, group: str) -> dict[str, str]:
    """Code → reason of the group's projects that were given up."""
    path = workdir.faultlist(group)
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {row[0].strip(): ",".join(row[1:]).strip() for row in csv.reader(file) if row and row[0].strip()}


def group_states(workdir: Workdir, group: str) -> dict[str, ProjectState]:
    """The state of every project of the group, in PADOCC's order; those on the faultlist are skipped, for the reason given there."""
    states = {code: project_state(workdir, Project(group, code)) for code in project_codes(workdir, group)}
    for code, reason in faultlist(workdir, group).items():
        if code in states:
            why = f"on the faultlist: {reason or 'no reason given'}"
            states[code] = replace(states[code], verdict=Verdict.SKIPPED, why=why, faultlisted=reason)
    return states


def last_change(workdir: Workdir, group: str) -> str:
    """A word that changes when a project of the group changes its status, or comes or goes, or when the group is selected again. Costs one
    `stat` a project."""
    codes = project_codes(workdir, group)
    logs = (_time_and_size(workdir.status_log(Project(group, code))) for code in codes)
    return change_word(workdir, group, len(codes), (log for log in logs if log))


def change_word(workdir: Workdir, group: str, projects: int, logs: Iterable[tuple[int, int]]) -> str:
    """The same from the times of change (ns) and sizes of the projects' status logs."""
    own = (_time_and_size(path) for path in (workdir.faultlist(group), workdir.selection(group)))
    newest = size = 0
    for when, length in (*(each for each in own if each), *logs):
        newest, size = max(newest, when), size + length
    return f"{projects}-{newest}-{size}"


def _time_and_size(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(path)
        return found.st_mtime_ns, found.st_size
    return None


def last_refresh(workdir: Workdir, group: str) -> str:
    """The word of `last_change` when the group's subsets were last written; empty when they never were."""
    try:
        return read_text(_refreshed(workdir, group), "replace")
    except FileNotFoundError:
        return ""


def refreshed_seconds_ago(workdir: Workdir, group: str) -> float:
    """How long ago the group's subsets were written; infinity when they never were."""
    with contextlib.suppress(FileNotFoundError):
        return time.time() - _refreshed(workdir, group).stat().st_mtime
    return math.inf


def passing(workdir: Workdir, group: str) -> dict[str, list[str]]:
    """For each subset phase, the codes whose result is valid now, read from the status logs. Faultlisted projects are left out."""
    members: dict[str, list[str]] = {phase: [] for phase in SUBSET_PHASES}
    excluded = faultlist(workdir, group)
    for code in project_codes(workdir, group):
        if code in excluded:
            continue
        passed = passed_phases(read_rows(workdir.status_log(Project(group, code))))
        for phase in SUBSET_PHASES:
            if phase in passed:
                members[phase].append(code)
    return members


def write_subsets(workdir: Workdir, group: str) -> dict[str, list[str]]:
    """Write the subsets `<phase>-success` for `padocc … -r <phase>-success` and return the members of each, by phase.

    Members are read and written under the group's lock, so that the newest reading wins; raises LockedError when another writer
    of the group does not end. A subset without members has no file: PADOCC takes an empty one for one project with an empty code
    (`padocc/core/filehandlers.py:275`).
    """
    with held(workdir.group_lock(group), f"group {group}"):
        change = last_change(workdir, group)  # before the members: what changes while they are read is a change afterwards
        members = passing(workdir, group)
        for phase, codes in members.items():
            path = workdir.subset_list(group, f"{phase}-success")
            if codes:
                write_lines(path, codes)
            else:
                path.unlink(missing_ok=True)
        write_text(_refreshed(workdir, group), change)
    return members


def _refreshed(workdir: Workdir, group: str) -> Path:
    return workdir.group_dir(group) / "padocc_dagster" / "refreshed.txt"
