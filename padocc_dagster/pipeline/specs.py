"""The specs that a group was last made from, kept with the group: from them a project is made again, whatever befell its own files."""

from typing import Any

from padocc_dagster.pipeline.attributes import asked_attributes
from padocc_dagster.pipeline.files import CorruptFileError, read_json, write_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.spec import ProjectOptions, ProjectSpec


def keep_specs(workdir: Workdir, group: str, specs: list[ProjectSpec]) -> None:
    """Store the specs beside those kept before, with the files of those that list them; the group's lock is held."""
    new = {spec.code: spec.as_dict() | ({} if spec.pattern else {"files": list(spec.files)}) for spec in specs}
    kept = _kept(workdir, group) | new
    write_json(workdir.specs(group), kept)


def stored_spec(workdir: Workdir, project: Project) -> ProjectSpec:
    """The spec that the project was last made from; without files where a pattern or a list file says which they are.

    For a project that plain PADOCC made, it is read from its base config. The project's own list of files is never asked: it may be
    what is damaged. Raises CorruptFileError when nothing else can be read.
    """
    value = _kept(workdir, project.group).get(project.code)
    if value is None:
        base = read_json(workdir.base_cfg(project))
        value = spec_of_base_cfg(base) | ({"files": base["pattern"]} if isinstance(base.get("pattern"), list) else {})
    return spec_from({"files": [], **value})


def spec_from(value: dict[str, Any]) -> ProjectSpec:
    """A spec from its JSON form with files."""
    lists = {name: tuple(value[name]) for name in ("files", "removals", "variables")}
    return ProjectSpec(**{**value, **lists, "options": ProjectOptions(**value["options"])})


def spec_of_base_cfg(base: dict[str, Any]) -> dict[str, Any]:
    """The spec in a project's base config, or what the config of a project made by plain PADOCC amounts to."""
    recorded = base.get("padocc_dagster", {}).get("spec")
    if recorded:
        return recorded
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
