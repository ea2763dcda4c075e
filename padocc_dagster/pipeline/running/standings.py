"""The state of all managed groups by their files, kept in memory and brought up to date by the times and sizes of the files.

A group is managed from the moment that it was initialised or adopted here; others in the working directory are left alone. Nothing in
memory matters: a new process reads everything once.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from padocc_dagster.pipeline.running.due import Due, due_of, held_back, ignore_file, interrupted, is_ignored, was_compared
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import AnyEvent, PhaseEnded, StartFailed, Step
from padocc_dagster.pipeline.workdir.groups import change_word, faultlist, list_groups, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.rules import Rules, read_rules, rules_file
from padocc_dagster.pipeline.workdir.status import passed_phases, read_rows

SETTLED_NS = 2_000_000_000
"""A file written just now is read again at the next look: a second change may have the same time."""
Stamp = tuple[int, ...]
NOTHING: Mapping[str, int] = MappingProxyType({})


class Standing(NamedTuple):
    """The state of one project."""

    rows: int = 0
    passed: Mapping[str, int] = NOTHING
    """Phase → the number of its newest row, from 1, of the phases whose result is valid."""
    due: Due | None = None
    compared: bool = False
    """Whether the product was found equal to its sources since it was computed."""
    failed: str = ""
    """The phase of the last row, if it failed."""
    last_run: str = ""
    """The Dagster run that wrote the last row, or died in the phase that is due, if it is one of this package's."""
    step: str = ""
    """The last manual step, where no phase ended since: who took it, and why."""
    start_failed: StartFailed | None = None
    """The last start that failed of what is due."""
    last_step: datetime | None = None
    """When the newest manual step was taken."""
    changed: float = 0.0
    """When its files changed last, in seconds since the epoch, by the file system's clock."""


@dataclass(frozen=True)
class GroupStanding:
    """One managed group."""

    codes: tuple[str, ...]
    faultlisted: Mapping[str, str]
    ignored: bool
    rules: Rules | None
    """None where the file of the rules cannot be read: nothing is published unattended then."""
    problem: str = ""


@dataclass
class Standings:
    """All managed groups of a working directory and their projects."""

    workdir: Workdir
    groups: dict[str, GroupStanding] = field(default_factory=dict)
    projects: dict[Project, Standing] = field(default_factory=dict)
    _group_stamps: dict[str, tuple[Stamp, ...]] = field(default_factory=dict)
    _stamps: dict[Project, tuple[Stamp, Stamp]] = field(default_factory=dict)
    _left: list[Project] = field(default_factory=list)
    """Projects that the last look had no time for."""

    def look(self, seconds: float = 10.0) -> list[Project]:
        """Read the files that changed since the last look, for at most so many seconds, and return their projects. The next look goes on
        with the rest. Costs two `stat` a project, and the reading of two small files for each that changed."""
        end, changed = time.monotonic() + seconds, []
        self._look_at_groups()
        todo = self._left or [Project(group, code) for group, standing in self.groups.items() for code in standing.codes]
        self._left = []
        for number, project in enumerate(todo):
            if number % 100 == 0 and time.monotonic() > end:
                self._left = todo[number:]
                break
            if self._look_at(project):
                changed.append(project)
        return changed

    @property
    def is_complete(self) -> bool:
        """Whether the last look had time for all projects."""
        return not self._left

    def read(self, project: Project) -> Standing:
        """Read the project's files now."""
        self._stamps.pop(project, None)
        self._look_at(project)
        return self.projects.get(project, Standing())

    def is_operable(self, project: Project) -> bool:
        """Whether the phase that is due may be started: neither the faultlist, nor `.shpignore`, nor a rule forbids it."""
        group, standing = self.groups.get(project.group), self.projects.get(project)
        if group is None or standing is None or standing.due is None or project.code in group.faultlisted:
            return False
        if standing.due.request:
            return True
        return not group.ignored and (standing.due.phase != "complete" or self._may_be_published(project, group))

    def is_settled(self, group: str) -> bool:
        """Whether nobody wrote the group's files just now."""
        return all(map(_is_settled, self._group_stamps[group]))

    def word(self, group: str) -> str:
        """A word that changes when a project of the group changes its status, or comes or goes: as `groups.last_change` gives it."""
        logs = (self._stamps[project][0] for code in self.groups[group].codes if (project := Project(group, code)) in self._stamps)
        return change_word(self.workdir, group, len(self.groups[group].codes), ((stamp[0], stamp[2]) for stamp in logs if stamp))

    def _may_be_published(self, project: Project, group: GroupStanding) -> bool:
        """Whether the group's rules let the product be published unattended, with the warning that its validation ended in."""
        if group.rules is not None and group.rules.complete_on_warnings is None:
            return True
        return not held_back(read_rows(self.workdir.status_log(project)), group.rules)

    def _look_at_groups(self) -> None:
        present = [group for group in list_groups(self.workdir) if is_managed(self.workdir, group)]
        for group in set(self.groups) - set(present):
            self._forget(group)
        for group in present:
            stamps = tuple(_stamp(path) for path in _group_files(self.workdir, group))
            if stamps != self._group_stamps.get(group) or not all(_is_settled(stamp) for stamp in stamps):
                self._group_stamps[group] = stamps
                before, self.groups[group] = self.groups.get(group), _read_group(self.workdir, group)
                self._forget_projects(group, set(before.codes if before else ()) - set(self.groups[group].codes))

    def _forget(self, group: str) -> None:
        self._forget_projects(group, self.groups.pop(group).codes)
        self._group_stamps.pop(group, None)

    def _forget_projects(self, group: str, codes: Iterable[str]) -> None:
        for project in (Project(group, code) for code in codes):
            self.projects.pop(project, None)
            self._stamps.pop(project, None)

    def _look_at(self, project: Project) -> bool:
        """Read the project if its files changed; whether they did."""
        folder = f"{self.workdir.root}/in_progress/{project.group}/{project.code}"
        stamps = _stamp(f"{folder}/status_log.csv"), _stamp(f"{folder}/padocc_dagster/events.jsonl")
        if stamps == self._stamps.get(project):
            return False
        if all(_is_settled(stamp) for stamp in stamps):
            self._stamps[project] = stamps
        else:
            self._stamps[project] = (stamps[0], (-1,))
        before = self.projects.get(project)
        now = read_standing(self.workdir, project)._replace(changed=max((t for stamp in stamps for t in stamp[:2]), default=0) / 1e9)
        self.projects[project] = now
        return before is None or before != now


