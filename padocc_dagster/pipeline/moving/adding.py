"""Projects added to a group that is there: new ones from a group config, or ones that were removed and whose files were kept.

PADOCC's `add_project` changes the defaults of every later project, and leaves a stray folder when it fails
(`padocc/groups/mixins/initialisation.py:260`, `modifiers.py:108`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from padocc_dagster.pipeline.making import initialise
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.moving.problems import damage, refuse_unsafe
from padocc_dagster.pipeline.running.phases import initialise_group
from padocc_dagster.pipeline.workdir.events import Added, in_json
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines
from padocc_dagster.pipeline.workdir.groups import by_group, codes_of
from padocc_dagster.pipeline.workdir.history import note
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.pipeline.workdir.step import By, StepRefused, StepResult

ALREADY = "already there"


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
    refuse_unsafe([group], [spec.code for spec in specs])
    _finish(workdir, dry_run)
    codes = codes_of(workdir)(group)
    problem = damage(workdir, group)
    if problems := [problem] if problem else _add_problems(workdir, group, specs, codes):
        raise StepRefused(problems)
    new = [spec for spec in specs if spec.code not in codes]
    added = Added(who=by.who, why=by.why)
    result = StepResult({Project(group, spec.code): ALREADY if spec.code in codes else str(added) for spec in specs})
    if new and not dry_run:
        done = initialise_group(workdir, group, new, whole=False, steps=in_json({spec.code: added for spec in new}))
        for code in done["locked"]:
            result.not_done[Project(group, code)] = "its working files are being worked on: wait until that ends, and add it again"
            del result.done[Project(group, code)]
    return result


def add_back(workdir: Workdir, projects: Iterable[Project], by: By, dry_run: bool = False) -> StepResult:
    """Take removed projects whose working files were kept into their groups again, in the state in which they were."""
    groups = by_group(projects)
    refuse_unsafe(groups, [project.code for members in groups.values() for project in members])
    _finish(workdir, dry_run)
    problems = [problem for problem in (damage(workdir, group) for group in groups) if problem]
    codes = codes_of(workdir)
    back = {group: [project for project in members if project.code not in codes(group)] for group, members in groups.items()}
    for group, members in back.items() if not problems else ():
        folded = {code.casefold(): code for code in codes(group)}
        problems += [problem for project in members if (problem := _kept_problem(workdir, project, folded))]
    if problems:
        raise StepRefused(problems)
    added = Added(who=by.who, why=by.why, back=True)
    result_of = {False: str(added), True: ALREADY}
    result = StepResult({project: result_of[project.code in codes(group)] for group, members in groups.items() for project in members})
    if not dry_run:
        for group, removed in back.items():
            busy = note(workdir, dict.fromkeys(removed, added))  # before: once they are listed, their next phases may start
            result.not_done |= busy
            result.done = {project: what for project, what in result.done.items() if project not in busy}
            members = [project for project in removed if project not in busy]
            if not members:
                continue
            kept = {project: spec_of(workdir, project, chosen=False).as_dict() for project in members}
            specs = [{**spec, "code": project.code, "files": _files(workdir, project)} for project, spec in kept.items()]
            initialise.initialise_group(str(workdir.root), group, specs, whole=False)  # nothing of theirs changed: only lists are written
    return result


def _add_problems(workdir: Workdir, group: str, specs: list[ProjectSpec], codes: Collection[str]) -> list[str]:
    taken = {code.casefold(): code for code in codes}
    problems = []
    for spec in specs:
        project, other = Project(group, spec.code), taken.get(spec.code.casefold(), spec.code)
        if other != spec.code:
            problems.append(f"{project} differs from {group}:{other} only in upper and lower case: choose another code")
        elif spec.code in codes:
            if _config(workdir, project) != spec.as_dict():
                problems.append(f"{project} is there with another config: edit it")
        elif _is_kept(workdir, project, spec):
            folder = workdir.project_dir(project)
            problems.append(f"{project} was removed, and its files are kept in {folder}: add it back and edit it, or move those files away")
    return problems


def _is_kept(workdir: Workdir, project: Project, spec: ProjectSpec) -> bool:
    """Whether there are files of an earlier project, and not only what an interrupted `add` of this one left."""
    config = _config(workdir, project)
    return config is not None and (config != spec.as_dict() or any(row.phase != "init" for row in read_rows(workdir.status_log(project))))


def _kept_problem(workdir: Workdir, project: Project, folded: Mapping[str, str]) -> str:
    """Why a project that is not in its group cannot be taken back. `folded`: the group's codes by their lower case."""
    if not workdir.base_cfg(project).exists():
        return f"no working files of {project} are kept ({workdir.base_cfg(project)} is missing): add it from a group config"
    if alike := folded.get(project.code.casefold()):
        return f"{project} differs from {project.group}:{alike} only in upper and lower case: remove one of the two"
    try:
        read_json(workdir.detail_cfg(project))
        spec_of(workdir, project)
    except CorruptFileError as error:
        return f"{project} cannot be added back: {error}"
    if not _files(workdir, project):
        return f"{project} cannot be added back: {workdir.allfiles(project)} names no files; add it from a group config"
    return ""


def _files(workdir: Workdir, project: Project) -> list[str]:
    return read_lines(workdir.allfiles(project))


def _config(workdir: Workdir, project: Project) -> dict[str, Any] | None:
    """The config that the project has now; None without one, or when it is damaged."""
    try:
        return spec_of(workdir, project, chosen=False).as_dict()
    except CorruptFileError:
        return None


def _finish(workdir: Workdir, dry_run: bool) -> None:
    try:
        if not dry_run:
            finish_unfinished(workdir)
    except LockedError as locked:
        raise StepRefused([str(locked)]) from None
