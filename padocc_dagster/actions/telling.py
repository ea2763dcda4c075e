"""The news of projects that were initialised, told to Dagster: a materialisation of `project` each.

Who initialises them tells it. When that run ended before it could, the job `tell_initialised` does, and automation has them scanned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from padocc_dagster.assets.project import project_metadata
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.announcements import announced
from padocc_dagster.pipeline.files import CorruptFileError, read_lines
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outside import untold
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import stored_spec, stored_specs
from padocc_dagster.resources import Padocc

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
            metadata = {**_metadata(spec), **(also or {}).get(spec.code, {})}
            context.log_event(dg.AssetMaterialization(PROJECT, partition=str(Project(group, spec.code)), metadata=metadata))
        announced(workdir, group, [spec.code for spec in chunk])


def specs_on_disk(workdir: Workdir, group: str, codes: Iterable[str]) -> list[ProjectSpec]:
    """What projects of the group were last made from, with the files that were found then. For one that nothing is known of: its code."""
    projects = [Project(group, code) for code in codes]
    try:
        stored = stored_specs(workdir, projects)
    except CorruptFileError:
        stored = {project: _stored(workdir, project) for project in projects}
    return [replace(spec, files=tuple(read_lines(workdir.allfiles(project)))) for project, spec in stored.items()]


@dg.op(out=dg.Out(dg.Nothing))
def tell_untold(context: dg.OpExecutionContext, padocc: Padocc) -> None:
    """Tell of projects that were initialised by a run that ended before it could tell of them. They are scanned as new ones are."""
    workdir = padocc.workdir
    for group, codes in untold(workdir).items():
        add_projects(context.instance, group, codes)
        tell(context, workdir, group, specs_on_disk(workdir, group, codes))
        context.log.info(f"group {group}: told of {len(codes)} project(s) that were initialised: {', '.join(codes[:20])}")


@dg.job(tags={"dagster/priority": "10"}, description=tell_untold.description)
def tell_initialised() -> None:
    tell_untold()


def _stored(workdir: Workdir, project: Project) -> ProjectSpec:
    try:
        return stored_spec(workdir, project)
    except CorruptFileError:
        return ProjectSpec(project.code, "", ())


def _metadata(spec: ProjectSpec) -> dict[str, Any]:
    """What a person wants to know of the project; less, when its source files are gone by now."""
    try:
        return project_metadata(spec)
    except (OSError, IndexError):
        return {"source files": len(spec.files), "cloud format": spec.options.cloud_format}
