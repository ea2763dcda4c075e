"""What is finished already: by a run before it died, or meanwhile by others; and the records by which that is known.

in_progress/<group>/<code>/padocc_dagster/outcome.json           how the project's last phase ended, and in which run
in_progress/<group>/<code>/padocc_dagster/passed-<phase>.json    the same of a phase, the last time that it passed
"""

import sys
from pathlib import Path

from padocc_dagster.pipeline.due import NOT_DUE, is_due
from padocc_dagster.pipeline.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import Outcome, Verdict
from padocc_dagster.pipeline.status import StatusRow, gate_problem, read_rows


def finished_before(workdir: Workdir, project: Project, phase: str, run: str) -> Outcome | None:
    """The recorded outcome, when this very run had passed the phase before it died, and nothing happened since."""
    try:
        record = read_json(workdir.outcome(project))
    except CorruptFileError:
        return None
    rows = len(read_rows(workdir.status_log(project)))
    if not run or (record.get("phase"), record.pop("run", None), record.pop("rows", None)) != (phase, run, rows):
        return None
    outcome = Outcome.from_dict(record)
    return outcome if outcome.passed else None


def done_meanwhile(workdir: Workdir, project: Project, phase: str, needed: str, resumed: bool) -> Outcome | None:
    """What to answer a run that nobody asked for when its phase is not due any more; None when it is, or its gate is closed.

    A run that died left a row of its own, or none: when it is repeated, only a phase that passed since is done.
    """
    rows = read_rows(workdir.status_log(project))
    stands = gate_problem(rows, phase) is None
    if is_due(rows, phase) or gate_problem(rows, needed) or (resumed and not stands):
        return None
    recorded = _recorded(workdir, project, phase, rows) if stands else None
    if recorded:
        sys.stderr.write(f"{phase} of {project} was done meanwhile by another run: it is told as that left it\n")
        return recorded
    last = rows[-1] if rows[-1].verdict is None else next(row for row in reversed(rows) if row.phase == phase)
    what = f"done meanwhile by {_doer(workdir, project, last)}: its status log says {last.phase} {last.status}"
    return Outcome(phase, Verdict.FAILED, "", NOT_DUE, f"{phase} of {project} is not due any more, {what}. Nothing was run")


def record_end(workdir: Workdir, project: Project, done: Outcome, run: str) -> None:
    """Keep how the phase ended: as the project's last end, and, when it passed, as that of its phase."""
    record = {**done.as_dict(), "run": run, "rows": len(read_rows(workdir.status_log(project)))}
    if done.passed:
        write_json(passed_record(workdir, project, done.phase), {**record, "project": str(project)})
    write_json(workdir.outcome(project), record)


def _recorded(workdir: Workdir, project: Project, phase: str, rows: list[StatusRow]) -> Outcome | None:
    """The recorded outcome of the phase, when its newest row is that run's."""
    try:
        record = read_json(passed_record(workdir, project, phase))
    except CorruptFileError:
        return None
    newest = max(number for number, row in enumerate(rows) if row.phase == phase)
    own = (record.pop("project", None), record.pop("rows", None), record.get("status"))
    record.pop("run", None)
    return Outcome.from_dict(record) if own == (str(project), newest + 1, rows[newest].status) else None


def passed_record(workdir: Workdir, project: Project, phase: str) -> Path:
    """Where it is kept how the phase ended the last time that it passed."""
    return workdir.outcome(project).with_name(f"passed-{phase}.json")


def _doer(workdir: Workdir, project: Project, row: StatusRow) -> str:
    try:
        record = read_json(workdir.outcome(project))
    except CorruptFileError:
        record = {}
    ours = (record.get("phase"), record.get("status")) == (row.phase, row.status)
    return f"run {record['run']}" if ours and record.get("run") else "plain PADOCC" if not ours else "another run"
