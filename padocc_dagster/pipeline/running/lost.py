"""Records of ends that no worker could record: a start that failed, a run that was cancelled before it began, a worker that died."""

from contextlib import suppress

from padocc_dagster.pipeline.running.due import COMPARE, Due, due_of
from padocc_dagster.pipeline.workdir.event_log import events_of, record
from padocc_dagster.pipeline.workdir.events import PhaseEnded, StartFailed
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import PRODUCT_NOT_COMPARED, append_row, read_rows

LOCK_WAIT_SECONDS = 0.5


def record_failed_start(workdir: Workdir, project: Project, failed: StartFailed) -> None:
    """Record a failed start, once for each run. Does nothing where somebody is at work on the project."""
    with suppress(LockedError), held(workdir.project_lock(project), f"project {project}", wait=LOCK_WAIT_SECONDS):
        known = {event.run for event in events_of(workdir, project) if isinstance(event, StartFailed)}
        if failed.run not in known and workdir.project_dir(project).is_dir():
            record(workdir, project, failed)


def record_lost_attempt(workdir: Workdir, project: Project, due: Due, error_class: str, message: str, run: str) -> None:
    """Record that the phase due ended without a result: a row in PADOCC's status log, and an event with the reason. Does nothing where it
    is not due any more, or where somebody is at work on the project."""
    with suppress(LockedError), held(workdir.project_lock(project), f"project {project}", wait=LOCK_WAIT_SECONDS):
        log = workdir.status_log(project)
        if due_of(read_rows(log), events_of(workdir, project)) != due:
            return
        phase = "compute" if due.phase == COMPARE else due.phase
        status = PRODUCT_NOT_COMPARED if due.phase == COMPARE else f"Failed-{error_class}"
        append_row(log, phase, status)
        ended = PhaseEnded(
            project=str(project),
            phase=phase,  # type: ignore[arg-type]  # one of PHASES
            verdict=Verdict.FAILED,
            status=status,
            error_class=error_class,
            message=message,
            run=run,
            row=len(read_rows(log)),
        )
        record(workdir, project, ended)