def _group_files(workdir: Workdir, group: str) -> Iterator[Path]:
    yield workdir.main_list(group)
    yield workdir.faultlist(group)
    yield ignore_file(workdir, group)
    yield rules_file(workdir, group)
    yield workdir.unfinished


def _read_group(workdir: Workdir, group: str) -> GroupStanding:
    standing = GroupStanding(tuple(project_codes(workdir, group)), faultlist(workdir, group), is_ignored(workdir, group), None)
    try:
        return replace(standing, rules=read_rules(workdir, group))
    except ValueError as problem:
        return replace(standing, problem=str(problem))


def read_standing(workdir: Workdir, project: Project) -> Standing:
    """Read the state of the project from its files."""
    rows, events = read_rows(workdir.status_log(project)), events_of(workdir, project)
    newest = {row.phase: number for number, row in enumerate(rows, 1)}
    due = due_of(rows, events)
    failed_starts = [event for event in events if isinstance(event, StartFailed)]
    latest = failed_starts[-1] if failed_starts else None
    return Standing(
        rows=len(rows),
        passed={phase: newest[phase] for phase in passed_phases(rows)},
        due=due,
        compared=was_compared(rows, events),
        failed=rows[-1].phase if rows and rows[-1].verdict is Verdict.FAILED else "",
        last_run=began.run if (began := interrupted(rows, events)) else _run_of_row(events, len(rows)),
        last_step=max((event.when for event in events if isinstance(event, Step)), default=None),
        step=_last_step(events),
        start_failed=latest if latest and due and (latest.row, latest.phase) == (due.row, due.phase) else None,
    )


def _run_of_row(events: Sequence[AnyEvent], row: int) -> str:
    return next((event.run for event in reversed(events) if isinstance(event, PhaseEnded) and event.row == row), "")


def _last_step(events: Sequence[AnyEvent]) -> str:
    for event in reversed(events):
        if isinstance(event, PhaseEnded):
            return ""
        if isinstance(event, Step):
            return f"{event} ({event.who}: {event.why})"
    return ""


def _stamp(path: Path | str) -> Stamp:
    """Differs once the file has changed; empty where there is none. A file that was moved here keeps its time, but not its inode's."""
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
    return ()


def _is_settled(stamp: Stamp) -> bool:
    return not stamp or abs(time.time_ns() - max(stamp[:2])) > SETTLED_NS
