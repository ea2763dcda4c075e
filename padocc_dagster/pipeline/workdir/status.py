"""A project's history and state, read from PADOCC's status log without building PADOCC's objects.

The file `status_log.csv` has a row for every end of a phase, newest last (`padocc/core/mixins/status.py:79`):
`phase,status,HH:MM DD/MM/YY,job id`, in naive local time. A status may begin with the aggregators tried, as in
`(V>K)Warn-global_history_not_equal`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from padocc_dagster.pipeline.workdir.event_log import end_at, failed_start
from padocc_dagster.pipeline.workdir.files import read_text, write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import PHASES, Verdict

AGGREGATORS_TRIED = re.compile(r"^\([A-Z>]+\)")
CUTS = re.compile("[,\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What ends a field or, by `str.splitlines`, a row."""
UNDER_WAY = ("Pending", "SubsetDeployed", "Redo")
TICKED = "Warn-ticked by "
"""How PADOCC's status of a validation begins once a person has accepted it (`steps/tick.py`)."""
PRODUCT_DIFFERS = "Failed-ProductDiffersFromSource"
PRODUCT_NOT_COMPARED = "Failed-ProductNotCompared"
"""The comparison could not end. Both are rows of a comparison: a later one that passes makes the computation valid again."""


class GateClosedError(Exception):
    """What a phase builds on has not passed, so the phase does not start."""


class StatusRow(NamedTuple):
    """One row of the status log."""

    phase: str
    status: str
    time: datetime | None
    jobid: str

    @property
    def verdict(self) -> Verdict | None:
        """How the row's phase ended; None while PADOCC itself has it under way."""
        return verdict_of(self.status)

    @property
    def is_ticked(self) -> bool:
        """Whether the row is a tick: a person has accepted the result of the validation."""
        return self.status.startswith(TICKED)


@dataclass(frozen=True)
class ProjectState:
    """The state of a project: its last phase, how that ended, since when and why."""

    phase: str
    verdict: Verdict | None
    status: str
    since: datetime | None
    why: str
    error_class: str = ""
    """The class of the error that it stopped with; empty when it did not stop."""
    faultlisted: str | None = None
    """The reason on the group's faultlist, where `groups.group_states` found one; None when the project is not on it."""
    retry_at: datetime | None = None
    """When a run is requested again that could not start, with the zone; None where none failed to."""
    start_failed: str = ""
    """Why it could not start."""

    @property
    def outcome(self) -> str:
        """The verdict in a word; "under way" while PADOCC has the phase at work, "new" before anything was done."""
        return self.verdict.value if self.verdict else "under way" if self.status else "new"


def verdict_of(status: str) -> Verdict | None:
    """Sort PADOCC's status text (`padocc/core/errors.py:16`, `phases/validate.py:1216`) into the four verdicts."""
    word = AGGREGATORS_TRIED.sub("", status)
    if word in UNDER_WAY:
        return None
    if word == "Success":
        return Verdict.OK
    if word.startswith("Warn"):
        return Verdict.WARNED
    return Verdict.SKIPPED if word == "Skipped" else Verdict.FAILED


def read_rows(path: Path) -> list[StatusRow]:
    """All rows of a status log; none when there is no log. Rows cut short are skipped."""
    try:
        lines = read_text(path, "replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [row for row in map(_parse_row, lines) if row]


def _parse_row(line: str) -> StatusRow | None:
    fields = line.split(",")
    if len(fields) < 2 or fields[0] not in PHASES:
        return None
    try:
        time = datetime.strptime(fields[2], "%H:%M %d/%m/%y")
    except (IndexError, ValueError):
        time = None
    return StatusRow(fields[0], fields[1], time, fields[3] if len(fields) > 3 else "")


def append_row(path: Path, phase: str, status: str, jobid: str = "") -> None:
    """Add a row as PADOCC writes it (commas and line breaks of every sort become dots), replacing the file in one step."""
    before = read_text(path, "replace") if path.exists() else ""
    row = ",".join(CUTS.sub(".", field) for field in (phase, status, f"{datetime.now():%H:%M %d/%m/%y}", jobid))
    write_text(path, "\n".join([*before.splitlines(), row]))


def gate_problem(rows: Iterable[StatusRow], needed: str) -> str | None:
    """Why a phase that builds on `needed` may not start, or None when it may.

    The newest row of `needed` and of the phases before it decides, so that a project initialised or scanned anew has to go
    through what follows again.
    """
    relevant = [row for row in rows if PHASES.index(row.phase) <= PHASES.index(needed)]
    if not relevant:
        return f"{needed} has not been run: materialise it first"
    last = relevant[-1]
    if last.phase != needed and last.verdict is Verdict.FAILED:
        return f"{last.phase} ended with {last.status}: correct the cause and run {last.phase} again first"
    if all(row.phase != needed for row in relevant):
        return f"{needed} has not been run: run it first"
    if last.phase != needed:
        return f"{last.phase} ended with {last.status} after the last {needed}: run {needed} again first"
    if last.verdict is None:
        return f"{needed} is still under way in PADOCC ({last.status}): wait for it, or run {needed} again"
    if last.verdict not in (Verdict.OK, Verdict.WARNED):
        return f"{needed} ended with {last.status}: correct the cause and run {needed} again"
    return None


def passed_phases(rows: Iterable[StatusRow]) -> set[str]:
    """The phases whose result is valid: passed, and no phase before them run since."""
    rows = list(rows)
    return {phase for phase in PHASES if gate_problem(rows, phase) is None}


def project_state(workdir: Workdir, project: Project) -> ProjectState:
    """The state of a project. Costs one small file read and the end of another, or the whole of that when its last phase did not end ok.

    The faultlist is not read: `groups.group_states` does that.
    """
    rows = read_rows(workdir.status_log(project))
    if not rows:
        return ProjectState("init", None, "", None, "not initialised")
    last = rows[-1]
    error_class, why = ("", "") if last.verdict is Verdict.OK else _why(workdir, project, len(rows), last)
    start = failed_start(workdir, project, len(rows))
    if start:
        tries = f"{start.count} starts" if start.count > 1 else "the start"
        why = f"{tries} of {start.phase} failed, next try at {start.retry_at.astimezone():%H:%M}: {start.reason}"
    stopped_by = error_class if last.verdict is Verdict.FAILED else ""
    retried = {"retry_at": start.retry_at, "start_failed": start.reason} if start else {}
    return ProjectState(last.phase, last.verdict, last.status, last.time, why, stopped_by, **retried)  # type: ignore[arg-type]


def error_class_in(status: str) -> str:
    """The error class that a status of PADOCC's names, as in `(V>K)Failed-KeyError`."""
    return AGGREGATORS_TRIED.sub("", status).removeprefix("Failed-")


def _why(workdir: Workdir, project: Project, number: int, row: StatusRow) -> tuple[str, str]:
    """The error class and the message of the end that this row is about, when a run of this package wrote it; else from the status."""
    end = end_at(workdir, project, number, row.phase, row.status)
    if end is None:
        return error_class_in(row.status), row.status
    reason = ": ".join(part for part in (end.error_class, end.message) if part)
    return end.error_class or error_class_in(row.status), reason or row.status
