"""Edit what projects are made from: set or remove fields of their config, of as many projects at once as are named.

All edits are checked, as a group config is, before anything is written. The projects are then initialised again; scan and all that builds
on it follow, and a project that had failed continues. Projects on the faultlist are edited and not scanned.

An edit holds until the next one, or until the project's group config is dropped into the inbox again: then that file wins. To keep an edit
for good, write it into the group config as well.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, ProjectsConfig
from padocc_dagster.pipeline.running.call import WorkerError, follow
from padocc_dagster.pipeline.running.phases import initialise_group
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.workdir.events import Edited, in_json
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.groups import by_group, faultlist
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.specs import spec_to_edit
from padocc_dagster.pipeline.workdir.step import StepRefused, StepResult
from padocc_dagster.selection.edited import FIELDS, differences, edited

Specs = dict[Project, ProjectSpec]
UNCHANGED = "nothing differs"
LOCK_WAIT_SECONDS = 90.0


class EditConfig(ProjectsConfig):
    """Which projects, and which fields to set or remove."""

    set: dict[str, Any] = Field(
        {},
        description=f"Field → value, as in a group config: {', '.join(FIELDS)}; one entry of a mapping as 'updates.title'",
        examples=[{"pattern": "/NEW/FOLDER/*.nc"}],
    )
    remove: list[str] = Field([], description="Fields, or entries as 'updates.title', to take back to their defaults")


def edit(workdir: Workdir, config: EditConfig) -> StepResult:
    if config.dry_run:
        return _checked(workdir, config)[1]
    try:
        with held(workdir.edits_lock, "what projects are made from", LOCK_WAIT_SECONDS):
            specs, result = _checked(workdir, config)
            _initialise(workdir, config, specs, result)
    except LockedError as locked:
        raise StepRefused([str(locked)]) from None
    for project in result.done:
        reason = faultlist(workdir, project.group).get(project.code)
        if reason is not None:
            result.done[project] += f"; not scanned, it is on the faultlist: {reason or 'no reason given'}"
    return result


EDIT = ManualStep(
    "edit_projects",
    EditConfig,
    edit,
    __doc__ or "",
    "Scans of the changed projects follow, then all that builds on them.",
    "would change:",
)


def _checked(workdir: Workdir, config: EditConfig) -> tuple[Specs, StepResult]:
    """The specs of the projects as edited, and what differs. Nothing is changed."""
    try:
        before = {project: spec_to_edit(workdir, project) for project in chosen(workdir, config.choice)}
    except CorruptFileError as error:
        raise StepRefused([str(error)]) from None
    specs = edited(before, config.set, config.remove, workdir.inbox)
    return specs, StepResult({project: "; ".join(differences(before[project], spec)) or UNCHANGED for project, spec in specs.items()})


def _initialise(workdir: Workdir, config: EditConfig, specs: Specs, result: StepResult) -> None:
    """Write the projects' files and record the edit with them, a group at a time. A project that is as it should be is left alone, so
    that an edit that was interrupted can be repeated."""
    for group, members in by_group(specs).items():
        steps = {each.code: Edited(changes=result.done[each], **config.by._asdict()) for each in members}
        try:
            done = initialise_group(workdir, group, [specs[each] for each in members], whole=False, steps=in_json(steps))
            left = dict.fromkeys(done["locked"], "it is at work: edit it when that run has ended")
        except WorkerError as failed:
            follow(failed.status)
            left = dict.fromkeys(_codes(members), f"{failed.error_class}: {failed}; repeat the edit")
        for code, reason in left.items():
            result.not_done[Project(group, code)] = reason
            del result.done[Project(group, code)]


def _codes(projects: Iterable[Project]) -> list[str]:
    return [project.code for project in projects]
