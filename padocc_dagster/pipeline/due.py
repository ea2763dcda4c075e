"""Whether a phase should be started without anybody asking for it, by PADOCC's files alone.

They are written by this package and by everybody who works beside it with plain PADOCC, so what somebody did, is doing, or did in vain
is neither repeated nor fought. A group with a file `.shpignore` is left alone, as SHEPARD leaves it (`padocc/groups/shepard.py:297`).
"""

from collections.abc import Iterable, Mapping
from functools import cache

from padocc_dagster.pipeline.files import CorruptFileError, read_json
from padocc_dagster.pipeline.groups import faultlist, project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import PHASES
from padocc_dagster.pipeline.status import StatusRow, gate_problem, read_rows
from padocc_dagster.pipeline.steps.rules import Rules, read_rules

NOT_DUE = "NotDue"
"""The error class of a phase that nobody asked for and that is not due any more when its run begins."""


def due_projects(workdir: Workdir, keys: Iterable[str], phase: str) -> set[str]:
    """The keys of those projects for which the phase may and should start. Costs a small file read a project, and two a group."""

    @cache
    def operable(group: str) -> set[str]:
        if is_ignored(workdir, group):
            return set()
        return set(project_codes(workdir, group)) - set(faultlist(workdir, group))

    @cache
    def rules(group: str) -> Rules | None:
        try:
            return read_rules(workdir, group)
        except ValueError:
            return None

    due = set()
    for key in keys:
        try:
            project = Project.parse(key)
        except ValueError:
            continue
        if project.code not in operable(project.group):
            continue
        rows = read_rows(workdir.status_log(project))
        if is_due(rows, phase) and (phase != "complete" or _may_be_published(workdir, project, rows, rules(project.group))):
            due.add(key)
    return due


def is_ignored(workdir: Workdir, group: str) -> bool:
    """Whether nothing is to be done unattended in the group."""
    return (workdir.group_dir(group) / ".shpignore").is_file()


def is_due(rows: list[StatusRow], phase: str) -> bool:
    """Whether the phase before has passed and this one was not tried since, by whomever and however it ended, and nobody is at work."""
    needed = PHASES[PHASES.index(phase) - 1]
    if gate_problem(rows, needed) or rows[-1].verdict is None:
        return False
    built_on = max(number for number, row in enumerate(rows) if row.phase == needed)
    return all(row.phase != phase for row in rows[built_on:])


def _may_be_published(workdir: Workdir, project: Project, rows: list[StatusRow], rules: Rules | None) -> bool:
    """Whether publication may start unattended: compared, and warned of nothing that the group's rules hold back. Broken rules hold all."""
    if rules is None or not _was_compared(workdir, project):
        return False
    warning = next(row for row in reversed(rows) if row.phase == "validate").status.partition("Warn-")[2]
    return rules.complete_on_warnings is None or not warning or warning.startswith("ticked by ") or warning in rules.complete_on_warnings


def next_phase(workdir: Workdir, project: Project) -> str | None:
    """The phase that is due for the project now, if one is."""
    rows = read_rows(workdir.status_log(project))
    return next((phase for phase in PHASES[1:] if is_due(rows, phase)), None)


def _was_compared(workdir: Workdir, project: Project) -> bool:
    """Whether the product was ever found equal to its sources. Publication itself looks whether that still holds."""
    try:
        record: Mapping[str, object] = read_json(workdir.comparison(project))
    except CorruptFileError:
        return False
    return record.get("passed") is True


def products_to_compare(workdir: Workdir, keys: Iterable[str]) -> set[str]:
    """The keys of those projects whose product stands in PADOCC and is not published: they wait for a comparison."""
    due = set()
    for key in keys:
        project = Project.parse(key)
        rows = read_rows(workdir.status_log(project))
        published = gate_problem(rows, "complete") is None
        if gate_problem(rows, "compute") is None and not published and not is_ignored(workdir, project.group):
            due.add(key)
    listed = {group: faultlist(workdir, group) for group in {Project.parse(key).group for key in due}}
    return {key for key in due if Project.parse(key).code not in listed[Project.parse(key).group]}
