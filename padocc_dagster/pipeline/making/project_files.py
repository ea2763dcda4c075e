"""The files that an initialisation writes: a project's two configs and its item to publish, and the group's copy of its config."""

import copy
import csv
import io
from typing import Any

from padocc_dagster.pipeline.making.operation import remove
from padocc_dagster.pipeline.workdir.files import read_lines, write_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.sources import list_digest
from padocc_dagster.pipeline.workdir.spec import ProjectSpec


def configs_of(project: Project, spec: ProjectSpec, version: str, identity: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """PADOCC's two config files for a new project, from its own defaults (`padocc/core/utils.py:52`), copied so that none leaks.

    `identity` is that of the project's spec.json.
    """
    from padocc.core.utils import file_configs

    base, detail = copy.deepcopy(file_configs["base_cfg"]), copy.deepcopy(file_configs["detail_cfg"])
    cloud_format = "kerchunk" if spec.options.cloud_format == "parquet" else spec.options.cloud_format
    base |= {
        "proj_code": project.code,
        "pattern": spec.pattern or list(spec.files),
        "updates": spec.updates,
        "removals": list(spec.removals),
        "version_no": version,
        "override": {"cloud_type": cloud_format, "file_type": "json" if cloud_format == "kerchunk" else None},
        "disable_CFA": not (spec.options.cfa or cloud_format == "CFA"),
        "keep_vars": list(spec.variables) or "all",
        "padocc_dagster": {"spec": identity, "sources": list_digest(spec.files)},
    }
    detail["num_files"] = len(spec.files)
    return base, detail


def write_datasets(workdir: Workdir, group: str, specs: list[ProjectSpec]) -> None:
    """PADOCC's copy of the group's config, with the rows of projects that are not in this one kept."""
    path = workdir.datasets_csv(group)
    rows = {line.split(",", 1)[0].strip(): line for line in read_lines(path)}
    for spec in specs:
        line = io.StringIO()
        pattern = spec.pattern or str(workdir.allfiles(Project(group, spec.code)))
        csv.writer(line, lineterminator="").writerow([spec.code, pattern, "", "", *spec.variables])
        rows[spec.code] = line.getvalue()
    write_text(path, "\n".join(rows.values()))


def keep_item(workdir: Workdir, project: Project, spec: ProjectSpec) -> None:
    """The item to be published: a new one replaces the old, which stays as long as one is wanted."""
    if spec.item:
        write_text(workdir.stac_item(project), spec.item)
    elif not spec.records.get("publish_item"):
        remove(workdir.stac_item(project))
