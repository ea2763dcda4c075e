"""Groups and projects that people made with PADOCC's own command line, or with SHEPARD, and the state of each.

Only read, never written: not even a lock is taken.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from padocc_dagster.pipeline.running.due import is_ignored
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines
from padocc_dagster.pipeline.workdir.groups import faultlist, group_states, list_groups
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.names import name_problem, nearest
from padocc_dagster.pipeline.workdir.specs import stored_spec
from padocc_dagster.pipeline.workdir.status import ProjectState, read_rows
from padocc_dagster.pipeline.workdir.step import StepRefused


@dataclass(frozen=True)
class GroupFound:
    """One group: its projects that can be taken over with their states, and what is left out and why."""

    name: str
    projects: dict[Project, str]
    """A sentence for each: its last phase and how that ended."""
    counts: Counter[str] = field(default_factory=Counter)
    left_out: dict[Project, str] = field(default_factory=dict)
    faultlisted: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """Codes with a phase that PADOCC has under way, or that a killed job of PADOCC's left so."""
    subsets: dict[str, int] = field(default_factory=dict)
    ignored: bool = False
    """Whether SHEPARD's `.shpignore` forbids unattended work."""

    def lines(self) -> Iterator[str]:
        """The group as a person reads it."""
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.counts.items()))
        yield f"group {self.name}: {len(self.projects)} project(s): {states or 'none'}"
        if self.subsets:
            yield "  subsets: " + ", ".join(f"{name} ({count})" for name, count in self.subsets.items())
        if self.faultlisted:
            yield "  on the faultlist, and left alone: " + ", ".join(self.faultlisted)
        if self.pending:
            yield f"  under way in PADOCC, and left alone until that ends or somebody runs the phase: {', '.join(self.pending)}"
        if self.ignored:
            yield "  has a .shpignore: nothing is started unattended in this group"
        for project, why in self.left_out.items():
            yield f"  left out: {project.code!r}: {why}"


def find_groups(workdir: Workdir, names: Iterable[str] = ()) -> list[GroupFound]:
    """Look at these groups, or at all. Raises StepRefused for names of groups that are not there."""
    known = list_groups(workdir)
    problems = [name_problem("group", name) or f"there is no group {name!r}: {nearest(name, known)}" for name in names if name not in known]
    if problems:
        raise StepRefused(problems)
    return [_group(workdir, name) for name in dict.fromkeys(names) or known]


def unsafe_groups(workdir: Workdir) -> dict[str, str]:
    """Folders of groups whose names cannot be taken, each with why."""
    lists = sorted((workdir.root / "groups").glob("*/proj_codes/main.txt"))
    found = {path.parent.parent.name: name_problem("group", path.parent.parent.name) for path in lists}
    return {name: problem for name, problem in found.items() if problem}


def _group(workdir: Workdir, name: str) -> GroupFound:
    states = group_states(workdir, name)
    left_out = dict(_unusable(workdir, name, states))
    usable = {Project(name, code): state for code, state in states.items() if Project(name, code) not in left_out}
    found = {project: f"{state.phase} {state.outcome}" for project, state in usable.items()}
    listed = faultlist(workdir, name)
    return GroupFound(
        name=name,
        projects=found,
        counts=Counter(found.values()),
        left_out=left_out,
        faultlisted=tuple(project.code for project in usable if project.code in listed),
        pending=tuple(project.code for project in usable if _is_pending(workdir, project)),
        subsets={path.stem: len(read_lines(path)) for path in _subset_lists(workdir, name)},
        ignored=is_ignored(workdir, name),
    )


def _is_pending(workdir: Workdir, project: Project) -> bool:
    rows = read_rows(workdir.status_log(project))
    return bool(rows) and rows[-1].verdict is None


def _unusable(workdir: Workdir, group: str, states: dict[str, ProjectState]) -> Iterator[tuple[Project, str]]:
    """Projects of the group that cannot be taken over, each with what to do."""
    listed = {line.strip() for line in read_lines(workdir.main_list(group))}
    for code in sorted(listed - set(states)):
        yield Project(group, code), name_problem("project code", code) or "its name is not safe"
    for code, state in states.items():
        project = Project(group, code)
        if not state.status:
            yield project, f"{workdir.status_log(project)} is missing or empty: initialise the project again"
            continue
        try:
            read_json(workdir.detail_cfg(project))
            stored_spec(workdir, project)
            read_json(workdir.base_cfg(project))
        except CorruptFileError as error:
            yield project, str(error)
    folder = workdir.root / "in_progress" / group
    for stray in sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        if stray not in listed and not stray.startswith("."):
            yield Project(group, stray), f"in {folder}, but not listed in {workdir.main_list(group)}: add it there, or remove it"


def _subset_lists(workdir: Workdir, group: str) -> list[Path]:
    return sorted(path for path in workdir.main_list(group).parent.glob("*.txt") if path.stem != "main")
