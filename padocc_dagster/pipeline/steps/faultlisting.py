"""Giving projects up, for a stated reason, and taking them on again.

PADOCC's own `faultlist.csv` is the record: two columns, code and reason (`padocc/core/filehandlers.py:1255`). PADOCC's writers of it
lose each other's updates, and its `run` does not heed it (`padocc/groups/group.py:466`); every phase of this package does.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby

from padocc_dagster.pipeline.files import write_text
from padocc_dagster.pipeline.groups import faultlist
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import LockedError, held
from padocc_dagster.pipeline.steps.step import By, StepResult

NOT_IN_CSV = str.maketrans({",": ";", '"': "'"})
"""PADOCC splits a row at every comma, quoted or not (`padocc/core/filehandlers.py:1285`)."""


def give_up(workdir: Workdir, projects: Iterable[Project], by: By, dry_run: bool = False) -> StepResult:
    """Put projects on their groups' faultlists. A new reason replaces an old one. What is at work goes on to the end of its phase."""
    reason = " ".join(f"{by.why} ({by.who}, {date.today()})".translate(NOT_IN_CSV).split())
    result = StepResult()
    for group, members in _by_group(projects):
        _change(workdir, group, dict.fromkeys(members, reason), "on the faultlist", result, dry_run)
    return result


def take_on(workdir: Workdir, projects: Iterable[Project], dry_run: bool = False) -> StepResult:
    """Take projects off their groups' faultlists. One that is not on it is left as it is."""
    result = StepResult()
    for group, members in _by_group(projects):
        _change(workdir, group, dict.fromkeys(members), "off the faultlist", result, dry_run)
    return result


def _change(workdir: Workdir, group: str, changes: dict[str, str | None], what: str, result: StepResult, dry_run: bool) -> None:
    """Set the reasons of these codes (None: take off), under the group's lock."""
    try:
        with held(workdir.group_lock(group), f"group {group}"):
            listed = faultlist(workdir, group)
            for code, reason in changes.items():
                before = listed.pop(code, None)
                if reason is not None:
                    listed[code] = reason
                already = "" if (before is None) == (reason is not None) else " already" if reason is None else f" (before: {before})"
                result.done[Project(group, code)] = f"{what}{already}" + (f": {reason}" if reason else "")
            if listed and not dry_run:
                write_text(workdir.faultlist(group), _text(listed))
            elif not dry_run:
                workdir.faultlist(group).unlink(missing_ok=True)  # PADOCC takes an empty file for a row without columns
    except LockedError as locked:
        result.not_done |= {Project(group, code): str(locked) for code in changes}


def _text(listed: dict[str, str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(listed.items())
    return text.getvalue().rstrip("\n")


def _by_group(projects: Iterable[Project]) -> Iterator[tuple[str, list[str]]]:
    for group, members in groupby(sorted(projects, key=lambda project: project.group), key=lambda project: project.group):
        yield group, [project.code for project in members]
