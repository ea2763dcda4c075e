"""Steps that move or remove projects, carried out from their records: from the beginning, or from where they were interrupted.

A transfer is one rename of the project's folder. Before it, the target group's files get the project's entries; after it, the source's
lose them.
PADOCC moves the files one by one through a shell, without those whose names begin with a dot, to a path made by replacing the group's name
everywhere in the old one (`padocc/core/project.py:608,621`): a group "work" in /…/work is moved out of the working directory.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.moving.group_files import give, take_off
from padocc_dagster.pipeline.workdir.event_log import Histories, record_of_group
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines, write_json
from padocc_dagster.pipeline.workdir.history import LOCKED_AT_ONCE, locked, write_down
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import WAIT_SECONDS, held
from padocc_dagster.pipeline.workdir.unfinished import NO_FOLDER, Unfinished, begin, end, inode_of, reborn, unfinished_steps


def carry_out(workdir: Workdir, step: Unfinished) -> dict[str, str]:
    """Run or resume the step. Returns the codes that stay where they are, each with the reason.

    The locks of the structure and of both groups are held.
    """
    if step.target:
        take_off(workdir, step.target, step.folders)  # what an earlier project of the same code may have left in the target's files
    begin(workdir, step)
    return _go_on(workdir, step)


def finish_unfinished(workdir: Workdir, wait: float = WAIT_SECONDS) -> list[str]:
    """Finish every step that was interrupted. Returns a sentence for each.

    Raises LockedError when another such step is under way for more than `wait` seconds; a sensor should not wait at all.
    """
    if not unfinished_steps(workdir) and not _trash(workdir):
        return []
    with held(workdir.structure_lock, "the groups' structure", wait):
        return finish_locked(workdir)


def finish_locked(workdir: Workdir) -> list[str]:
    """The same for a caller that holds the structure's lock, and none of a group."""
    sentences = []
    for step in unfinished_steps(workdir):
        with groups_held(workdir, step.source, step.target):
            left = _go_on(workdir, step)
        where = f" to {step.target}" if step.target else ""
        stayed = "".join(f"; {code} stays: {why}" for code, why in left.items())
        sentences.append(f"{len(step.folders) - len(left)} project(s) of {step.source} {step.step}{where}, begun {step.when}{stayed}")
    for folder in _trash(workdir):
        shutil.rmtree(folder, ignore_errors=True)
    return sentences


@contextlib.contextmanager
def groups_held(workdir: Workdir, *groups: str) -> Iterator[None]:
    """Hold the locks of these groups, taken in the order of their names."""
    with contextlib.ExitStack() as stack:
        for group in sorted({group for group in groups if group}):
            stack.enter_context(held(workdir.group_lock(group), f"group {group}"))
        yield


def _go_on(workdir: Workdir, step: Unfinished) -> dict[str, str]:
    if step.target:
        give(workdir, step.source, step.target, dict.fromkeys(step.folders), subsets=step.dissolves)
    left: dict[str, str] = {}
    codes = iter(step.folders)
    while chunk := list(islice(codes, LOCKED_AT_ONCE)):
        with contextlib.ExitStack() as stack:
            for code in chunk:
                if problem := _lock(workdir, step, code, stack) or _move(workdir, step, code):
                    left[code] = problem
                elif step.is_in_place(workdir, code):
                    write_down(workdir, step.now(code), step.event)
    gone = dict.fromkeys(code for code in step.folders if code not in left)
    take_off(workdir, step.source, {code: None for code in gone if not reborn(workdir, step, code)})
    if left and step.target:
        take_off(workdir, step.target, {code: None for code in left if not workdir.project_dir(Project(step.target, code)).exists()})
    _note_folderless(workdir, step, (code for code in gone if not step.is_in_place(workdir, code)))
    if step.dissolves and not left and not read_lines(workdir.main_list(step.source)):
        _dissolve(workdir, step)
    end(workdir, step)
    for code in gone:
        shutil.rmtree(step.trash(workdir, code), ignore_errors=True)
    return left


def _lock(workdir: Workdir, step: Unfinished, code: str, stack: contextlib.ExitStack) -> str:
    """Hold the project's locks, in both groups. A sentence when somebody is at work on it."""
    groups = (step.source, step.target) if step.target else (step.source,)
    busy = stack.enter_context(locked(workdir, [Project(group, code) for group in groups]))
    return next(iter(busy.values()), "")


def _move(workdir: Workdir, step: Unfinished, code: str) -> str:
    """Rename the project's folder, unless that is done. A sentence when it cannot be."""
    folder, inode = workdir.project_dir(Project(step.source, code)), step.folders[code]
    present = inode != NO_FOLDER and inode_of(folder) == inode
    if not step.target:
        if present and not step.keep_files:
            os.rename(folder, step.trash(workdir, code))
        return ""
    target = workdir.project_dir(Project(step.target, code))
    if present and inode_of(target) != NO_FOLDER:
        return f"{target} was made meanwhile: remove the one or the other"
    if present:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, target)
    if inode_of(target) == inode != NO_FOLDER:
        _readdress(workdir, Project(step.target, code), folder)
    return ""


def _readdress(workdir: Workdir, project: Project, old: Path) -> None:
    """Correct the paths in the project's own files, among them the product's in the comparison, which then still holds."""
    files = (workdir.comparison, workdir.spec, workdir.detail_cfg, workdir.base_cfg)
    for path in (file(project) for file in files):
        with contextlib.suppress(CorruptFileError):  # missing or damaged: its next reader reports that
            value = read_json(path)
            if (corrected := _rebased(value, old, workdir.project_dir(project))) != value:
                write_json(path, corrected)


def _rebased(value: Any, old: Path, new: Path) -> Any:
    """The JSON value with every string that is a path in the old folder leading to the same place in the new one."""
    if isinstance(value, dict):
        return {key: _rebased(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_rebased(item, old, new) for item in value]
    if isinstance(value, str) and value.startswith(f"{old}/"):
        return str(new / Path(value).relative_to(old))
    return value


def _note_folderless(workdir: Workdir, step: Unfinished, codes: Iterable[str]) -> None:
    """Record the step for projects that have no folder (any more), once."""
    histories, event = Histories(workdir), step.event
    new = [code for code in codes if all(each.run != step.id for each in histories.of(step.now(code)))]
    if new:
        record_of_group(workdir, step.target or step.source, dict.fromkeys(new, event))


def _dissolve(workdir: Workdir, step: Unfinished) -> None:
    """Put what is left of the source's folders with the target: history, logs of SLURM, files kept of removed projects."""
    shelf = workdir.merged(step.source, step.target) / step.id
    for above, inode in step.group_folders.items():
        folder = workdir.root / above / step.source
        if inode != NO_FOLDER and inode_of(folder) == inode:
            with contextlib.suppress(OSError):
                folder.rmdir()
                continue
            shelf.mkdir(parents=True, exist_ok=True)
            os.rename(folder, shelf / above)


def _trash(workdir: Workdir) -> list[Path]:
    """Folders of removed projects whose deletion was interrupted."""
    return list((workdir.root / "in_progress").glob("*/.removed.*"))
