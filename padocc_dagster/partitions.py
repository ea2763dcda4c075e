"""The partitions: one for each project, keyed `group:project`, and one for each group.

`group:*` selects a whole group in Dagster's partition selectors.
"""

from collections.abc import Iterable

import dagster as dg

from padocc_dagster.pipeline.layout import Project

PROJECTS, GROUPS = "projects", "groups"
projects = dg.DynamicPartitionsDefinition(name=PROJECTS)
groups = dg.DynamicPartitionsDefinition(name=GROUPS)
CHUNK = 500  # some builds of SQLite take no more than 999 variables in a statement


def add_projects(instance: dg.DagsterInstance, group: str, codes: Iterable[str]) -> None:
    """Make the group and its projects partitions; those that are already stay as they are."""
    instance.add_dynamic_partitions(GROUPS, [group])
    keys = [str(Project(group, code)) for code in codes]
    for start in range(0, len(keys), CHUNK):
        instance.add_dynamic_partitions(PROJECTS, keys[start : start + CHUNK])


def project_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Project:
    """The project that a run is about."""
    return Project.parse(context.partition_key)
