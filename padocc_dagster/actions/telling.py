"""The news of projects that were initialised, told to Dagster: a materialisation of `project` each."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from padocc_dagster.assets.project import project_metadata
from padocc_dagster.pipeline.announcements import announced
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.spec import ProjectSpec

PROJECT = dg.AssetKey("project")
CHUNK = 200


def tell(
    context: dg.OpExecutionContext,
    workdir: Workdir,
    group: str,
    specs: Sequence[ProjectSpec],
    also: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Log the materialisations and take the projects off the announcements, some at a time. `also` is more metadata, by project code."""
    for start in range(0, len(specs), CHUNK):
        chunk = specs[start : start + CHUNK]
        for spec in chunk:
            metadata = {**project_metadata(spec), **(also or {}).get(spec.code, {})}
            context.log_event(dg.AssetMaterialization(PROJECT, partition=str(Project(group, spec.code)), metadata=metadata))
        announced(workdir, group, [spec.code for spec in chunk])
