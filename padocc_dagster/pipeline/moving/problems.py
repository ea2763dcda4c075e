"""Why projects cannot be moved: sentences, each with what to do. Nothing is changed here."""

import os
from collections.abc import Iterable

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_lines
from padocc_dagster.pipeline.workdir.groups import list_groups, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.names import name_problem, nearest
from padocc_dagster.pipeline.workdir.step import StepRefused

LOCK_WAIT_SECONDS = 0.2


def damage(workdir: Workdir, group: str) -> str:
    """Why the group cannot be worked on: its name is not safe, it is not there, or its files are not what they should be."""
    if problem := name_problem("group", group):
        return problem
    folder = workdir.group_dir(group)
    if problem := _not_folders(workdir, group):
        return problem
    if not workdir.main_list(group).is_file():
        known = nearest(group, list_groups(workdir))
        if folder.is_dir():
            return f"group {group!r} is damaged: {workdir.main_list(group)} is missing; restore it, or move {folder} away"
        return f"there is no group {group!r}: {known}"
    try:
        for path in (workdir.main_list(group), workdir.datasets_csv(group), workdir.faultlist(group)):
            read_lines(path)
    except (CorruptFileError, UnicodeDecodeError, OSError) as error:
        return f"group {group!r} is damaged: {path} cannot be read ({error}); restore it from a backup first"
    return ""


def refuse_unsafe(groups: Iterable[str], codes: Iterable[str] = ()) -> None:
    """Raise StepRefused for names that are not safe, before a lock or any other file is made of them."""
    names = [*(("group", group) for group in groups), *(("project code", code) for code in codes)]
    if problems := dict.fromkeys(problem for kind, name in names if (problem := name_problem(kind, name))):
        raise StepRefused(problems)


def new_group_problems(workdir: Workdir, group: str) -> list[str]:
    """Why a group of this name cannot be made."""
    if problem := name_problem("group", group):
        return [problem]
    if problem := _not_folders(workdir, group):
        return [problem]
    alike = [known for known in list_groups(workdir) if known.casefold() == group.casefold()]
    if alike:
        return [f"group {group!r} differs from {alike[0]!r} only in upper and lower case: choose another name"]
    folder = workdir.group_dir(group)
    return [f"{folder} is there and is no whole group (no proj_codes/main.txt): move it away, or name another group"] * folder.exists()


def unlisted_names(workdir: Workdir, group: str) -> str:
    """Projects of the group that have names with which this package does nothing: a group that has them cannot go."""
    listed = (line.strip() for line in read_lines(workdir.main_list(group)))
    unsafe = [problem for problem in (name_problem("project code", code) for code in listed) if problem]
    remedy = f"rename or remove it in {workdir.main_list(group)}"
    return f"group {group!r} cannot be merged as a whole: {'; '.join(unsafe)}; {remedy}" if unsafe else ""


def problems_of_move(workdir: Workdir, projects: list[Project], target: str) -> list[str]:
    """Why these projects cannot leave their groups for the target (empty: for nowhere)."""
    sources = {project.group: None for project in projects}
    problems = [problem for problem in (damage(workdir, group) for group in sources) if problem]
    if target in sources:
        problems.append(f"the projects are in group {target!r} already: name another group to bring them to")
    if target and not problems:
        problems += _collisions(workdir, projects, target)
    return problems or [problem for project in projects if (problem := _at_work(workdir, project))]


def _collisions(workdir: Workdir, projects: Iterable[Project], target: str) -> list[str]:
    taken = {code.casefold(): Project(target, code) for code in _everything(workdir, target)}
    problems = []
    for project in projects:
        if other := taken.get(project.code.casefold()):
            problems.append(f"{project} cannot come to {target}: {_what(workdir, other)}, {_remedy(project, other)}")
        taken[project.code.casefold()] = project
        if problem := _other_file_system(workdir, project, target):
            problems.append(problem)
    return problems


def _everything(workdir: Workdir, group: str) -> list[str]:
    """Codes that are listed in the group, and names of everything in its folder of projects."""
    listed = [line.strip() for line in read_lines(workdir.main_list(group))] + project_codes(workdir, group)
    try:
        return [*os.listdir(workdir.root / "in_progress" / group), *listed]
    except FileNotFoundError:
        return listed


def _what(workdir: Workdir, other: Project) -> str:
    listed = other.code in project_codes(workdir, other.group)
    return f"there is {other}" if listed else f"working files lie in {workdir.project_dir(other)}"


def _remedy(project: Project, other: Project) -> str:
    same = "of the same code" if project.code == other.code else "whose code differs only in upper and lower case"
    return f"{same}; remove one of the two first, or leave this one out"


def _other_file_system(workdir: Workdir, project: Project, target: str) -> str:
    folder, goal = workdir.project_dir(project), workdir.root / "in_progress" / target
    try:
        here, there = os.lstat(folder), os.stat(goal if goal.exists() else goal.parent)
    except FileNotFoundError:
        return ""
    if here.st_dev == there.st_dev:
        return ""
    return f"{folder} and {goal} are on two file systems, between which a folder cannot be renamed: put both groups on one"


def _at_work(workdir: Workdir, project: Project) -> str:
    try:
        with held(workdir.project_lock(project), f"project {project}", wait=LOCK_WAIT_SECONDS):
            return ""
    except LockedError as locked:
        return str(locked)


def _not_folders(workdir: Workdir, group: str) -> str:
    """Folders that are files."""
    for folder in (workdir.group_dir(group), workdir.main_list(group).parent, workdir.root / "in_progress" / group):
        if folder.exists() and not folder.is_dir():
            return f"group {group!r} cannot be used: {folder} is a file where a folder belongs; move it away, or name another group"
    return ""
