"""Dagster's partitions made to be what a step has made of the groups: new keys added, what stands told of them, old keys deleted, in this
order, so that an interrupted step that is asked for again finds the old keys and goes on."""

import dagster as dg

from padocc_dagster.actions.telling import PROJECT
from padocc_dagster.partitions import GROUPS, PROJECTS, add_projects
from padocc_dagster.pipeline.events import Histories
from padocc_dagster.pipeline.groups import by_group, list_groups, project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.moving.settled import came_from, was_removed
from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.pipeline.steps.step import By, StepResult


def settle(context: dg.OpExecutionContext, workdir: Workdir, done: StepResult, by: By | None = None) -> None:
    """Bring Dagster's view up to date with what was done to these projects, and with what an interrupted step before did to others."""
    from padocc_dagster.actions.standing import announce_standing, untold

    instance = context.instance
    on_disk = {group: set(project_codes(workdir, group)) for group in list_groups(workdir)}
    new = {project: None for project in done.done if project.code in on_disk.get(project.group, ())}
    old = _gone(instance, workdir, on_disk)
    arrived = {**new, **{project: None for project in old.values() if project}}
    for group, members in by_group(arrived).items():
        add_projects(instance, group, [project.code for project in members])
    missing = untold(instance, workdir, list(arrived))
    announce_standing(context, workdir, missing, only=missing)
    if by:
        for project, what in done.done.items():
            observed = {"what": what, "who": by.who, "why": by.why}
            description = f"{what} ({by.who}: {by.why})"
            context.log_event(dg.AssetObservation(PROJECT, partition=str(project), description=description, metadata=observed))
    for project in old:
        instance.delete_dynamic_partition(PROJECTS, str(project))
    for group in instance.get_dynamic_partitions(GROUPS):
        if group not in on_disk and not name_problem("group", group) and any(workdir.merged(group, other).is_dir() for other in on_disk):
            instance.delete_dynamic_partition(GROUPS, group)


def _gone(instance: dg.DagsterInstance, workdir: Workdir, on_disk: dict[str, set[str]]) -> dict[Project, Project | None]:
    """Projects that Dagster knows and that a step has taken out of their groups, each with what it is now, if it was not removed.

    A project that is missing for another reason is left as it is.
    """
    found: dict[Project, Project | None] = {}
    histories = Histories(workdir)
    for key in instance.get_dynamic_partitions(PROJECTS):
        try:
            project = Project.parse(key)
        except ValueError:
            continue
        if project.code in on_disk.get(project.group, ()):
            continue
        now = [Project(group, project.code) for group, codes in on_disk.items() if project.code in codes]
        came = [each for each in now if came_from(histories.of(each), project.group)]
        if came:
            found[project] = came[0]
        elif was_removed(histories.of(project)):
            found[project] = None
    return found
