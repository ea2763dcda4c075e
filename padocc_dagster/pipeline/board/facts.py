"""What the files of a group say of each of its projects: read once, for the board and for the group's overview in Dagster."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from padocc_dagster.pipeline.running.due import due_of, interrupted
from padocc_dagster.pipeline.running.estimate import PHASES
from padocc_dagster.pipeline.running.learning import Past, used_in
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import AnyEvent, PhaseEnded
from padocc_dagster.pipeline.workdir.groups import group_states
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.published import Published, published_in
from padocc_dagster.pipeline.workdir.status import ProjectState, StatusRow, passed_phases, read_rows
from padocc_dagster.pipeline.workdir.withdrawn import withdrawn_projects

Place = Literal["published", "at work", "waiting", "stopped", "withdrawn"]
PLACES: tuple[Place, ...] = ("published", "at work", "waiting", "stopped", "withdrawn")
FAULTLISTED = "Faultlisted"
MADE = ("product", "cloud_format", "revision", "product_bytes")
"""What is kept of a computation's details."""


@dataclass(frozen=True)
class Facts:
    """One project."""

    code: str
    state: ProjectState
    place: Place
    """`stopped` waits for a person, `waiting` for a run; `withdrawn` has published, and nothing of that is left."""
    passed: frozenset[str]
    """The phases whose result is valid."""
    ended: Mapping[str, datetime]
    """When each passed phase ended: local time without a zone; to the minute where plain PADOCC ended it."""
    stopped: datetime | None
    """When it stopped, likewise; None where it did not."""
    past: Mapping[str, Past]
    """What the newest run of each passed phase used."""
    run: str
    """The Dagster run that ended the last phase; empty where none of this package's did."""
    published: Published | None
    """The newest published product."""
    made: Mapping[str, Any]
    """What the last computation says of its product: `MADE`; empty without one."""
    source_bytes: float
    """Of all source files, by the last scan; 0 where none has counted them."""

    @property
    def error_class(self) -> str:
        """The error class or the status that it stopped with; empty when it did not stop."""
        if self.place != "stopped":
            return ""
        return FAULTLISTED if self.state.faultlisted is not None else self.state.error_class or self.state.status

    @property
    def path(self) -> str:
        """Of the published product or, without one, of the product in the working directory."""
        return str(self.published.product.path) if self.published else str(self.made.get("product") or "")

    @property
    def cloud_format(self) -> str:
        return self.published.product.cloud_format if self.published else str(self.made.get("cloud_format") or "")

    @property
    def revision(self) -> str:
        return self.published.revision if self.published else str(self.made.get("revision") or "")

    @property
    def product_bytes(self) -> float:
        """0 where nobody has counted them."""
        return count_in(self.made, "product_bytes")

    @cached_property
    def seconds(self) -> float:
        """How long the newest runs of its passed phases took together, with their comparison."""
        return sum(past.used.seconds for past in self.past.values())

    @property
    def left(self) -> tuple[str, ...]:
        """The phases that have not passed."""
        return tuple(phase for phase in PHASES if phase not in self.passed)


def read_facts(workdir: Workdir, group: str) -> list[Facts]:
    """The facts of every project of the group, in PADOCC's order."""
    published = {each.code: each for each in published_in(workdir, group)}  # sorted by revision, so that the newest is kept
    withdrawn, states = withdrawn_projects(workdir, group), group_states(workdir, group)
    return [_facts(workdir, Project(group, code), state, published.get(code), code in withdrawn) for code, state in states.items()]


def count_in(details: Mapping[str, Any], name: str) -> float:
    """The number of that name among the details of a phase; 0 where there is none."""
    value = details.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def counted(facts: Sequence[Facts]) -> dict[Place, int]:
    """How many projects there are in each place, in the order of `PLACES`."""
    return {place: sum(each.place == place for each in facts) for place in PLACES}


def _facts(workdir: Workdir, project: Project, state: ProjectState, published: Published | None, is_withdrawn: bool) -> Facts:
    rows, events = read_rows(workdir.status_log(project)), events_of(workdir, project)
    passed = frozenset(passed_phases(rows))
    ends = list(_ends(events))
    last: dict[str, PhaseEnded] = {end.phase: end for end in ends}
    place = _place(state, rows, events, "complete" in passed)
    return Facts(
        code=project.code,
        state=state,
        place="withdrawn" if is_withdrawn and place == "published" else place,
        passed=passed,
        ended=_ended(rows, last, passed),
        stopped=_exact(state.since, last.get(state.phase)) if place == "stopped" and state.since else None,
        past=used_in(events),
        run=ends[-1].run if ends else "",
        published=published,
        made={name: last["compute"].details.get(name) for name in MADE} if "compute" in passed and "compute" in last else {},
        source_bytes=count_in(last["scan"].details, "source_bytes") if "scan" in last else 0.0,
    )


def _ended(rows: Sequence[StatusRow], last: Mapping[str, PhaseEnded], passed: Container[str]) -> dict[str, datetime]:
    """The times of the newest rows, with the seconds that the events know."""
    found = {row.phase: row.time for row in rows if row.time and row.phase in passed}
    return {phase: _exact(when, last.get(phase)) for phase, when in found.items()}


def _exact(when: datetime, end: PhaseEnded | None) -> datetime:
    return max(when, end.when.astimezone().replace(tzinfo=None)) if end else when


def _ends(events: Sequence[AnyEvent]) -> Iterator[PhaseEnded]:
    return (event for event in events if isinstance(event, PhaseEnded))


def _place(state: ProjectState, rows: Sequence[StatusRow], events: Sequence[AnyEvent], is_published: bool) -> Place:
    if state.verdict is Verdict.SKIPPED:
        return "stopped"
    if interrupted(rows, events) or (rows and state.verdict is None):
        return "at work"
    due = due_of(rows, events)
    if state.verdict is Verdict.FAILED and not (due and due.request):
        return "stopped"
    return "waiting" if due or not is_published else "published"
