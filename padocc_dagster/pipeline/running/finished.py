"""Phases that are finished already: by a run before it died, or meanwhile by others. The events `PhaseEnded` show which."""

import sys

from padocc_dagster.pipeline.running.due import NOT_DUE, interrupted, is_due
from padocc_dagster.pipeline.workdir.event_log import end_at, ends_of, events_of, record
from padocc_dagster.pipeline.workdir.events import PhaseEnded
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.status import StatusRow, gate_problem, read_rows
from padocc_dagster.pipeline.workdir.used import Used

BY_PADOCC = "done meanwhile with plain PADOCC"


def finished_before(workdir: Workdir, project: Project, phase: str, run: str) -> Outcome | None:
    """The recorded outcome, when this very run had passed the phase before it died, and nothing happened since."""
    end = next(ends_of(workdir, project), None) if run else None
    if end is None or (end.phase, end.run, end.row) != (phase, run, len(read_rows(workdir.status_log(project)))):
        return None
    return end.outcome if end.outcome.passed else None


def done_meanwhile(workdir: Workdir, project: Project, phase: str, needed: str, resumed: bool) -> Outcome | None:
    """The outcome for an unattended run whose phase is not due any more; None when it is due, or its gate is closed.

    A run that died left a row of its own, or none: when it is repeated, only a phase that passed since is done.
    """
    rows = read_rows(workdir.status_log(project))
    began = interrupted(rows, events_of(workdir, project))
    if began and began.phase == phase:
        return None
    is_valid = gate_problem(rows, phase) is None
    if is_due(rows, phase) or gate_problem(rows, needed) or (resumed and not is_valid):
        return None
    newest = max((count for count, row in enumerate(rows, 1) if row.phase == phase), default=0)
    recorded = _end_at(workdir, project, rows, newest) if is_valid else None
    if recorded and recorded.project == str(project):
        sys.stderr.write(f"{phase} of {project} was done meanwhile by another run: its record is reported\n")
        return recorded.outcome
    if is_valid and rows[-1].verdict is not None:
        return Outcome(phase, rows[newest - 1].verdict or Verdict.OK, rows[newest - 1].status, message=BY_PADOCC, row=newest)
    number = len(rows) if rows[-1].verdict is None else newest
    last, end = rows[number - 1], _end_at(workdir, project, rows, number)
    what = f"done meanwhile by {_author(end)}: its status log says {last.phase} {last.status}"
    return Outcome(phase, Verdict.FAILED, "", NOT_DUE, f"{phase} of {project} is not due any more, {what}. Nothing was run")


def record_end(workdir: Workdir, project: Project, done: Outcome, run: str, used: Used | None = None) -> None:
    """Record how the phase ended, about the last row of the status log; the project's lock is held."""
    record(workdir, project, PhaseEnded.of(project, done, run, len(read_rows(workdir.status_log(project))), used))


def _end_at(workdir: Workdir, project: Project, rows: list[StatusRow], number: int) -> PhaseEnded | None:
    return end_at(workdir, project, number, rows[number - 1].phase, rows[number - 1].status)


def _author(end: PhaseEnded | None) -> str:
    """Who wrote the row that this end is about."""
    if end is None:
        return "plain PADOCC"
    return f"run {end.run}" if end.run else "another run"
