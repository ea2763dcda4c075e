"""Which projects a step has still to move, and which an earlier one, repeated now, has already brought to where they should be."""

from collections.abc import Callable
from dataclasses import replace

from padocc_dagster.pipeline.groups import codes_of, list_groups
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.moving.histories import Histories
from padocc_dagster.pipeline.steps.choice import Choice, chosen

REMOVED = "removed"
Asked = tuple[list[Project], dict[Project, str]]
"""The projects to move, and what is so already of others that were named."""


def settled(workdir: Workdir, choice: Choice, target: str) -> Asked:
    """The projects meant, and those named that an earlier step has brought to where they should be. Raises StepRefused as `chosen` does."""
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
    """Whether projects are meant by where they stand in whatever group: those of the target need no move."""
    return not choice.projects and not choice.group


def _done_before(
    workdir: Workdir, key: str, target: str, codes: Callable[[str], dict[str, None]], histories: Histories
) -> dict[Project, str] | None:
    """What a key means that an earlier step has already seen to; None when there is something to do, or something wrong with the key."""
    try:
        project = Project.parse(key)
    except ValueError:
        return None
    group, code = project
    if code in codes(group):
        return None
    moved = Project(target or group, code)
    entries = histories.of(moved)
    if target:
        came = any(entry.what.endswith(f" from {group} to {target}") for entry in entries)
        return {moved: f"already in {target}"} if came and code in codes(target) else None
    if entries and entries[-1].what.startswith(REMOVED):
        kept = workdir.project_dir(project)
        return {project: f"already {REMOVED}" + (f"; its files are kept in {kept}" if kept.exists() else "")}
    return None
