"""The specs that a group was last made from, kept with the group: from them a project is made again, whatever befell its own files."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from padocc_dagster.pipeline.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.making.attributes import asked_attributes
from padocc_dagster.pipeline.product import options_of
from padocc_dagster.pipeline.spec import ProjectOptions, ProjectSpec


def keep_specs(workdir: Workdir, group: str, specs: list[ProjectSpec]) -> dict[str, Any]:
    """Store the specs beside those kept before, with the files of those that list them; the group's lock is held.

    Returns what was kept before.
    """
    new = {spec.code: spec.as_dict() | ({} if spec.pattern else {"files": list(spec.files)}) for spec in specs}
    before = _kept(workdir, group)
    write_json(workdir.specs(group), before | new)
    return before


def restore_specs(workdir: Workdir, group: str, before: dict[str, Any], codes: list[str]) -> None:
    """Put back the specs of projects that could not be made anew: they are still what they were."""
    if codes:
        old = {code: before[code] for code in codes if code in before}
        others = {code: spec for code, spec in _kept(workdir, group).items() if code not in codes}
        write_json(workdir.specs(group), others | old)


def stored_spec(workdir: Workdir, project: Project) -> ProjectSpec:
    """The spec that the project was last made from; without files where a pattern or a list file says which they are.

    For a project that plain PADOCC made, it is read from its base config. The project's own list of files is never asked: it may be
    what is damaged. Raises CorruptFileError when nothing else can be read.
    """
    return stored_specs(workdir, [project])[project]


def stored_specs(workdir: Workdir, projects: Iterable[Project]) -> dict[Project, ProjectSpec]:
    """The specs of many projects, as `stored_spec` gives each: what a group keeps is read once."""
    groups: dict[str, dict[str, Any]] = {}
    found = {}
    for project in projects:
        if project.group not in groups:
            groups[project.group] = _kept(workdir, project.group)
        value = groups[project.group].get(project.code)
        if value is None:
            base = read_json(workdir.base_cfg(project))
            value = spec_of_base_cfg(base) | ({"files": base["pattern"]} if isinstance(base.get("pattern"), list) else {})
        found[project] = spec_from({"files": [], **value})
    return found


def with_choices(workdir: Workdir, project: Project, spec: ProjectSpec) -> ProjectSpec:
    """The spec with the cloud format and aggregator chosen for the project since it was made from it, by a recomputation."""
    try:
        options = options_of(read_json(workdir.base_cfg(project)))
    except CorruptFileError:
        return spec
    chosen = {name: options[name] for name in ("cloud_format", "aggregator") if name in options}
    return replace(spec, options=replace(spec.options, **chosen))


def spec_from(value: dict[str, Any]) -> ProjectSpec:
    """A spec from its JSON form with files."""
    lists = {name: tuple(value[name]) for name in ("files", "removals", "variables", "dropped") if name in value}
    options = {name: tuple(option) if isinstance(option, list) else option for name, option in value["options"].items()}
    return ProjectSpec(**{**value, **lists, "options": ProjectOptions(**options)})


def dropped_of(base: dict[str, Any]) -> list[str]:
    """The variables that a project's base config leaves out."""
    return list((base.get("padocc_dagster", {}).get("spec") or {}).get("dropped") or ())


def spec_of_base_cfg(base: dict[str, Any]) -> dict[str, Any]:
    """The spec in a project's base config, or what the config of a project made by plain PADOCC amounts to."""
    recorded = base.get("padocc_dagster", {}).get("spec")
    if recorded:
        return spec_from({"files": [], **recorded}).as_dict()
    updates, removals = asked_attributes(base)
    kept = base.get("keep_vars")
    return ProjectSpec(
        code=base.get("proj_code") or "",
        pattern=base["pattern"] if isinstance(base.get("pattern"), str) else "",
        files=(),
        updates=updates,
        removals=removals,
        variables=tuple(kept) if isinstance(kept, list) else (),
        options=ProjectOptions(cloud_format=(base.get("override") or {}).get("cloud_type") or "kerchunk"),
    ).as_dict()


def _kept(workdir: Workdir, group: str) -> dict[str, Any]:
    try:
        return read_json(workdir.specs(group))
    except CorruptFileError:
        return {}
