"""Steps under way that change which projects belong to which group: a record each, so that what was interrupted is finished.

    padocc_dagster/unfinished/<id>.json     written before a step's first change, removed after its last

PADOCC keeps no such record: a `transfer_project` that dies between its files leaves the project listed in one group and lying in the
other (`padocc/groups/mixins/modifiers.py:254-298`). While a step is under way, its record also decides which of the two groups a
project is in: the one in which its folder lies.
"""

import contextlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from padocc_dagster.pipeline.workdir.events import Moved, Removed, Step
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import name_problem

Kind = Literal["transferred", "merged", "split off", "removed"]
NO_FOLDER = 0


@dataclass(frozen=True)
class Unfinished:
    """One step. A folder is known by its inode number, which a rename keeps: another folder of the same name is not this one."""

    step: Kind
    """How the projects are moved."""
    source: str
    target: str
    """Empty when the projects are removed."""
    folders: dict[str, int]
    """Project code → inode number of its folder, or NO_FOLDER."""
    who: str
    why: str
    keep_files: bool = False
    dissolves: bool = False
    """The source's own folders go as well, once its projects have gone."""
    group_folders: dict[str, int] = field(default_factory=dict)
    """Inode numbers of the dissolved group's folders, by the name of the folder above: groups, in_progress."""
    id: str = field(default_factory=lambda: f"{datetime.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}")
    when: str = field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))

    def place(self, workdir: Workdir, code: str) -> str:
        """The group in which the project is now; empty when it is in none any more."""
        inode = self.folders[code]
        if inode == NO_FOLDER:
            return self.source if code in map(str.strip, read_lines(workdir.main_list(self.source))) else self.target
        if self.target:
            return self.target if inode_of(workdir.project_dir(Project(self.target, code))) == inode else self.source
        gone = not self.keep_files and inode_of(workdir.project_dir(Project(self.source, code))) != inode
        return "" if gone else self.source

    def now(self, code: str) -> Project:
        """The project, once the step is done."""
        return Project(self.target or self.source, code)

    def is_in_place(self, workdir: Workdir, code: str) -> bool:
        """Whether the project's folder is where it is when the step is done; never for one that has no folder."""
        return inode_of(workdir.project_dir(self.now(code))) == self.folders[code] != NO_FOLDER

    @property
    def event(self) -> Step:
        """The step as the events of its projects have it."""
        given: dict[str, Any] = {"who": self.who, "why": self.why, "run": self.id}
        if self.step == "removed":
            return Removed(files_kept=self.keep_files, **given)
        return Moved(how=self.step, source=self.source, target=self.target, **given)

    def trash(self, workdir: Workdir, code: str) -> Path:
        """Where the folder of a removed project waits for its deletion."""
        return workdir.project_dir(Project(self.source, code)).with_name(f".removed.{self.id}.{code}")


def inode_of(path: Path) -> int:
    """The inode number of what lies there, NO_FOLDER when nothing does."""
    try:
        return os.lstat(path).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return NO_FOLDER


def begin(workdir: Workdir, unfinished: Unfinished) -> None:
    """Write the step's record."""
    write_json(_path(workdir, unfinished.id), asdict(unfinished))


def end(workdir: Workdir, unfinished: Unfinished) -> None:
    """Remove the step's record: all of it is done."""
    _path(workdir, unfinished.id).unlink()


def unfinished_steps(workdir: Workdir) -> list[Unfinished]:
    """The steps under way or interrupted, oldest first. Raises CorruptFileError for a file that is no such record."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for name in sorted(os.listdir(workdir.unfinished)):
            if name.endswith(".json") and not name.startswith("."):
                with contextlib.suppress(FileNotFoundError):
                    found.append(_read(workdir.unfinished / name))
    return found


def placed(workdir: Workdir, group: str, codes: Iterable[str]) -> list[str]:
    """Of the codes that the group's list names, those that are in the group while steps are under way."""
    codes = list(codes)
    try:
        steps = [step for step in unfinished_steps(workdir) if group in (step.source, step.target)]
    except CorruptFileError:
        return codes
    for step in steps:
        codes = [code for code in codes if code not in step.folders or step.place(workdir, code) == group or reborn(workdir, step, code)]
    return codes


def reborn(workdir: Workdir, step: Unfinished, code: str) -> bool:
    """Whether a new project of this code was made in the group that the step took the old one from."""
    project = Project(step.source, code)
    return inode_of(workdir.project_dir(project)) not in (NO_FOLDER, step.folders[code]) and workdir.base_cfg(project).exists()


def _read(path: Path) -> Unfinished:
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        step = Unfinished(**read_json(path))
        str(step.event)
        groups = [step.source, step.target] if step.target else [step.source]
        is_safe = not any(name_problem("group", name) for name in groups) and not any(name_problem("code", name) for name in step.folders)
    except (TypeError, ValueError):
        is_safe = False
    if is_safe:
        return step
    raise CorruptFileError(f"{path} is not the record of a step: look which groups hold its projects, then remove it")


def _path(workdir: Workdir, identity: str) -> Path:
    return workdir.unfinished / f"{identity}.json"
