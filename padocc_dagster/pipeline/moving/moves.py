"""Projects taken to another group or out of theirs: transfer, merge, split, remove. All is checked before anything changes.

Published products stay where they are, in `completed/<group>` of the group that published them. A step that is repeated after it was
interrupted, or done, ends in the same state.

PADOCC's own functions are not used (`padocc/groups/mixins/modifiers.py`):
- `transfer_project` (:254) saves both lists before it moves anything, so that an interruption leaves the project in neither, and it leaves
  the last project in the old list; `merge` (:300) does not save the lists that it changes;
- `unmerge` calls `move_to`, which does not exist (:383);
- `remove_project` (:208) does not save, and fails on a faultlisted project (:229); `delete_group` (:416) prompts on the terminal;
- `migrate`, by which they move projects, can leave the working directory (see `carrying.py`).
"""

from collections.abc import Callable
from pathlib import Path

from padocc_dagster.pipeline.moving.carrying import carry_out, finish_locked, groups_held
from padocc_dagster.pipeline.moving.problems import damage, new_group_problems, problems_of_move, refuse_unsafe, unlisted_names
from padocc_dagster.pipeline.moving.settled import ToMove, settled
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.workdir.groups import by_group, list_groups, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.sources import readable_size
from padocc_dagster.pipeline.workdir.step import By, StepRefused, StepResult
from padocc_dagster.pipeline.workdir.unfinished import Kind, Unfinished, inode_of


def transfer(workdir: Workdir, choice: Choice, target: str, by: By, dry_run: bool = False) -> StepResult:
    """Move the projects to another group that is there. Subsets of their old groups lose them."""
    refuse_unsafe([*_groups(choice), target])

    def check() -> ToMove:
        if problem := damage(workdir, target):
            raise StepRefused([problem if workdir.group_dir(target).exists() else f"{problem}; `split` makes a new group"])
        return settled(workdir, choice, target)

    return _move(workdir, "transferred", check, target, by, dry_run)


def split(workdir: Workdir, choice: Choice, target: str, by: By, dry_run: bool = False) -> StepResult:
    """Move the projects to a group that is new."""
    refuse_unsafe([*_groups(choice), target])

    def check() -> ToMove:
        there = target in list_groups(workdir)
        if not there and (problems := new_group_problems(workdir, target)):
            raise StepRefused(problems)
        moving, already = settled(workdir, choice, target)
        if there and moving:
            raise StepRefused([f"group {target!r} is there already: transfer the projects to it, or name a new group"])
        return moving, already

    return _move(workdir, "split off", check, target, by, dry_run)


def merge(workdir: Workdir, source: str, target: str, by: By, dry_run: bool = False) -> StepResult:
    """Move all projects of a group to another, its subsets with them, and put what is left of its folders with the other.

    Nothing of a person's is deleted: logs of SLURM, histories and files kept of removed projects go to
    `groups/<target>/padocc_dagster/merged/<source>/`.
    """
    refuse_unsafe([source, target])

    def check() -> ToMove:
        if problem := damage(workdir, target) or (f"a group cannot be merged into itself: {source!r}" if source == target else ""):
            raise StepRefused([problem])
        if source not in list_groups(workdir) and workdir.merged(source, target).is_dir():
            return [], {}
        if problems := [problem for problem in (damage(workdir, source), unlisted_names(workdir, source)) if problem]:
            raise StepRefused(problems)
        return [Project(source, code) for code in project_codes(workdir, source)], {}

    return _move(workdir, "merged", check, target, by, dry_run, dissolved=source)


def remove(workdir: Workdir, choice: Choice, by: By, keep_files: bool = False, dry_run: bool = False) -> StepResult:
    """Take the projects out of their groups: off the lists, the faultlist and the subsets.

    Their working files are deleted, or stay where they are, for `add_back`. PADOCC's removal leaves the rows in datasets.csv and main.txt's
    last project (`padocc/core/filehandlers.py:275`).
    """
    refuse_unsafe(_groups(choice))

    def check() -> ToMove:
        return settled(workdir, choice, "")

    return _move(workdir, "removed", check, "", by, dry_run, keep_files=keep_files)


def _groups(choice: Choice) -> list[str]:
    """The groups that the choice names."""
    named = [key.partition(":")[0] for key in choice.projects if ":" in key]
    return list(dict.fromkeys([*named, *([] if choice.group is None else [choice.group])]))


def _move(
    workdir: Workdir,
    step: Kind,
    check: Callable[[], ToMove],
    target: str,
    by: By,
    dry_run: bool,
    dissolved: str = "",
    keep_files: bool = False,
) -> StepResult:
    """Finish what is unfinished, check under the locks, and move. `check` gives the projects to move, and those that have moved already."""
    try:
        with held(workdir.structure_lock, "the groups' structure"):
            if not dry_run:
                finish_locked(workdir)
            sources = {*(project.group for project in check()[0]), dissolved} - {""}
            with groups_held(workdir, target, *sources):
                moving, already = check()
                moving = [project for project in moving if project.group in sources]
                if problems := problems_of_move(workdir, moving, target):
                    raise StepRefused(problems)
                result = StepResult(already)
                members = by_group(moving)
                for source in sorted(sources if moving or dissolved in list_groups(workdir) else ()):
                    codes = [project.code for project in members.get(source, ())]
                    unfinished = _unfinished(workdir, step, source, target, codes, by, bool(dissolved), keep_files)
                    left = {} if dry_run else carry_out(workdir, unfinished)
                    _report(result, unfinished, left, dry_run, workdir)
                return result
    except LockedError as locked:
        raise StepRefused([str(locked)]) from None


def _unfinished(
    workdir: Workdir, step: Kind, source: str, target: str, codes: list[str], by: By, dissolves: bool, keep_files: bool
) -> Unfinished:
    folders = {code: inode_of(workdir.project_dir(Project(source, code))) for code in codes}
    above = {above: inode_of(workdir.root / above / source) for above in ("groups", "in_progress")} if dissolves else {}
    return Unfinished(step, source, target, folders, by.who, by.why, keep_files, dissolves, above)


def _report(result: StepResult, unfinished: Unfinished, left: dict[str, str], dry_run: bool, workdir: Workdir) -> None:
    """What became of each project, by its new key; a dry run names it by its present key, and which files would go."""
    for code in unfinished.folders:
        before = Project(unfinished.source, code)
        if code in left:
            result.not_done[before] = f"stays in {unfinished.source}: {left[code]}"
        elif dry_run:
            gone = "" if unfinished.target or unfinished.keep_files else _files(workdir.project_dir(before))
            result.done[before] = f"{unfinished.event}{gone}"
        else:
            result.done[unfinished.now(code)] = str(unfinished.event)


def _files(folder: Path) -> str:
    """How many files a removal would delete, and their size."""
    sizes = [path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    return f", and its {len(sizes)} files ({readable_size(sum(sizes))}) in {folder} deleted"
