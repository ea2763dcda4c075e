"""The phase that is due for a project: decided from its files alone, by one function.

The files are written by this package and by everybody who works beside it with plain PADOCC, so a phase that somebody ran, is running, or
ran without success is neither repeated nor fought.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.pipeline.workdir.events import AnyEvent, Compared, PhaseBegan, PhaseEnded, PhaseRequested
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import PHASES
from padocc_dagster.pipeline.workdir.rules import Rules
from padocc_dagster.pipeline.workdir.status import StatusRow, gate_problem

COMPARE = "compare"
"""Due for a product that plain PADOCC made: nothing follows until it was compared with its sources."""
ORDER = ("scan", "compute", COMPARE, "validate", "complete")
"""What may be due, in the order of a project's life."""
HELD_BACK = "HeldBack"
"""The error class of a publication that the rules of the group hold back."""
NOT_DUE = "NotDue"
"""The error class of a phase that nobody requested and that is no longer due when its run begins."""


@dataclass(frozen=True)
class Due:
    """The next thing to do for a project."""

    phase: str
    """One of `ORDER`."""
    row: int
    """How many rows the status log has: the same phase is due anew only after another row."""
    request: PhaseRequested | None = None
    """Who requested it, where it does not follow from the phase before it."""

    def key(self, project: Project) -> str:
        """The identity of this piece of work: a second request with the same key is the same request."""
        return f"{project}/{self.phase}/{self.row}" + (f"/{self.request.when:%Y%m%dT%H%M%S.%f}" if self.request else "")


def due_of(rows: Sequence[StatusRow], events: Iterable[AnyEvent]) -> Due | None:
    """What is due: the phase before it has passed, and nobody has tried it since or is at work. None when nothing is."""
    events = list(events)
    began = interrupted(rows, events)
    if began and not gate_problem(rows, PHASES[PHASES.index(began.phase) - 1]):
        return Due(began.phase, len(rows))
    for phase in PHASES[1:]:
        request = pending_request(rows, events, phase)
        if request:
            return Due(phase, len(rows), request)
    for phase in PHASES[1:]:
        if is_due(rows, phase):
            compare = phase in ("validate", "complete") and not was_compared(rows, events)
            return Due(COMPARE if compare else phase, len(rows))
    return None


def is_due(rows: Sequence[StatusRow], phase: str) -> bool:
    """Whether the phase before has passed and this one was not tried since, however it ended, and PADOCC is not at work."""
    needed = PHASES[PHASES.index(phase) - 1]
    if gate_problem(rows, needed) or rows[-1].verdict is None:
        return False
    built_on = max(number for number, row in enumerate(rows) if row.phase == needed)
    return all(row.phase != phase for row in rows[built_on:])


def pending_request(rows: Sequence[StatusRow], events: Iterable[AnyEvent], phase: str) -> PhaseRequested | None:
    """The latest request for the phase that no row has answered, where the phase can start. An initialisation voids requests."""
    requests = [event for event in events if isinstance(event, PhaseRequested) and event.phase == phase]
    if not requests or any(row.phase in ("init", phase) for row in rows[requests[-1].row :]):
        return None
    return None if gate_problem(rows, PHASES[PHASES.index(phase) - 1]) else requests[-1]


def interrupted(rows: Sequence[StatusRow], events: Iterable[AnyEvent]) -> PhaseBegan | None:
    """The attempt of this package that began last, where it is under way or its worker died: a row that PADOCC wrote in it counts for
    nothing. An initialisation since then makes it void."""
    last = next((event for event in reversed(list(events)) if isinstance(event, PhaseBegan | PhaseEnded)), None)
    if not isinstance(last, PhaseBegan) or any(row.phase == "init" for row in rows[last.row :]):
        return None
    return last


def held_back(rows: Sequence[StatusRow], rules: Rules | None) -> str | None:
    """Why a validated product is not published unattended, by the rules of its group; None where nothing holds it back. Rules that cannot
    be read (None) hold all back."""
    if rules is None:
        return "the rules of its group cannot be read"
    row = next((row for row in reversed(rows) if row.phase == "validate"), None)
    warning = row.status.partition("Warn-")[2] if row else ""
    names = rules.complete_on_warnings
    if row is None or names is None or not warning or row.is_ticked or warning in names:
        return None
    return f"its validation warns of {warning}, which the rule complete_on_warnings of its group does not let pass: it waits for a tick"


def was_compared(rows: Sequence[StatusRow], events: Iterable[AnyEvent]) -> bool:
    """Whether the product was found equal to its sources since it was computed. Publication looks whether that still holds."""
    computed = max((number for number, row in enumerate(rows, 1) if row.phase == "compute"), default=0)
    compared = [event for event in events if isinstance(event, Compared)]
    return bool(compared) and compared[-1].passed and compared[-1].row >= computed > 0


def is_ignored(workdir: Workdir, group: str) -> bool:
    """Whether SHEPARD's `.shpignore` forbids unattended work on the group (`padocc/groups/shepard.py:297`)."""
    return ignore_file(workdir, group).is_file()


def ignore_file(workdir: Workdir, group: str) -> Path:
    return workdir.group_dir(group) / ".shpignore"
