"""Projects added to a group that is there: new ones from a group config, or ones that were removed and whose files were kept.

PADOCC's `add_project` changes the defaults of every later project, and leaves a stray folder when it fails
(`padocc/groups/mixins/initialisation.py:260`, `modifiers.py:108`).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from padocc_dagster.pipeline import initialise
from padocc_dagster.pipeline.files import CorruptFileError, read_json, read_lines
from padocc_dagster.pipeline.groups import project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import LockedError
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.moving.problems import damage
from padocc_dagster.pipeline.phases import initialise_group
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import spec_of_base_cfg, stored_spec
from padocc_dagster.pipeline.status import read_rows
from padocc_dagster.pipeline.steps.history import note
from padocc_dagster.pipeline.steps.step import By, StepRefused, StepResult

ADDED, ALREADY = "added", "already there"


def add(
    workdir: Workdir,
    group: str,
    specs: Iterable[ProjectSpec],
    by: By,
    dry_run: bool = False,
    initialise_group: Callable[..., dict[str, list[str]]] = initialise_group,
) -> StepResult:
    """Initialise new projects in a group. One that is there with the same config is left as it is; with another, all is refused."""
    specs = list(specs)
    _finish(workdir, dry_run)
    new = [spec for spec in specs if not _is_there(workdir, Project(group, spec.code))]
    problems = [damage(workdir, group)] if damage(workdir, group) else _add_problems(workdir, group, specs)
    if problems:
        raise StepRefused(problems)
    result = StepResult({Project(group, spec.code): ADDED if spec in new else ALREADY for spec in specs})
    if new and not dry_run:
        done = initialise_group(workdir, group, new, whole=False)
        for code in done["locked"]:
            result.not_done[Project(group, code)] = "its working files are being worked on: wait until that ends, and add it again"
            del result.done[Project(group, code)]
        note(workdir, {project: what for project, what in result.done.items() if what == ADDED}, by)
    return result


def add_back(workdir: Workdir, projects: Iterable[Project], by: By, dry_run: bool = False) -> StepResult:
    """Take removed projects whose working files were kept into their groups again. They stand where they stood."""
    projects = list(projects)
    _finish(workdir, dry_run)
    problems = [problem for problem in (damage(workdir, group) for group in {project.group: None for project in projects}) if problem]
    problems = problems or [problem for problem in (_kept_problem(workdir, project) for project in projects) if problem]
    if problems:
        raise StepRefused(problems)
    back = [project for project in projects if not _is_there(workdir, project)]
    result = StepResult({project: "added back, with the files that were kept" if project in back else ALREADY for project in projects})
    if back and not dry_run:
        for group in {project.group: None for project in back}:
            own = [project for project in back if project.group == group]
            specs = [{**_kept_spec(workdir, project).as_dict(), "files": _files(workdir, project)} for project in own]
            initialise.initialise_group(str(workdir.root), group, specs, whole=False)  # nothing of theirs changed: only lists are written
        note(workdir, {project: result.done[project] for project in back}, by)
    return result


def _add_problems(workdir: Workdir, group: str, specs: list[ProjectSpec]) -> list[str]:
    taken = {code.casefold(): code for code in project_codes(workdir, group)}
    problems = []
    for spec in specs:
        project, other = Project(group, spec.code), taken.get(spec.code.casefold(), spec.code)
        if other != spec.code:
            problems.append(f"{project} differs from {group}:{other} only in upper and lower case: choose another code")
        elif _is_there(workdir, project):
            if _config(workdir, project) != spec.as_dict():
                problems.append(f"{project} is there with another config: edit it")
        elif _is_kept(workdir, project, spec):
            folder = workdir.project_dir(project)
            problems.append(f"{project} was removed, and its files are kept in {folder}: add it back and edit it, or move those files away")
    return problems


def _is_kept(workdir: Workdir, project: Project, spec: ProjectSpec) -> bool:
    """Whether there are files of an earlier project, and not only what an interrupted `add` of this one left."""
    config = _config(workdir, project)
    return config is not None and (
        config != spec.as_dict() or any(row.phase != "init" for row in read_rows(workdir.status_log(project)))
    )


def _kept_problem(workdir: Workdir, project: Project) -> str:
    if _is_there(workdir, project):
        return ""
    if not workdir.base_cfg(project).exists():
        return f"no working files of {project} are kept ({workdir.base_cfg(project)} is missing): add it from a group config"
    alike = [code for code in project_codes(workdir, project.group) if code.casefold() == project.code.casefold()]
    if alike:
        return f"{project} differs from {project.group}:{alike[0]} only in upper and lower case: remove one of the two"
    try:
        read_json(workdir.detail_cfg(project))
        _kept_spec(workdir, project)
    except CorruptFileError as error:
        return f"{project} cannot be added back: {error}"
    if not _files(workdir, project):
        return f"{project} cannot be added back: {workdir.allfiles(project)} names no files; add it from a group config"
    return ""


def _kept_spec(workdir: Workdir, project: Project) -> ProjectSpec:
    return replace(stored_spec(workdir, project), code=project.code)


def _files(workdir: Workdir, project: Project) -> list[str]:
    return read_lines(workdir.allfiles(project))


def _config(workdir: Workdir, project: Project) -> dict[str, Any] | None:
    """The config that the project has now; None without one, or when it is damaged."""
    try:
        return spec_of_base_cfg(read_json(workdir.base_cfg(project)))
    except CorruptFileError:
        return None


def _is_there(workdir: Workdir, project: Project) -> bool:
    return project.code in project_codes(workdir, project.group)


def _finish(workdir: Workdir, dry_run: bool) -> None:
    try:
        if not dry_run:
            finish_unfinished(workdir)
    except LockedError as locked:
        raise StepRefused([str(locked)]) from None
