"""Edit what projects are made from: set or remove fields of their config, as many projects at once as are meant.

All edits are checked, as a group config is, before anything is written. The projects are then initialised again from what they are made
from now, and one backfill scans them; what lies downstream follows by itself, and a project that had failed goes on. Projects on the
faultlist are edited and not scanned.

An edit stays until the next one, or until the project's group config is dropped into the inbox again: then what that file says wins.
To keep an edit for good, write it into the group config as well.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.backfills import FOLLOWED, launch_backfill
from padocc_dagster.actions.step import DRY_RUN, RUN_ASKED, ProjectsConfig, carry_out, report
from padocc_dagster.actions.telling import tell
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.files import CorruptFileError
from padocc_dagster.pipeline.groups import faultlist
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.phases import initialise_group
from padocc_dagster.pipeline.process import WorkerError, follow
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import stored_specs, with_choices
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.history import note
from padocc_dagster.pipeline.steps.step import StepRefused, StepResult
from padocc_dagster.resources import Padocc
from padocc_dagster.selection.edited import FIELDS, differences, edited

Specs = dict[Project, ProjectSpec]


class EditConfig(ProjectsConfig):
    """Which projects, and which fields to set or remove."""

    set: dict[str, Any] = Field(
        {}, description=f"Field → value, as in a group config: {', '.join(FIELDS)}; one entry of a mapping as 'updates.title'"
    )
    remove: list[str] = Field([], description="Fields, or entries as 'updates.title', to take back to their defaults")


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def edit(context: dg.OpExecutionContext, config: EditConfig, padocc: Padocc) -> None:
    workdir, specs = padocc.workdir, Specs()

    def step() -> StepResult:
        try:
            stored = stored_specs(workdir, chosen(workdir, config.choice))
        except CorruptFileError as error:
            raise StepRefused([str(error)]) from None
        before = {project: with_choices(workdir, project, spec) for project, spec in stored.items()}
        specs.update(edited(before, config.set, config.remove, workdir.inbox))
        result = StepResult({project: "; ".join(differences(before[project], spec)) or AS_IT_WAS for project, spec in specs.items()})
        return result if config.dry_run else _initialised(workdir, specs, result)

    result = carry_out(context, step)
    if config.dry_run or not result.done:
        report(context, result, DRY_RUN if config.dry_run else "")
        return
    left = {project: reason for group in _groups(result) for project, reason in _faultlisted(workdir, group, result).items()}
    for group, codes in _groups(result).items():
        add_projects(context.instance, group, codes)
    backfill = _scan(context, config, [project for project in result.done if project not in left])
    note(workdir, result.done, config.by)
    for group, codes in _groups(result).items():
        also = {code: {"edited": result.done[Project(group, code)], "who": config.who, "why": config.why} for code in codes}
        tell(context, workdir, group, [specs[Project(group, code)] for code in codes], also)
    for project, reason in left.items():
        result.done[project] += f"; not scanned, it is on the faultlist: {reason or 'no reason given'}"
    report(context, result, f"backfill {backfill}" if backfill else "all are on the faultlist: nothing is scanned")


@dg.job(tags={**RUN_ASKED, FOLLOWED: "yes"}, description=__doc__)
def edit_projects() -> None:
    edit()


AS_IT_WAS = "nothing differs; initialised again"


def _initialised(workdir: Workdir, specs: Specs, result: StepResult) -> StepResult:
    """Write the projects' files, a group at a time; from here on the group's announcements know of them until they are told."""
    for group, codes in _groups(result).items():
        try:
            done = initialise_group(workdir, group, [specs[Project(group, code)] for code in codes], whole=False, again=True)
            left = dict.fromkeys(done["locked"], "it is at work: edit it when that run has ended")
        except WorkerError as failed:
            follow(failed.status)
            left = dict.fromkeys(codes, f"{failed.error_class}: {failed}; repeat the edit")
        for code, reason in left.items():
            result.not_done[Project(group, code)] = reason
            del result.done[Project(group, code)]
    return result


def _scan(context: dg.OpExecutionContext, config: EditConfig, projects: list[Project]) -> str:
    if not projects:
        return ""
    described = f"{len(projects)} project(s), edited by {config.who}: {config.why}"
    return launch_backfill(context.instance, "scan_report", projects, f"edited: {config.why}"[:100], described)


def _groups(result: StepResult) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for project in result.done:
        groups.setdefault(project.group, []).append(project.code)
    return groups


def _faultlisted(workdir: Workdir, group: str, result: StepResult) -> dict[Project, str]:
    reasons = {Project(group, code): reason for code, reason in faultlist(workdir, group).items()}
    return {project: reason for project, reason in reasons.items() if project in result.done}
