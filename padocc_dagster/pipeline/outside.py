"""What somebody did in the working directory beside this package's own runs, with plain PADOCC: seen by the times of status logs."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.events import ends_of
from padocc_dagster.pipeline.groups import list_groups, project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import StatusRow, passed_phases, read_rows

SETTLED_NS = 2_000_000_000
"""A log written just now is looked at next time, so that no second writing hides behind the same time."""

TOLD_SECONDS = 120.0
"""In that time, a run that has initialised projects tells of them."""


class Change(NamedTuple):
    """A status log that changed, and when, in nanoseconds."""

    when: int
    project: Project


def changes(workdir: Workdir, projects: Iterable[Project], since: int, now: int) -> list[Change]:
    """The projects whose status logs changed after `since` and have settled by `now`, oldest first. Costs one `stat` a project."""
    found = []
    for project in projects:
        try:
            status = os.stat(os.path.join(workdir.root, "in_progress", project.group, project.code, "status_log.csv"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        when = max(status.st_mtime_ns, status.st_ctime_ns)  # a log moved here keeps its time, and tells by that of its inode
        if since < when < now - SETTLED_NS:
            found.append(Change(when, project))
    return sorted(found)


def news(workdir: Workdir, found: Iterable[Change]) -> Iterator[tuple[Change, dict[str, datetime | None]]]:
    """The phases that stand by rows which none of our runs wrote, with the rows' times, for each project that has some.

    Our runs leave events `PhaseEnded`, with the number of rows there were; an initialisation leaves announcements until it is told,
    and is no news of anybody else's until then.
    """
    being_told: dict[str, set[str]] = {}
    for change in found:
        project = change.project
        if project.group not in being_told:
            being_told[project.group] = set(to_announce(workdir, project.group))
        rows = read_rows(workdir.status_log(project))
        ours = _rows_of_ours(workdir, project, rows)
        newest = {row.phase: number for number, row in enumerate(rows)}
        phases = {phase: rows[newest[phase]].time for phase in passed_phases(rows) if newest[phase] >= ours}
        if project.code in being_told[project.group]:
            phases.pop("init", None)
        if phases:
            yield change, phases


def untold(workdir: Workdir) -> dict[str, list[str]]:
    """Group → codes of its projects that were initialised a while ago and that nobody has told of."""
    found: dict[str, list[str]] = {}
    for group in list_groups(workdir):
        with contextlib.suppress(FileNotFoundError):
            old = time.time() - workdir.announcements(group).stat().st_mtime > TOLD_SECONDS
            waiting = set(to_announce(workdir, group)) if old else set()
            if codes := [code for code in project_codes(workdir, group) if code in waiting] if waiting else []:
                found[group] = codes
    return found


def _rows_of_ours(workdir: Workdir, project: Project, rows: list[StatusRow]) -> int:
    """How many rows there were when one of our runs last ended a phase; none where the log was written anew since."""
    end = next(ends_of(workdir, project), None)
    last = rows[end.row - 1] if end and 0 < end.row <= len(rows) else None
    return end.row if end and last and (last.phase, last.status) == (end.phase, end.status) else 0
