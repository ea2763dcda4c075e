"""Giving projects up, for a stated reason, and taking them on again.

PADOCC's own `faultlist.csv` is the record: two columns, code and reason (`padocc/core/filehandlers.py:1255`). PADOCC's writers of it
lose each other's updates, and its `run` ignores it (`padocc/groups/group.py:466`); every phase of this package does.
"""

import csv
import io
from collections.abc import Collection, Iterable
from datetime import date

from padocc_dagster.pipeline.workdir.event_log import record_of_group
from padocc_dagster.pipeline.workdir.events import Faultlisted, Step, Unfaultlisted
from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.pipeline.workdir.groups import by_group, faultlist
from padocc_dagster.pipeline.workdir.history import in_chunks, locked, write_down
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.step import By, StepResult

NOT_IN_CSV = str.maketrans({",": ";", '"': "'"})
"""PADOCC splits a row at every comma, quoted or not (`padocc/core/filehandlers.py:1285`)."""


def give_up(workdir: Workdir, projects: Iterable[Project], by: By, dry_run: bool = False) -> StepResult:
    """Put projects on their groups' faultlists. A new reason replaces an old one."""
    reason = " ".join(f"{by.why} ({by.who}, {date.today()})".translate(NOT_IN_CSV).split())
    return _each_group(workdir, projects, reason, by, dry_run)


def take_on(workdir: Workdir, projects: Iterable[Project], by: By, dry_run: bool = False) -> StepResult:
    """Take projects off their groups' faultlists. One that is not on it is left as it is."""
    return _each_group(workdir, projects, None, by, dry_run)


def _each_group(workdir: Workdir, projects: Iterable[Project], reason: str | None, by: By, dry_run: bool) -> StepResult:
    result = StepResult()
    for group, members in by_group(projects).items():
        try:
            for chunk in in_chunks(members):
                with held(workdir.group_lock(group), f"group {group}"), locked(workdir, chunk) as busy:
                    _change(workdir, group, chunk, busy, reason, by, dry_run, result)
        except LockedError as refused:
            result.not_done |= {project: str(refused) for project in members if project not in result.done}
    return result


def _change(
    workdir: Workdir,
    group: str,
    projects: list[Project],
    busy: Collection[Project],
    reason: str | None,
    by: By,
    dry_run: bool,
    result: StepResult,
) -> None:
    """Set the reason of these projects (None: take them off) and write the steps down; the group's lock is held, and theirs but for those
    that are at work: their steps go to the group's events. What is at work continues to the end of its phase."""
    listed = faultlist(workdir, group)
    steps: dict[Project, Step] = {}
    for project in projects:
        before = listed.pop(project.code, None)
        if reason is not None:
            listed[project.code] = reason
            steps[project] = Faultlisted(who=by.who, why=by.why, before=before)
            result.done[project] = f"{steps[project]}: {reason}"
        elif before is not None:
            steps[project] = Unfaultlisted(who=by.who, why=by.why)
            result.done[project] = str(steps[project])
        else:
            result.done[project] = "off the faultlist already"
    if dry_run or not steps:
        return
    if listed:
        write_text(workdir.faultlist(group), _text(listed))
    else:
        workdir.faultlist(group).unlink(missing_ok=True)  # PADOCC takes an empty file for a row without columns
    for project, step in steps.items():
        if project not in busy:
            write_down(workdir, project, step)
    if of_busy := {project.code: step for project, step in steps.items() if project in busy}:
        record_of_group(workdir, group, of_busy)


def _text(listed: dict[str, str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(listed.items())
    return text.getvalue().rstrip("\n")
