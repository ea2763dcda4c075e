"""Groups made and brought up to date from checked configs: new projects added, changed ones initialised anew.

PADOCC's `init_group` runs once only, writes as it goes, and leaves half a group behind at the first bad line
(`padocc/groups/mixins/initialisation.py:256`). Here the files that it would write are written, each in one step, a project's base
config last: killed anywhere, the same call made again completes the work.
"""

import copy
import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.files import CorruptFileError, read_json, read_lines, write_json, write_lines, write_text
from padocc_dagster.pipeline.groups import project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import held
from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.pipeline.operation import clear_cache, remove
from padocc_dagster.pipeline.product import product_of
from padocc_dagster.pipeline.sources import list_digest
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import keep_specs, spec_from, spec_of_base_cfg
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.pipeline.validate import REPORTS


@dataclass
class Initialised:
    """What an initialisation did, as lists of project codes; `left` are in the group and not in the config: reported, never deleted."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def initialise_group(
    root: str, group: str, projects: list[dict[str, Any]], whole: bool = True, again: bool = False
) -> dict[str, list[str]]:
    """Make the group be what its config says. `whole` is False when only some of its projects are given; `again` also initialises
    those that nothing changed for.

    `projects` are `ProjectSpec` values as JSON, with their files. Projects made or changed are kept in the group's announcements
    until `announced` takes them off, so that an interrupted caller can still tell everybody.
    """
    workdir, specs = Workdir(Path(root)), [spec_from(value) for value in projects]
    names = [("group", group), *(("project code", spec.code) for spec in specs)]
    problems = [problem for kind, name in names if (problem := name_problem(kind, name))]
    if problems:
        raise ValueError("; ".join(problems))
    with held(workdir.group_lock(group), f"group {group}"):
        done = _sort(workdir, group, specs, again)
        keep_specs(workdir, group, specs)
        touched = {*done.created, *done.changed}
        write_json(workdir.announcements(group), {"codes": sorted({*to_announce(workdir, group), *touched})})
        for spec in specs:
            if spec.code in touched:
                _initialise(workdir, Project(group, spec.code), spec)
        listed = project_codes(workdir, group)
        _write_datasets(workdir, group, specs)
        new = [spec.code for spec in specs if spec.code not in set(listed)]
        write_lines(workdir.main_list(group), listed + new)
        if whole:
            done.left = [code for code in listed if code not in {spec.code for spec in specs}]
    return vars(done)


def to_announce(workdir: Workdir, group: str) -> list[str]:
    """Codes of projects initialised whose news is not out yet."""
    try:
        return read_json(workdir.announcements(group))["codes"]
    except CorruptFileError:
        return []


def announced(workdir: Workdir, group: str, codes: list[str]) -> None:
    """Take codes off the announcements."""
    with held(workdir.group_lock(group), f"group {group}"):
        left = [code for code in to_announce(workdir, group) if code not in set(codes)]
        write_json(workdir.announcements(group), {"codes": left})


def _sort(workdir: Workdir, group: str, specs: list[ProjectSpec], again: bool) -> Initialised:
    """See what there is to do, before anything is written."""
    done = Initialised()
    for spec in specs:
        project = Project(group, spec.code)
        if not workdir.base_cfg(project).exists():
            done.created.append(spec.code)
        elif again or not _is_current(workdir, project, spec):
            done.changed.append(spec.code)
        else:
            done.unchanged.append(spec.code)
    return done


def _initialise(workdir: Workdir, project: Project, spec: ProjectSpec) -> None:
    """Write one project's files; the base config, by which `_is_current` knows that it is done, comes last."""
    with held(workdir.project_lock(project), f"project {project}"):
        version = _next_version(workdir, project)
        _forget_derived(workdir, project)
        append_row(workdir.status_log(project), "init", "Success")
        write_lines(workdir.allfiles(project), list(spec.files))
        base, detail = _configs(project, spec, version)
        (workdir.project_dir(project) / "phase_logs").mkdir(exist_ok=True)
        write_json(workdir.detail_cfg(project), detail)
        write_json(workdir.base_cfg(project), base)


def _is_current(workdir: Workdir, project: Project, spec: ProjectSpec) -> bool:
    try:
        base = read_json(workdir.base_cfg(project))
        read_json(workdir.detail_cfg(project))
    except CorruptFileError:
        return False
    same_files = set(read_lines(workdir.allfiles(project))) == set(spec.files)
    return same_files and spec_of_base_cfg(base) == spec.as_dict() and workdir.status_log(project).exists()


def _next_version(workdir: Workdir, project: Project) -> str:
    """The version for a project initialised anew: the next one when this one is published, which is not touched any more."""
    try:
        base = read_json(workdir.base_cfg(project))
        published = workdir.completed / project.group / f"{project.code}_{product_of(workdir, project, base).revision}"
        major, minor = base["version_no"].split(".")
    except (CorruptFileError, KeyError, ValueError):
        return "1.0"
    return f"{major}.{int(minor) + 1}" if published.exists() else base["version_no"]


def _forget_derived(workdir: Workdir, project: Project) -> None:
    """Remove what was made from the earlier config, except products: those are replaced when computed again."""
    clear_cache(workdir, project)
    directory = workdir.project_dir(project)
    for name in (*REPORTS, "potential_issues.json"):
        remove(directory / name)
    remove(workdir.comparison(project))


def _configs(project: Project, spec: ProjectSpec, version: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """PADOCC's two config files for a new project, from its own defaults (`padocc/core/utils.py:52`), copied so that none leaks."""
    from padocc.core.utils import file_configs

    base, detail = copy.deepcopy(file_configs["base_cfg"]), copy.deepcopy(file_configs["detail_cfg"])
    cloud_format = "kerchunk" if spec.options.cloud_format == "parquet" else spec.options.cloud_format
    stored = spec.as_dict()
    base |= {
        "proj_code": project.code,
        "pattern": spec.pattern or list(spec.files),
        "updates": spec.updates,
        "removals": list(spec.removals),
        "version_no": version,
        "override": {"cloud_type": cloud_format, "file_type": "json" if cloud_format == "kerchunk" else None},
        "disable_CFA": not (spec.options.cfa or cloud_format == "CFA"),
        "keep_vars": list(spec.variables) or "all",
        "padocc_dagster": {"spec": stored, "options": dict(stored["options"]), "sources": list_digest(spec.files)},
    }
    detail["num_files"] = len(spec.files)
    return base, detail


def _write_datasets(workdir: Workdir, group: str, specs: list[ProjectSpec]) -> None:
    """PADOCC's copy of the group's config, with the rows of projects that are not in this one kept."""
    path = workdir.datasets_csv(group)
    rows = {line.split(",", 1)[0].strip(): line for line in read_lines(path)}
    for spec in specs:
        line = io.StringIO()
        pattern = spec.pattern or str(workdir.allfiles(Project(group, spec.code)))
        csv.writer(line, lineterminator="").writerow([spec.code, pattern, "", "", *spec.variables])
        rows[spec.code] = line.getvalue()
    write_text(path, "\n".join(rows.values()))
