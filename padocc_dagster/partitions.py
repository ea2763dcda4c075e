"""The partitions: one for each project, keyed `group:project`, and one for each group; and which asset shows which phase of them.

`group:*` selects a whole group in Dagster's partition selectors.
"""

from collections.abc import Iterable

import dagster as dg

from padocc_dagster.pipeline.workdir.layout import Project

PROJECTS, GROUPS = "projects", "groups"
projects = dg.DynamicPartitionsDefinition(name=PROJECTS)
groups = dg.DynamicPartitionsDefinition(name=GROUPS)
PHASE_ASSETS = {
    "init": "project",
    "scan": "scan_report",
    "compute": "cloud_product",
    "validate": "validation_report",
    "complete": "completed_product",
}
PHASE_CHECKS = {"scan": "scan_succeeded", "compute": "product_matches_source", "validate": "validation_passed"}
ADVANCED = ("scan", "compute", "validate", "complete")
"""The phases that follow one another in a run."""
ROW = "status row"
"""Metadata of a materialization or a check result: which row of PADOCC's status log it shows."""
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
