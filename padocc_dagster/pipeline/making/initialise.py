"""Groups made and brought up to date from checked configs: new projects added, changed ones initialised anew.

PADOCC's `init_group` runs once only, writes as it goes, and leaves half a group behind at the first bad line
(`padocc/groups/mixins/initialisation.py:256`). Here the files that it would write are written, each in one step, a project's base
config last: killed anywhere, the same call made again completes the work.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from padocc_dagster.pipeline.making.next_version import keep_version, next_version
from padocc_dagster.pipeline.making.operation import clear_cache, remove
from padocc_dagster.pipeline.making.project_files import configs_of, keep_item, write_datasets
from padocc_dagster.pipeline.making.validate import REPORTS
from padocc_dagster.pipeline.workdir.events import step_from
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines, write_json, write_lines
from padocc_dagster.pipeline.workdir.history import write_down
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.names import name_problem
from padocc_dagster.pipeline.workdir.sources import keep_checksums
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.specs import spec_from, spec_of, write_spec
from padocc_dagster.pipeline.workdir.status import append_row

LOCK_WAIT_SECONDS = 2.0


def initialise_group(
    root: str,
    group: str,
    projects: list[dict[str, Any]],
    whole: bool = True,
    again: bool = False,
    steps: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> dict[str, list[str]]:
    """Bring the group in line with its config. `whole` is False when only some of its projects are given; `again` also initialises
    those that nothing changed for. `steps` are events, as JSON, to be recorded with the projects that are initialised for them, by code.

    `projects` are `ProjectSpec` values as JSON, with their files.

    Returns lists of project codes: `created`, `changed`, `unchanged`; `left` are in the group and not in the config, and stay there;
    `locked` have changed and are at work: try again later.
    """
    done: dict[str, list[str]] = {name: [] for name in ("created", "changed", "unchanged", "left", "locked")}
    workdir, specs = Workdir(Path(root)), [spec_from(value) for value in projects]
    names = [("group", group), *(("project code", spec.code) for spec in specs)]
    problems = [problem for kind, name in names if (problem := name_problem(kind, name))]
    if problems:
        raise ValueError("; ".join(problems))
    with held(workdir.group_lock(group), f"group {group}"):
        for spec in specs:
            done[_state(workdir, Project(group, spec.code), spec, again)].append(spec.code)
        touched = {*done["created"], *done["changed"]}
        for spec in specs:
            if spec.code in touched and not _initialise(workdir, Project(group, spec.code), spec, steps.get(spec.code)):
                done["locked"].append(spec.code)
        write_datasets(workdir, group, specs)
        manage(workdir, group)
        listed = read_lines(workdir.main_list(group))  # as they are: PADOCC takes names that this package does not
        write_lines(workdir.main_list(group), list(dict.fromkeys([*listed, *(spec.code for spec in specs)])))
        if whole:
            done["left"] = sorted({*listed} - {spec.code for spec in specs})
    return done


def _state(workdir: Workdir, project: Project, spec: ProjectSpec, again: bool) -> str:
    """Which list of `initialise_group` the project belongs to."""
    if not workdir.base_cfg(project).exists():
        return "created"
    return "changed" if again or not _is_current(workdir, project, spec) else "unchanged"


def _initialise(workdir: Workdir, project: Project, spec: ProjectSpec, step: dict[str, Any] | None) -> bool:
    """Write one project's files. False when it is at work.

    The spec comes first and the base config last: both have the same `id` once all is written, by which `_is_current` goes.
    """
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
        base, detail = configs_of(project, spec, version, write_spec(workdir, project, spec))
        write_lines(workdir.allfiles(project), list(spec.files))
        (workdir.project_dir(project) / "phase_logs").mkdir(exist_ok=True)
        keep_item(workdir, project, spec)
        keep_checksums(workdir, project, spec.checksums)
        write_json(workdir.detail_cfg(project), detail)
        write_json(workdir.base_cfg(project), base)
    return True


def _is_current(workdir: Workdir, project: Project, spec: ProjectSpec) -> bool:
    try:
        current = spec_of(workdir, project, chosen=False)
        read_json(workdir.detail_cfg(project))
    except CorruptFileError:
        return False
    same_files = set(read_lines(workdir.allfiles(project))) == set(spec.files)
    return same_files and current.as_dict() == spec.as_dict() and workdir.status_log(project).exists()


def _forget_derived(workdir: Workdir, project: Project) -> None:
    """Remove what was made from the earlier config, except products: those are replaced when computed again."""
    clear_cache(workdir, project)
    directory = workdir.project_dir(project)
    for name in (*REPORTS, "potential_issues.json"):
        remove(directory / name)
    remove(workdir.comparison(project))
    remove(workdir.preflight(project))
