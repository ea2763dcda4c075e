"""Each project of a working directory: its state by its files, what Dagster does for it, and what follows from both."""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from padocc_dagster.pipeline.running.due import due_of, held_back, interrupted, is_ignored
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.groups import group_states, list_groups
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.outcome import PHASES, Verdict
from padocc_dagster.pipeline.workdir.rules import Rules, read_rules
from padocc_dagster.pipeline.workdir.selections import withdrawn_items
from padocc_dagster.pipeline.workdir.status import ProjectState, read_rows
from padocc_dagster.pipeline.workdir.withdrawn import withdrawn_projects

if TYPE_CHECKING:
    from padocc_dagster.status.activity import Activity

WHY_LENGTH = 160
IGNORED = "a .shpignore keeps everything unattended away from its group"


class Kind(Enum):
    """What a project is doing or waiting for; the value completes "3 …" in a line of totals, in this order."""

    PUBLISHED = "published"
    RUNNING = "running"
    STARTING = "starting"
    WAITING = "waiting in the cluster"
    QUEUED = "queued"
    CANCELLING = "being cancelled"
    DUE = "to be queued"
    RETRIED = "to be started again"
    HELD = "held back"
    STOPPED = "stopped"
    GIVEN_UP = "given up"
    WITHDRAWN = "withdrawn"
    PADOCC = "left to PADOCC"

    @property
    def moves(self) -> bool:
        """Whether something follows without a person."""
        return self in (Kind.RUNNING, Kind.STARTING, Kind.WAITING, Kind.QUEUED, Kind.CANCELLING, Kind.DUE, Kind.RETRIED)


class Standing(NamedTuple):
    """A project, its state by its files, and the run that works or waits for it."""

    project: Project
    state: ProjectState
    withdrawn: Sequence[str] = ()
    """Its items that its catalogue has withdrawn."""
    kind: Kind = Kind.DUE
    now: "Activity | None" = None
    follows: str = ""
    """The phase that is requested next, or what holds it back."""

    @property
    def phase(self) -> str:
        """The phase at work, else the last one."""
        return self.now.phase if self.now and self.now.phase else self.state.phase

    @property
    def word(self) -> str:
        """What it is doing or, while no run works or waits for it, how its last phase ended, or that its product was withdrawn."""
        if self.kind is Kind.WITHDRAWN:
            return "withdrawn"
        return str(self.now.doing) if self.now else self.state.outcome

    @property
    def since(self) -> datetime | None:
        """Local time without a zone."""
        return self.now.since if self.now else self.state.since

    @property
    def why(self) -> str:
        """Why it is in this state, in short: what a run waits for, what its catalogue has withdrawn, what stopped it, what follows."""
        withdrawn = f"withdrawn from its catalogue: {', '.join(self.withdrawn)}" if self.withdrawn else ""
        parts = (withdrawn, self.now.why if self.now else self.state.why, self.follows)
        return "; ".join(textwrap.shorten(text, WHY_LENGTH, placeholder=" …") for text in parts if text)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON holds it; times in ISO 8601, local, without a zone, as PADOCC writes them."""
        return {
            "group": self.project.group,
            "project": self.project.code,
            "phase": self.state.phase,
            "outcome": self.state.outcome,
            "status": self.state.status,
            "since": self.state.since.isoformat() if self.state.since else None,
            "why": self.state.why,
            "withdrawn": list(self.withdrawn),
            "state": self.kind.value,
            "now": self.now.as_dict() if self.now else None,
        }


def standings(workdir: Workdir, group: str | None = None, doing: "Mapping[str, Activity] | None" = None) -> list[Standing]:
    """All projects of one group, or of every group, in PADOCC's order. `doing` has the runs under way, by project key.

    Raises ValueError for a group that is not there.
    """
    groups = list_groups(workdir)
    if group is not None and group not in groups:
        there = f"there are {', '.join(groups)}" if groups else "it has no groups yet"
        raise ValueError(f"{workdir.root} has no group {group!r}: {there}")
    return [standing for name in ([group] if group else groups) for standing in _of_group(workdir, name, doing or {})]


def _of_group(workdir: Workdir, group: str, doing: "Mapping[str, Activity]") -> Iterator[Standing]:
    withdrawn, managed = withdrawn_items(workdir, group), is_managed(workdir, group)
    taken_back = withdrawn_projects(workdir, group)
    ignored = IGNORED if is_ignored(workdir, group) else ""

    @cache
    def rules() -> Rules | None:
        try:
            return read_rules(workdir, group)
        except ValueError:
            return None

    for code, state in group_states(workdir, group).items():
        project = Project(group, code)
        now = doing.get(str(project))
        if now is not None:
            if now.doing == "running":
                now = replace(now, phase=_phase_at_work(workdir, project))
            yield Standing(project, state, withdrawn.get(code, []), Kind[now.doing.upper()], now)
            continue
        kind, follows = _idle(workdir, project, state, rules, ignored) if managed else (Kind.PADOCC, "")
        if kind is Kind.PUBLISHED and (taken := taken_back.get(code)):
            kind, follows = Kind.WITHDRAWN, f"{taken.name}, by {taken.who}: {taken.why}"
        yield Standing(project, state, withdrawn.get(code, []), kind, None, follows)


def _phase_at_work(workdir: Workdir, project: Project) -> str:
    began = interrupted(read_rows(workdir.status_log(project)), events_of(workdir, project))
    return began.phase if began else ""


def _idle(workdir: Workdir, project: Project, state: ProjectState, rules: Callable[[], Rules | None], ignored: str) -> tuple[Kind, str]:
    """What becomes of a project for which no run works or waits, and what follows, in a few words."""
    passed = state.verdict in (Verdict.OK, Verdict.WARNED)
    if state.faultlisted is not None:
        return Kind.GIVEN_UP, ""
    if state.retry_at:
        return Kind.RETRIED, ""
    if state.phase == "complete" and passed:
        return Kind.PUBLISHED, ""
    if not passed and state.status:
        due = due_of(read_rows(workdir.status_log(project)), events_of(workdir, project))
        return (Kind.DUE, f"{due.phase} is requested") if due else (Kind.STOPPED, "")
    if state.phase == "validate" and state.verdict is Verdict.WARNED:
        held = held_back(read_rows(workdir.status_log(project)), rules())
        if held:
            return Kind.HELD, held
    if ignored:
        return Kind.HELD, ignored
    following = PHASES[PHASES.index(state.phase) + 1] if state.status else "init"
    return Kind.DUE, f"{following} is next" if state.status else ""
