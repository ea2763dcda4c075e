"""Groups made and brought up to date from checked configs: new projects added, changed ones initialised anew.

PADOCC's `init_group` runs once only, writes as it goes, and leaves half a group behind at the first bad line
(`padocc/groups/mixins/initialisation.py:256`). Here the files that it would write are written, each in one step, a project's base
config last: killed anywhere, the same call made again completes the work.
"""

import contextlib
import copy
import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.announcements import change_announcements
from padocc_dagster.pipeline.files import CorruptFileError, read_json, read_lines, write_json, write_lines, write_text
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import LockedError, held
from padocc_dagster.pipeline.making.operation import clear_cache, remove
from padocc_dagster.pipeline.making.validate import REPORTS
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.names import name_problem
from padocc_dagster.pipeline.outcome import Verdict
from padocc_dagster.pipeline.sources import list_digest
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.specs import keep_specs, restore_specs, spec_from, spec_of_base_cfg
from padocc_dagster.pipeline.status import append_row, read_rows

LOCK_WAIT_SECONDS = 2.0


@dataclass
class Initialised:
    """What an initialisation did, as lists of project codes.

    `left` are in the group and not in the config: reported, never deleted. `locked` have changed and are at work: try again later.
    """

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)


def initialise_group(
    root: str, group: str, projects: list[dict[str, Any]], whole: bool = True, again: bool = False
) -> dict[str, list[str]]:
    """Make the group be what its config says. `whole` is False when only some of its projects are given; `again` also initialises
    those that nothing changed for.

    `projects` are `ProjectSpec` values as JSON, with their files. Projects made or changed are kept in the group's announcements
    until `announcements.announced` takes them off, so that an interrupted caller can still tell everybody.
    """
    workdir, specs = Workdir(Path(root)), [spec_from(value) for value in projects]
    names = [("group", group), *(("project code", spec.code) for spec in specs)]
    problems = [problem for kind, name in names if (problem := name_problem(kind, name))]
    if problems:
        raise ValueError("; ".join(problems))
    finish_unfinished(workdir)  # or a project that was on its way to another group would be made anew in this one
    with held(workdir.group_lock(group), f"group {group}"):
        done = _sort(workdir, group, specs, again)
        before = keep_specs(workdir, group, specs)
        touched = {*done.created, *done.changed}
        change_announcements(workdir, group, adding=touched)
        for spec in specs:
            if spec.code in touched and not _initialise(workdir, Project(group, spec.code), spec):
                done.locked.append(spec.code)
        change_announcements(workdir, group, without=done.locked)
        restore_specs(workdir, group, before, done.locked)
        _write_datasets(workdir, group, specs)
        listed = read_lines(workdir.main_list(group))  # as they are: PADOCC takes names that this package does not
        write_lines(workdir.main_list(group), list(dict.fromkeys([*listed, *(spec.code for spec in specs)])))
        if whole:
            done.left = sorted({*listed} - {spec.code for spec in specs})
    return vars(done)


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


def _initialise(workdir: Workdir, project: Project, spec: ProjectSpec) -> bool:
    """Write one project's files; the base config, by which `_is_current` knows that it is done, comes last. False when it is at work."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(workdir.project_lock(project), f"project {project}", wait=LOCK_WAIT_SECONDS))
        except LockedError:
            return False
        version = _next_version(workdir, project)
        _keep_version(workdir, project, version)
        _forget_derived(workdir, project)
        append_row(workdir.status_log(project), "init", "Success")
        write_lines(workdir.allfiles(project), list(spec.files))
        base, detail = _configs(project, spec, version)
        (workdir.project_dir(project) / "phase_logs").mkdir(exist_ok=True)
        write_json(workdir.detail_cfg(project), detail)
        write_json(workdir.base_cfg(project), base)
    return True


def _is_current(workdir: Workdir, project: Project, spec: ProjectSpec) -> bool:
    try:
        base = read_json(workdir.base_cfg(project))
        read_json(workdir.detail_cfg(project))
    except CorruptFileError:
        return False
    same_files = set(read_lines(workdir.allfiles(project))) == set(spec.files)
    return same_files and spec_of_base_cfg(base) == spec.as_dict() and workdir.status_log(project).exists()


def _next_version(workdir: Workdir, project: Project) -> str:
    """The version for a project initialised anew: beyond whatever is published of it in any format, which is not touched any more.

    What it published in another group, before it was moved, is known by its status log only.
    """
    rows = read_rows(workdir.status_log(project))
    try:
        current = read_json(workdir.base_cfg(project))["version_no"]
        rows = rows[max((number for number, row in enumerate(rows) if row.phase == "init"), default=0) :]
    except (CorruptFileError, KeyError):
        current = "1.0"
    names = [path.name for path in (workdir.completed / project.group).glob(f"{project.code}_*")]
    revision = re.compile(rf"{re.escape(project.code)}_(?:k|kr|zr|c)(\d+)\.(\d+)")
    published = [tuple(map(int, found.groups())) for name in names if (found := revision.fullmatch(name))]
    now = tuple(map(int, current.split(".")))
    if any(row.phase == "complete" and row.verdict in (Verdict.OK, Verdict.WARNED) for row in rows):
        published.append(now)
    major, minor = max(published, default=(0, 0))
    return current if now > (major, minor) else f"{major}.{minor + 1}"


def _keep_version(workdir: Workdir, project: Project, version: str) -> None:
    """Write down the version before the row that hides the publication: killed in between, the same call goes beyond it once more."""
    with contextlib.suppress(CorruptFileError):
        base = read_json(workdir.base_cfg(project))
        if base.get("version_no") != version:
            write_json(workdir.base_cfg(project), {**base, "version_no": version})


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
