"""Groups of projects, their subsets and faultlists: PADOCC's list files, read and replaced whole.

PADOCC's own writers of these files lose each other's updates (two `add_project` at once kept only the second), so every writer
here takes the group's lock.
"""

import contextlib
import csv
import os
from pathlib import Path

from padocc_dagster.pipeline.files import read_lines, write_lines
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import held
from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.pipeline.status import passed_phases, read_rows

SUBSET_PHASES = ("scan", "compute", "validate")


def list_groups(workdir: Workdir) -> list[str]:
    """The names of all groups, sorted. Folders with names that PADOCC could not take safely are passed over."""
    lists = (workdir.root / "groups").glob("*/proj_codes/main.txt")
    return sorted(name for name in (path.parent.parent.name for path in lists) if not name_problem("group", name))


def project_codes(workdir: Workdir, group: str) -> list[str]:
    """The project codes of a group, in PADOCC's order, each once; unsafe ones are passed over."""
    codes = dict.fromkeys(line.strip() for line in read_lines(workdir.main_list(group)))
    return [code for code in codes if not name_problem("project code", code)]


def faultlist(workdir: Workdir, group: str) -> dict[str, str]:
    """Code → reason of the group's projects that were given up on."""
    path = workdir.faultlist(group)
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {row[0].strip(): ",".join(row[1:]).strip() for row in csv.reader(file) if row and row[0].strip()}


def last_change(workdir: Workdir, group: str) -> str:
    """A word that changes when a project of the group changes its status, or comes or goes. Costs one `stat` a project."""
    newest = 0
    codes = project_codes(workdir, group)
    for code in codes:
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, os.stat(workdir.status_log(Project(group, code))).st_mtime_ns)
    return f"{len(codes)}-{newest}"


def passing(workdir: Workdir, group: str) -> dict[str, list[str]]:
    """For each subset phase, the codes whose result stands now, read from the status logs. Faultlisted projects are left out."""
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


def read_subset(workdir: Workdir, group: str, subset: str) -> list[str]:
    """The codes of a subset (PADOCC's "repeat id"); empty when there is none."""
    return read_lines(workdir.subset_list(group, subset))


def write_subset(workdir: Workdir, group: str, phase: str) -> list[str]:
    """Write the subset `<phase>-success` for `padocc … -r <phase>-success` and return its members.

    Members are read and written under the group's lock, so that the newest reading wins. A subset without members has no file:
    PADOCC takes an empty one for one project with an empty code (`padocc/core/filehandlers.py:275`).
    """
    path = workdir.subset_list(group, f"{phase}-success")
    with held(workdir.group_lock(group), f"group {group}"):
        members = passing(workdir, group)[phase]
        if members:
            write_lines(path, members)
        else:
            Path(path).unlink(missing_ok=True)
    return members
