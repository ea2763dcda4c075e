"""Requests to run a phase of projects again, with the options, recorded with each project; nothing is run here."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from padocc_dagster.pipeline.workdir.events import Phase, PhaseRequested, choices_in_words
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.history import note
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import PHASES
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster.pipeline.workdir.status import gate_problem, read_rows
from padocc_dagster.pipeline.workdir.step import By, StepResult

NONE: Mapping[str, Any] = MappingProxyType({})


def request_phase(
    workdir: Workdir,
    projects: Iterable[Project],
    phase: Phase,
    by: By,
    choices: Mapping[str, Any] = NONE,
    tags: Mapping[str, str] = NONE,
    dry_run: bool = False,
) -> StepResult:
    """Request the phase for these projects. Those whose gate is closed, on the faultlist or at work are left, each with a sentence.

    `choices` are options of a computation, `tags` those of the run.
    """
    result = _ready_for(workdir, projects, phase, choices)
    if not dry_run:
        requested = PhaseRequested(phase=phase, choices=dict(choices), tags=dict(tags), who=by.who, why=by.why)
        busy = note(workdir, dict.fromkeys(result.done, requested))
        result.not_done |= busy
        result.done = {project: what for project, what in result.done.items() if project not in busy}
    return result


def _ready_for(workdir: Workdir, projects: Iterable[Project], phase: str, choices: Mapping[str, Any]) -> StepResult:
    """Sort the projects into those whose phase can start and those whose gate is closed, each with a sentence."""
    result, faultlists = StepResult(), {}
    for project in projects:
        if project.group not in faultlists:
            faultlists[project.group] = faultlist(workdir, project.group)
        if project.code in faultlists[project.group]:
            result.not_done[project] = "on the faultlist: take it off first"
        elif problem := gate_problem(read_rows(workdir.status_log(project)), PHASES[PHASES.index(phase) - 1]):
            result.not_done[project] = problem
        else:
            result.done[project] = f"{phase} again{choices_in_words(dict(choices))}{_kept(workdir, project, choices)}"
    return result


def _kept(workdir: Workdir, project: Project, choices: Mapping[str, Any]) -> str:
    if not choices.get("new_version"):
        return ""
    try:
        present = product_of(workdir, project, read_json(workdir.base_cfg(project)))
    except CorruptFileError:
        return ""
    return f"; {present.path} is kept" if present.exists() and present.cloud_format != "CFA" else ""
