"""The projects that a step still has to move, and those that an earlier attempt has moved already."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from padocc_dagster.pipeline.steps.choice import Choice, chosen
from padocc_dagster.pipeline.workdir.event_log import Histories
from padocc_dagster.pipeline.workdir.events import Added, Moved, Removed, Step
from padocc_dagster.pipeline.workdir.groups import codes_of, list_groups
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

ToMove = tuple[list[Project], dict[Project, str]]
"""The projects still to move, and the others that were named, each with a sentence on what was done already."""


def settled(workdir: Workdir, choice: Choice, target: str) -> ToMove:
    """Projects still to move, and those an earlier attempt already moved. Raises StepRefused as `chosen` does."""
    already: dict[Project, str] = {}
    keys: list[str] = []
    groups, codes, histories = list_groups(workdir), codes_of(workdir), Histories(workdir)
    for key in choice.projects:
        group, _, code = key.partition(":")
        if code == "*" and group in groups and not codes(group):
            continue
        done = _done_before(workdir, key, target, codes, histories)
        already |= done or {}
        keys += [key] if done is None else []
    if choice.projects and not keys:
        return [], already
    found = chosen(workdir, replace(choice, projects=tuple(keys)))
    return [project for project in found if project.group != target] if _names_all(choice) else found, already


def _names_all(choice: Choice) -> bool:
    """Whether projects of all groups are meant, by their state: those of the target need no move."""
    return not choice.projects and not choice.group


def _done_before(
    workdir: Workdir, key: str, target: str, codes: Callable[[str], dict[str, None]], histories: Histories
) -> dict[Project, str] | None:
    """The project of a key that an earlier attempt has moved, with a sentence; None when it is still to do, or the key is wrong."""
    try:
        project = Project.parse(key)
    except ValueError:
        return None
    group, code = project
    if code in codes(group):
        return None
    moved = Project(target or group, code)
    steps = histories.of(moved)
    if target:
        return {moved: f"already in {target}"} if came_from(steps, group, target) and code in codes(target) else None
    if was_removed(steps):
        kept = workdir.project_dir(project)
        return {project: "already removed" + (f"; its files are kept in {kept}" if kept.exists() else "")}
    return None


def came_from(steps: Sequence[Step], source: str, target: str = "") -> bool:
    """Whether the project was moved from the one group, to the other or (empty) to any."""
    return any(isinstance(step, Moved) and step.source == source and target in ("", step.target) for step in steps)


def was_removed(steps: Sequence[Step]) -> bool:
    """Whether a project that is not in its group was taken out of it, and not for another."""
    changes = [step for step in steps if isinstance(step, Added | Moved | Removed)]
    return bool(changes) and isinstance(changes[-1], Removed)
