"""One attempt at a phase, in the worker: locked, gated, and with an end that is always recorded.

Every end becomes an `Outcome`, a row in PADOCC's status log and an event `PhaseEnded`. Nothing here raises for what a project's
data or files do; only faults of this package get through.
"""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.joining.refusals import details_of
from padocc_dagster.pipeline.making import compute as compute_phase
from padocc_dagster.pipeline.making import scan as scan_phase
from padocc_dagster.pipeline.making import validate as validate_phase
from padocc_dagster.pipeline.publishing import publish as publish_phase
from padocc_dagster.pipeline.running.due import HELD_BACK, held_back, interrupted, is_ignored, pending_request
from padocc_dagster.pipeline.running.finished import done_meanwhile, finished_before, record_end
from padocc_dagster.pipeline.workdir.disks import full_disk, naming_full_disk
from padocc_dagster.pipeline.workdir.event_log import events_of, record
from padocc_dagster.pipeline.workdir.events import PhaseBegan
from padocc_dagster.pipeline.workdir.files import append_text, last_lines
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.outcome import PHASES, Outcome, Verdict
from padocc_dagster.pipeline.workdir.rules import read_rules
from padocc_dagster.pipeline.workdir.status import GateClosedError, append_row, gate_problem, read_rows
from padocc_dagster.pipeline.workdir.used import Meter

Work = Callable[..., dict[str, Any]]


def scan(root: str, project: str, **options: Any) -> dict[str, Any]:
    return _attempt("scan", "init", scan_phase.scan, root, project, options)


def compute(root: str, project: str, **options: Any) -> dict[str, Any]:
    return _attempt("compute", "scan", compute_phase.compute, root, project, options)


def validate(root: str, project: str, **options: Any) -> dict[str, Any]:
    return _attempt("validate", "compute", validate_phase.validate, root, project, options)


def publish(root: str, project: str, **options: Any) -> dict[str, Any]:
    return _attempt("complete", "validate", publish_phase.publish, root, project, options)


def _attempt(phase: str, needed: str, work: Work, root: str, key: str, options: dict[str, Any]) -> dict[str, Any]:
    """Lock the project and make the attempt.

    Four options are for every phase: `run` names the run; with `resumed`, that run has died before, and what it had finished by then is
    not repeated; with `unattended`, the conductor started it: a request for the phase gives the options, and what was done or tried by
    others meanwhile is not repeated; `requested` is what the run's job requested of a cluster.

    Raises DiskFullError when the disk is so full that the end of the phase cannot be recorded: the phase stays due.
    """
    workdir, project, meter = Workdir(Path(root)), Project.parse(key), Meter()
    requested, cpus = options.pop("requested", None), options.get("cpus", 1)
    run, resumed, unattended = options.pop("run", ""), options.pop("resumed", False), options.pop("unattended", False)
    try:
        with naming_full_disk(workdir, project), held(workdir.project_lock(project), f"project {project}"):
            done = finished_before(workdir, project, phase, run) if resumed else None
            if done is None and unattended:
                rows = read_rows(workdir.status_log(project))
                request = pending_request(rows, events_of(workdir, project), phase)
                options |= request.choices if request else {}
                done = None if request else done_meanwhile(workdir, project, phase, needed, resumed)
                if done is None and not request and (reason := _held_back(workdir, project, phase)):
                    done = Outcome(phase, Verdict.SKIPPED, "", HELD_BACK, f"{phase} of {project} does not start: {reason}")
            if done is None:
                done = _locked_attempt(phase, needed, work, workdir, project, run, options)
                if done.status or _interrupted(workdir, project):
                    record_end(workdir, project, done, run, meter.used(cpus, requested))
            return done.as_dict()
    except LockedError as error:
        return Outcome(phase, Verdict.FAILED, "", "LockedError", str(error)).as_dict()


def _locked_attempt(phase: str, needed: str, work: Work, workdir: Workdir, project: Project, run: str, options: dict[str, Any]) -> Outcome:
    reason = faultlist(workdir, project.group).get(project.code)
    if reason is not None:
        return Outcome(phase, Verdict.SKIPPED, "", "Faultlisted", f"on the faultlist of {project.group}: {reason or 'no reason given'}")
    log = workdir.status_log(project)
    rows = read_rows(log)
    error, details = None, {}
    try:
        problem, began = gate_problem(rows, needed), _interrupted(workdir, project)
        if began and PHASES.index(began.phase) < PHASES.index(phase):
            problem = problem or f"{began.phase} was interrupted: run {began.phase} again first"
        if problem:
            raise GateClosedError(problem)
        record(workdir, project, PhaseBegan(phase=phase, run=run, row=len(rows)))  # type: ignore[arg-type]  # one of PHASES
        details = work(workdir, project, **options)
    except GateClosedError as closed:
        message = f"{phase} of {project} does not start: {closed}"
        return Outcome(phase, Verdict.FAILED, "", type(closed).__name__, message)
    except Exception as caught:
        error, details = full_disk(caught, workdir, project) or caught, details_of(caught)
        _log_traceback(workdir.phase_log(project, phase), caught)
    return _write_down(phase, workdir, project, len(rows), error, details)


def _held_back(workdir: Workdir, project: Project, phase: str) -> str | None:
    """Why the phase may not start unattended: in a run of several phases, somebody may have forbidden the next one meanwhile."""
    if is_ignored(workdir, project.group):
        return f"a .shpignore keeps everything unattended away from the group {project.group}"
    if phase != "complete":
        return None
    try:
        rules = read_rules(workdir, project.group)
    except ValueError:
        rules = None
    return held_back(read_rows(workdir.status_log(project)), rules)


def _interrupted(workdir: Workdir, project: Project) -> PhaseBegan | None:
    """The attempt that began last, if nothing says how it ended; the project's lock is held, so nobody is at work."""
    return interrupted(read_rows(workdir.status_log(project)), events_of(workdir, project))


def _write_down(phase: str, workdir: Workdir, project: Project, before: int, error: Exception | None, details: dict[str, Any]) -> Outcome:
    """Make sure that the status log has a row for this end, and read the outcome from it."""
    log, phase_log = workdir.status_log(project), workdir.phase_log(project, phase)
    new = [row for row in read_rows(log)[before:] if row.phase == phase]
    missing = not new or (error is not None and new[-1].verdict is not Verdict.FAILED)
    if missing:
        append_row(log, phase, f"Failed-{type(error).__name__}" if error else "Success")
        new = [read_rows(log)[-1]]
    last = new[-1]
    verdict = last.verdict or Verdict.FAILED
    return Outcome(
        row=len(read_rows(log)),
        phase=phase,
        verdict=verdict,
        status=last.status,
        error_class=type(error).__name__ if error else (last.status if verdict is Verdict.FAILED else None),
        message=_one_line(error) if error else details.pop("message", ""),
        log_path=str(phase_log) if phase_log.exists() else None,
        log_tail=last_lines(phase_log),
        details=details,
    )


def _one_line(error: Exception) -> str:
    return " ".join(" ".join([str(error), *getattr(error, "__notes__", [])]).split())[:2000]


def _log_traceback(log: Path, error: Exception) -> None:
    append_text(log, "".join(traceback.format_exception(error)))
