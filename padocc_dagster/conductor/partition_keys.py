"""Dagster's partition keys, kept as the files have the projects and groups."""

import time

import dagster as dg

from padocc_dagster.conductor.memory import Memory
from padocc_dagster.partitions import GROUPS, PROJECTS, add_projects
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.workdir.layout import Project

DELETIONS = 100
"""Partitions deleted in a tick; each takes 11 to 27 ms."""


def sync_partitions(context: dg.SensorEvaluationContext, memory: Memory) -> None:
    """Make Dagster's partitions be the projects of the managed groups. Where a group's list cannot be read, its partitions stay."""
    instance, standings = context.instance, memory.standings
    if memory.keys_are_old():
        memory.keys = set(instance.get_dynamic_partitions(PROJECTS))
        memory.keys_read = time.monotonic()
        _sync_groups(instance, standings)
    for group, standing in standings.groups.items():
        missing = [code for code in standing.codes if f"{group}:{code}" not in memory.keys]
        if missing:
            add_projects(instance, group, missing)
            memory.keys |= {f"{group}:{code}" for code in missing}
            memory.to_compare |= {Project(group, code): None for code in missing}
    if len(memory.keys) == sum(len(standing.codes) for standing in standings.groups.values()):
        return
    for key in [key for key in memory.keys if _is_gone(standings, key)][:DELETIONS]:
        instance.delete_dynamic_partition(PROJECTS, key)
        memory.keys.discard(key)
        context.log.info(f"{key} is no longer in its group: removed or moved")


def _is_gone(standings: Standings, key: str) -> bool:
    group, _, code = key.partition(":")
    if group in standings.groups:
        codes = standings.groups[group].codes
        return code not in codes and (bool(codes) or standings.is_settled(group))  # plain PADOCC empties a list before it writes it
    return any(standings.workdir.merged(group, other).is_dir() for other in standings.groups)


def _sync_groups(instance: dg.DagsterInstance, standings: Standings) -> None:
    known = set(instance.get_dynamic_partitions(GROUPS))
    instance.add_dynamic_partitions(GROUPS, [group for group in standings.groups if group not in known])
    for group in known - set(standings.groups):
        if any(standings.workdir.merged(group, other).is_dir() for other in standings.groups):
            instance.delete_dynamic_partition(GROUPS, group)
