"""The phases as seen from outside: call one, get its outcome. Every end leaves a row in PADOCC's status log, also a violent one."""

from dataclasses import replace
from typing import Any

from padocc_dagster.pipeline.comparison import Comparison
from padocc_dagster.pipeline.running.call import NoProgressError, WorkerError, call
from padocc_dagster.pipeline.running.cpus import cpus_for
from padocc_dagster.pipeline.running.finished import finished_before, record_end
from padocc_dagster.pipeline.running.progress import limit_seconds
from padocc_dagster.pipeline.workdir.disks import DiskFullError, full_disk
from padocc_dagster.pipeline.workdir.files import append_text, last_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.status import PRODUCT_NOT_COMPARED, append_row, read_rows

CANCELLED = "JobCancelled"
LOCK_WAIT_SECONDS = 5.0


def initialise_group(workdir: Workdir, group: str, specs: list[ProjectSpec], **choices: Any) -> dict[str, list[str]]:
    """Bring the group in line with the specs; see `initialise.initialise_group`."""
    projects = [{**spec.as_dict(), "files": list(spec.files), "item": spec.item, "checksums": spec.checksums} for spec in specs]
    made: dict[str, list[str]] = call("initialise", root=str(workdir.root), group=group, projects=projects, **choices)
    return made


def scan(workdir: Workdir, project: Project, **attempt: Any) -> Outcome:
    """Order and scan the source files; see `scan.scan`, and for `attempt` (here and below) `attempt._attempt`."""
    return _run("scan", "scan", workdir, project, **attempt)


def compute(workdir: Workdir, project: Project, **choices: Any) -> Outcome:
    """Make the product; see `compute.compute` for the choices."""
    return _run("compute", "compute", workdir, project, cpus=cpus_for(choices.get("requested")), **choices)


def validate(workdir: Workdir, project: Project, **attempt: Any) -> Outcome:
    """Run PADOCC's validation; see `validate.validate`."""
    return _run("validate", "validate", workdir, project, **attempt)


def publish(workdir: Workdir, project: Project, links: dict[str, str] | None = None, **attempt: Any) -> Outcome:
    """Publish the product; see `publish.publish`."""
    return _run("publish", "complete", workdir, project, links=links, **attempt)


def verify(workdir: Workdir, project: Project, run: str = "", requested: dict[str, int] | None = None) -> Comparison:
    """Compare the product with its sources; see `verify.verify`. Raises WorkerError when the comparison could not end: then nothing may
    follow the product until it was compared, or computed again."""
    try:
        choices = {"requested": requested, "cpus": cpus_for(requested)}
        return Comparison.from_dict(call("verify", root=str(workdir.root), project=str(project), **choices))
    except WorkerError as died:
        if isinstance(died, NoProgressError):
            _log_stack(workdir, project, "compute", died)
        _write_down(workdir, project, Outcome("compute", Verdict.FAILED, PRODUCT_NOT_COMPARED, died.error_class, str(died)), run)
        raise


def _run(operation: str, phase: str, workdir: Workdir, project: Project, **choices: Any) -> Outcome:
    Project.parse(str(project))  # a name that is not safe must not lead a row out of the working directory
    limit_seconds()  # a setting that is wrong is no end of a phase
    try:
        return Outcome.from_dict(call(operation, root=str(workdir.root), project=str(project), **choices))
    except WorkerError as died:
        if died.error_class == DiskFullError.__name__:
            return Outcome(phase, Verdict.FAILED, "", died.error_class, f"{died}. The phase starts again when there is room")
        phase_log = workdir.phase_log(project, phase)
        if isinstance(died, NoProgressError):
            _log_stack(workdir, project, phase, died)
        outcome = Outcome(phase, Verdict.FAILED, died.status, died.error_class, str(died), str(phase_log))
        row = _write_down(workdir, project, outcome, choices.get("run", ""))
        return replace(outcome, log_tail=last_lines(phase_log), row=row)
    except BaseException:
        cancelled = Outcome(phase, Verdict.FAILED, CANCELLED, CANCELLED, "the run was cancelled")
        _write_down(workdir, project, cancelled, choices.get("run", ""), unless_passed=True)
        raise


def _log_stack(workdir: Workdir, project: Project, phase: str, stopped: NoProgressError) -> None:
    """Append the worker's stacks to the phase's log, unless the project is gone."""
    if workdir.project_dir(project).is_dir():
        append_text(workdir.phase_log(project, phase), f"\nNoProgressError: {stopped}\n{stopped.stack}\n")


def _write_down(workdir: Workdir, project: Project, outcome: Outcome, run: str, unless_passed: bool = False) -> int:
    """Write an end that the worker could not write itself. Nothing is written when another is at work (then this one had not begun), when
    the project was moved or removed, on a full disk (then the phase stays due), and with `unless_passed` when the run's worker had
    recorded that the phase passed.

    Returns the number of the row, 0 for none.
    """
    try:
        with held(workdir.project_lock(project), f"project {project}", wait=LOCK_WAIT_SECONDS):
            if not workdir.project_dir(project).is_dir():
                return 0
            if unless_passed and finished_before(workdir, project, outcome.phase, run):
                return 0
            append_row(workdir.status_log(project), outcome.phase, outcome.status)
            record_end(workdir, project, outcome, run)
            return len(read_rows(workdir.status_log(project)))
    except LockedError:
        return 0
    except OSError as error:
        if full_disk(error, workdir, project) is None:
            raise
        return 0
