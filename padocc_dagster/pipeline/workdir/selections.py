"""The requests to catalogues and their results, kept with the groups that were made from it; see `selection/stac/manifest.py`."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.workdir.groups import list_groups, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.specs import known_spec, spec_to_edit

SHOWN = 10


def keep_selection(workdir: Workdir, group: str, manifest: dict[str, Any]) -> None:
    """Keep a selection in the place of the one before. Killed before this, the same selection made again finds its projects made."""
    with held(workdir.group_lock(group), f"group {group}"):
        write_json(workdir.selection(group), manifest)


def kept_selection(workdir: Workdir, group: str) -> dict[str, Any] | None:
    """The selection that a group was last made from; None where it was made otherwise. Raises CorruptFileError for a damaged one."""
    return read_json(workdir.selection(group)) if workdir.selection(group).exists() else None


def records_by_project(workdir: Workdir, group: str) -> dict[str, dict[str, Any]]:
    """Code → the records that the project was last made from, empty for files that were chosen otherwise; of all projects of the group."""
    return {code: known_spec(workdir, Project(group, code)).records for code in project_codes(workdir, group)}


def as_edited(workdir: Workdir, group: str, selected: Iterable[ProjectSpec]) -> list[ProjectSpec]:
    """The specs with everything but their files as the group's projects have it by now; new projects as they were selected."""
    specs = []
    for new in selected:
        project = Project(group, new.code)
        with suppress(CorruptFileError):  # a new project, or what it was made from is lost
            old = spec_to_edit(workdir, project)
            of_catalogue: dict[str, Any] = {"files": new.files, "records": new.records, "item": new.item, "checksums": new.checksums}
            new = replace(old, pattern="", substitutions={}, **of_catalogue)
        specs.append(new)
    return specs


def forget_selection(workdir: Workdir, group: str) -> None:
    """Stop following the catalogue: the group has another source now."""
    with held(workdir.group_lock(group), f"group {group}"):
        workdir.selection(group).unlink(missing_ok=True)


def selected_groups(workdir: Workdir) -> list[str]:
    """The groups that were made from a selection and still have projects."""
    return [group for group in list_groups(workdir) if workdir.selection(group).exists() and project_codes(workdir, group)]


def summary(workdir: Workdir, group: str) -> dict[str, str | int]:
    """The group's selection for people, with what was withdrawn since; empty where there is none."""
    try:
        manifest = kept_selection(workdir, group)
        shown = dict(manifest["summary"]) if manifest else {}
    except (CorruptFileError, OSError, KeyError, TypeError, ValueError):
        return {}
    if gone := withdrawn_items(workdir, group):
        shown["projects with withdrawn items"] = len(gone)
        shown["withdrawn"] = "; ".join(f"{code}: {', '.join(items)}" for code, items in list(gone.items())[:SHOWN])
    return shown


def withdrawn_items(workdir: Workdir, group: str) -> dict[str, list[str]]:
    """Code → the items that its catalogue has withdrawn and the project still has; none where nothing was selected or can be read."""
    try:
        manifest = kept_selection(workdir, group)
        entries = manifest["projects"].items() if manifest else ()
        return {code: [str(item) for item in entry["withdrawn"]] for code, entry in entries if entry.get("withdrawn")}
    except (CorruptFileError, OSError, KeyError, TypeError, AttributeError):
        return {}
