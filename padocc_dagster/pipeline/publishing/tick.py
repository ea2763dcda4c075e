"""Accepting the result of PADOCC's validation after a look at the product: a tick, with a name and a reason, for one product.

A tick replaces PADOCC's verdict and nothing else: a product that differs from its sources is never accepted. PADOCC's own status log
gets the row `validate,Warn-ticked by NAME: REASON`, so that its command line goes on as well. A later validation makes the tick void, and
so does any change of the product.
"""

from collections.abc import Callable, Iterable

from padocc_dagster.pipeline.publishing.verify import comparison_problem
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import Step, Ticked, Unticked
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.history import locked, write_down
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import TICKED, StatusRow, append_row, gate_problem, read_rows
from padocc_dagster.pipeline.workdir.step import By, StepResult


def tick(workdir: Workdir, projects: Iterable[Project], by: By, dry_run: bool = False) -> StepResult:
    """Accept the result of these projects' last validation: a failure, a warning, or that it was skipped (as for CFA)."""

    def accept(project: Project, accepted: str) -> Step:
        ticked = Ticked(who=by.who, why=by.why, accepted=accepted, product=_product(workdir, project), row=_next_row(workdir, project))
        if not dry_run:
            write_down(workdir, project, ticked)
            append_row(workdir.status_log(project), "validate", f"{TICKED}{_line(by.who)}: {_line(by.why)}")
        return ticked

    return _each(workdir, projects, _tick_problem, accept)


def untick(workdir: Workdir, projects: Iterable[Project], by: By, dry_run: bool = False) -> StepResult:
    """Take ticks back, while the products are not published: the validation's own verdict holds again."""

    def take_back(project: Project, accepted: str) -> Step:
        unticked = Unticked(who=by.who, why=by.why, accepted=accepted, row=_next_row(workdir, project))
        if not dry_run:
            write_down(workdir, project, unticked)
            append_row(workdir.status_log(project), "validate", accepted)
        return unticked

    return _each(workdir, projects, _untick_problem, take_back)


def tick_of(workdir: Workdir, project: Project) -> Ticked | None:
    """The tick that holds now.

    None without one, or when it is void: validated or computed since, or made for another product than the one compared last.
    """
    if not _is_ticked(_last_validation(workdir, project)):
        return None
    ticks = [event for event in events_of(workdir, project) if isinstance(event, Ticked)]
    try:
        return ticks[-1] if ticks and ticks[-1].product == _product(workdir, project) else None
    except (CorruptFileError, KeyError):
        return None


def void_tick_problem(workdir: Workdir, project: Project) -> str | None:
    """Why the product may not be published with the tick that its validation ends in; None when that holds, or when there is none."""
    if not _is_ticked(_last_validation(workdir, project)) or tick_of(workdir, project):
        return None
    return f"{project} was ticked for another product: validate again, or tick it anew"


def _each(
    workdir: Workdir,
    projects: Iterable[Project],
    problem_of: Callable[[Workdir, Project, StatusRow | None], str | None],
    take: Callable[[Project, str], Step],
) -> StepResult:
    result = StepResult()
    for project in projects:
        try:
            with locked(workdir, [project]) as busy:
                problem = busy.get(project) or problem_of(workdir, project, _last_validation(workdir, project))
                if problem:
                    result.not_done[project] = problem
                else:
                    result.done[project] = str(take(project, _verdict(workdir, project)))
        except CorruptFileError as error:
            result.not_done[project] = str(error)
    return result


def _tick_problem(workdir: Workdir, project: Project, last: StatusRow | None) -> str | None:
    rows = read_rows(workdir.status_log(project))
    if project.code in faultlist(workdir, project.group):
        return "on the faultlist: take it off first"
    if problem := gate_problem(rows, "compute"):
        return problem
    if last is None:
        return "not validated since it was computed: run validate first"
    if tick_of(workdir, project):
        return f"ticked already ({last.status})"
    if last.verdict is None:
        return f"validate is still under way in PADOCC ({last.status}): wait for it"
    if gate_problem(rows, "complete") is None:
        return "published already: there is nothing left to accept"
    if problem := comparison_problem(workdir, project):
        return f"a tick accepts PADOCC's validation, never a product that is not shown to equal its sources: {problem}"
    return None


def _untick_problem(workdir: Workdir, project: Project, last: StatusRow | None) -> str | None:
    if not _is_ticked(last):
        return "not ticked"
    if gate_problem(read_rows(workdir.status_log(project)), "complete") is None:
        return "published with its tick: make a new version instead"
    return None


def _last_validation(workdir: Workdir, project: Project) -> StatusRow | None:
    """The newest row of a validation, unless something before it was done since."""
    last = next((row for row in reversed(read_rows(workdir.status_log(project))) if row.phase != "complete"), None)
    return last if last is not None and last.phase == "validate" else None


def _is_ticked(last: StatusRow | None) -> bool:
    return last is not None and last.is_ticked


def _verdict(workdir: Workdir, project: Project) -> str:
    """The status of the last validation, before any tick."""
    rows = [row for row in read_rows(workdir.status_log(project)) if row.phase == "validate"]
    return next((row.status for row in reversed(rows) if not _is_ticked(row)), rows[-1].status)


def _line(text: str) -> str:
    """The text as one line."""
    return " ".join(text.split())


def _product(workdir: Workdir, project: Project) -> str:
    """The fingerprint of the product that was looked at."""
    return str(read_json(workdir.comparison(project))["product_fingerprint"])


def _next_row(workdir: Workdir, project: Project) -> int:
    """The number of the row that follows."""
    return len(read_rows(workdir.status_log(project))) + 1
