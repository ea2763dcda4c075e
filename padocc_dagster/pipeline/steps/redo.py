"""Which projects a phase can be run for again, and with which choices; nothing is run here."""

from collections.abc import Iterable
from typing import Any

from padocc_dagster.pipeline.events import choices_in_words
from padocc_dagster.pipeline.files import CorruptFileError, read_json
from padocc_dagster.pipeline.groups import faultlist
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import PHASES
from padocc_dagster.pipeline.product import product_of
from padocc_dagster.pipeline.status import gate_problem, read_rows
from padocc_dagster.pipeline.steps.step import StepResult


def ready_for(workdir: Workdir, projects: Iterable[Project], phase: str, choices: dict[str, Any]) -> StepResult:
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
            result.done[project] = f"{phase} again{choices_in_words(choices)}{_kept(workdir, project, choices)}"
    return result


def _kept(workdir: Workdir, project: Project, choices: dict[str, Any]) -> str:
    if not choices.get("new_version"):
        return ""
    try:
        present = product_of(workdir, project, read_json(workdir.base_cfg(project)))
    except CorruptFileError:
        return ""
    return f"; {present.path} is kept" if present.exists() and present.cloud_format != "CFA" else ""
