"""The stages of an edit: checked, changed, followed. A run that repeats one goes on with the stage that was not reached."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.backfills import launch_backfill, launched
from padocc_dagster.actions.step import ProjectsConfig, asked_now, carry_out
from padocc_dagster.actions.telling import specs_on_disk, tell
from padocc_dagster.partitions import add_projects
from padocc_dagster.phase_assets import PHASE_ASSETS
from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.events import Edited, in_json
from padocc_dagster.pipeline.files import CorruptFileError
from padocc_dagster.pipeline.groups import faultlist
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import LockedError, held
from padocc_dagster.pipeline.phases import initialise_group
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import stored_specs, with_choices
from padocc_dagster.pipeline.steps.begun import CHANGED, CHOSEN, NOTED, Asked
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.step import StepRefused, StepResult
from padocc_dagster.pipeline.workers.call import WorkerError, follow
from padocc_dagster.selection.edited import FIELDS, differences, edited

Specs = dict[Project, ProjectSpec]


class EditConfig(ProjectsConfig):
    """Which projects, and which fields to set or remove."""

    set: dict[str, Any] = Field(
        {}, description=f"Field → value, as in a group config: {', '.join(FIELDS)}; one entry of a mapping as 'updates.title'"
    )
    remove: list[str] = Field([], description="Fields, or entries as 'updates.title', to take back to their defaults")


AS_IT_WAS = "nothing differs; initialised again"
SCAN = PHASE_ASSETS["scan"]
LOCK_WAIT_SECONDS = 90.0


def begin_alone(workdir: Workdir, locks: contextlib.ExitStack) -> StepResult:
    """One edit at a time: each begins with what the one before it left. No other lock is held when this one is taken."""
    try:
        locks.enter_context(held(workdir.edits_lock, "what projects are made from", LOCK_WAIT_SECONDS))
    except LockedError as locked:
        raise StepRefused([str(locked)]) from None
    return StepResult()


def checked(workdir: Workdir, projects: Iterable[Project], config: EditConfig) -> tuple[Specs, StepResult]:
    """The projects' specs as edited, and what differs. Nothing is changed."""
    try:
        stored = stored_specs(workdir, projects)
    except CorruptFileError as error:
        raise StepRefused([str(error)]) from None
    before = {project: with_choices(workdir, project, spec) for project, spec in stored.items()}
    specs = edited(before, config.set, config.remove, workdir.inbox)
    return specs, StepResult({project: "; ".join(differences(before[project], spec)) or AS_IT_WAS for project, spec in specs.items()})


def changed(context: dg.OpExecutionContext, config: EditConfig, workdir: Workdir, asked: Asked | None) -> Asked:
    """Check the edit and carry it out. What is asked for is kept before anything is changed."""
    found: list[Asked] = [asked] if asked else []

    def step() -> StepResult:
        meant = _still_there(workdir, asked.result.done) if asked else chosen(workdir, config.choice)
        specs, result = checked(workdir, meant, config)
        if asked:  # the projects that were changed before it was killed do not differ any more
            result = StepResult({project: asked.result.done[project] for project in specs})
        found[:] = [asked_now(context, result) if asked is None else replace(asked, result=result)]
        found[0].reach(workdir, CHOSEN)
        return _initialised(workdir, specs, result, config, found[0].by)

    carry_out(context, step)
    found[0].reach(workdir, CHANGED)
    return found[0]


def _still_there(workdir: Workdir, projects: Iterable[Project]) -> list[Project]:
    return [project for project in projects if workdir.base_cfg(project).exists()]


def followed(context: dg.OpExecutionContext, config: EditConfig, workdir: Workdir, asked: Asked) -> tuple[dict[Project, str], str]:
    """Write down what was edited, have it scanned, and tell of it. Returns the projects on the faultlist, and the backfill, if any.

    What somebody has told of already, after this edit was killed, is being scanned by itself.
    """
    result, by_group = asked.result, _groups(asked.result)
    left = {project: reason for group in by_group for project, reason in _faultlisted(workdir, group, result).items()}
    for group, codes in by_group.items():
        add_projects(context.instance, group, codes)
    if asked.stage != NOTED:
        asked.reach(workdir, NOTED)
    news = {group: sorted({*to_announce(workdir, group)} & {*codes}) for group, codes in by_group.items()}
    backfill = _scan(context, config, asked, [project for project in _projects(news) if project not in left])
    for group, codes in news.items():
        also = {code: {"edited": result.done[Project(group, code)], "who": config.who, "why": config.why} for code in codes}
        tell(context, workdir, group, specs_on_disk(workdir, group, codes), also)
    return left, backfill


def _initialised(workdir: Workdir, specs: Specs, result: StepResult, config: EditConfig, run: str) -> StepResult:
    """Write the projects' files and record the edit with them, a group at a time.

    From here on the group's announcements know of them until they are told.
    """
    for group, codes in _groups(result).items():
        members = {code: Project(group, code) for code in codes}
        steps = {code: Edited(changes=result.done[each], who=config.who, why=config.why, run=run) for code, each in members.items()}
        try:
            done = initialise_group(
                workdir, group, [specs[each] for each in members.values()], whole=False, again=True, steps=in_json(steps)
            )
            left = dict.fromkeys(done["locked"], "it is at work: edit it when that run has ended")
        except WorkerError as failed:
            follow(failed.status)
            left = dict.fromkeys(codes, f"{failed.error_class}: {failed}; repeat the edit")
        for code, reason in left.items():
            result.not_done[Project(group, code)] = reason
            del result.done[Project(group, code)]
    return result


def _scan(context: dg.OpExecutionContext, config: EditConfig, asked: Asked, projects: list[Project]) -> str:
    if not projects:
        return launched(context.instance, asked.by, SCAN) or ""
    described = f"{len(projects)} project(s), edited by {config.who}: {config.why}"
    return launch_backfill(context.instance, asked.by, SCAN, projects, f"edited: {config.why}"[:100], described)


def _projects(groups: Mapping[str, Iterable[str]]) -> list[Project]:
    return [Project(group, code) for group, codes in groups.items() for code in codes]


def _groups(result: StepResult) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for project in result.done:
        groups.setdefault(project.group, []).append(project.code)
    return groups


def _faultlisted(workdir: Workdir, group: str, result: StepResult) -> dict[Project, str]:
    reasons = {Project(group, code): reason for code, reason in faultlist(workdir, group).items()}
    return {project: reason for project, reason in reasons.items() if project in result.done}
