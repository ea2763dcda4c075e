"""Groups made and brought up to date from checked configs: new projects added, changed ones initialised anew.

PADOCC's `init_group` runs once only, writes as it goes, and leaves half a group behind at the first bad line
(`padocc/groups/mixins/initialisation.py:256`). Here the files that it would write are written, each in one step, a project's base
config last: killed anywhere, the same call made again completes the work.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from padocc_dagster.pipeline.announcements import change_announcements
from padocc_dagster.pipeline.events import step_from
from padocc_dagster.pipeline.files import CorruptFileError, read_json, read_lines, write_json, write_lines
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import LockedError, held
from padocc_dagster.pipeline.making.operation import clear_cache, remove
from padocc_dagster.pipeline.making.validate import REPORTS
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.pipeline.next_version import keep_version, next_version
from padocc_dagster.pipeline.project_files import configs_of, keep_item, write_datasets
from padocc_dagster.pipeline.sources import keep_checksums
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import keep_specs, restore_specs, spec_from, spec_of_base_cfg
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.pipeline.steps.history import write_down

LOCK_WAIT_SECONDS = 2.0


@dataclass
class Initialised:
    """What an initialisation did, as lists of project codes.

    `left` are in the group and not in the config: reported, never deleted. `locked` have changed and are at work: try again later.
    """

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)


def initialise_group(
    root: str,
    group: str,
    projects: list[dict[str, Any]],
    whole: bool = True,
    again: bool = False,
    steps: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> dict[str, list[str]]:
    """Make the group be what its config says. `whole` is False when only some of its projects are given; `again` also initialises
    those that nothing changed for. `steps` are events, as JSON, to be recorded with the projects that are initialised for them, by code.

    `projects` are `ProjectSpec` values as JSON, with their files. Projects made or changed are kept in the group's announcements
    until `announcements.announced` takes them off, so that an interrupted caller can still tell everybody.
    """
    workdir, specs = Workdir(Path(root)), [spec_from(value) for value in projects]
    names = [("group", group), *(("project code", spec.code) for spec in specs)]
    problems = [problem for kind, name in names if (problem := name_problem(kind, name))]
    if problems:
        raise ValueError("; ".join(problems))
    finish_unfinished(workdir)  # or a project that was on its way to another group would be made anew in this one
    with held(workdir.group_lock(group), f"group {group}"):
        done = _sort(workdir, group, specs, again)
        before = keep_specs(workdir, group, specs)
        touched = {*done.created, *done.changed}
        change_announcements(workdir, group, adding=touched)
        for spec in specs:
            if spec.code in touched and not _initialise(workdir, Project(group, spec.code), spec, steps.get(spec.code)):
                done.locked.append(spec.code)
        change_announcements(workdir, group, without=done.locked)
        restore_specs(workdir, group, before, done.locked)
        write_datasets(workdir, group, specs)
        listed = read_lines(workdir.main_list(group))  # as they are: PADOCC takes names that this package does not
        write_lines(workdir.main_list(group), list(dict.fromkeys([*listed, *(spec.code for spec in specs)])))
        if whole:
            done.left = sorted({*listed} - {spec.code for spec in specs})
    return vars(done)


def _sort(workdir: Workdir, group: str, specs: list[ProjectSpec], again: bool) -> Initialised:
    """See what there is to do, before anything is written."""
    done = Initialised()
    for spec in specs:
        project = Project(group, spec.code)
        if not workdir.base_cfg(project).exists():
            done.created.append(spec.code)
        elif again or not _is_current(workdir, project, spec):
            done.changed.append(spec.code)
        else:
            done.unchanged.append(spec.code)
    return done


def _initialise(workdir: Workdir, project: Project, spec: ProjectSpec, step: dict[str, Any] | None) -> bool:
    """Write one project's files; the base config, by which `_is_current` knows that it is done, comes last. False when it is at work."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(workdir.project_lock(project), f"project {project}", wait=LOCK_WAIT_SECONDS))
        except LockedError:
            return False
        version = next_version(workdir, project)
        keep_version(workdir, project, version)
        _forget_derived(workdir, project)
        append_row(workdir.status_log(project), "init", "Success")
        if step:
            write_down(workdir, project, step_from(step))
        write_lines(workdir.allfiles(project), list(spec.files))
        base, detail = configs_of(project, spec, version)
        (workdir.project_dir(project) / "phase_logs").mkdir(exist_ok=True)
        keep_item(workdir, project, spec)
        keep_checksums(workdir, project, spec.checksums)
        write_json(workdir.detail_cfg(project), detail)
        write_json(workdir.base_cfg(project), base)
    return True


def _is_current(workdir: Workdir, project: Project, spec: ProjectSpec) -> bool:
    try:
        base = read_json(workdir.base_cfg(project))
        read_json(workdir.detail_cfg(project))
    except CorruptFileError:
        return False
    same_files = set(read_lines(workdir.allfiles(project))) == set(spec.files)
    return same_files and spec_of_base_cfg(base) == spec.as_dict() and workdir.status_log(project).exists()


def _forget_derived(workdir: Workdir, project: Project) -> None:
    """Remove what was made from the earlier config, except products: those are replaced when computed again."""
    clear_cache(workdir, project)
    directory = workdir.project_dir(project)
    for name in (*REPORTS, "potential_issues.json"):
        remove(directory / name)
    remove(workdir.comparison(project))
