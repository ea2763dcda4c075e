"""The specs that a group was last made from, kept with the group: from them a project is made again, whatever befell its own files."""

import glob
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.files import CorruptFileError, read_json, read_lines, write_json
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

    For a project that plain PADOCC made, it is read from its base config. The project's own list of files may be what is damaged: it is
    asked only where nothing else tells the files that PADOCC's substitutions led to. Raises CorruptFileError when nothing else can be read.
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
            value = spec_of_base_cfg(base) | _files_of_plain(workdir, project, base)
        found[project] = spec_from({"files": [], **value})
    return found


def with_choices(workdir: Workdir, project: Project, spec: ProjectSpec) -> ProjectSpec:
    """The spec as an edit starts from it: with the cloud format and aggregator that a recomputation has chosen since.

    A project that plain PADOCC made keeps its files, whatever its pattern or list file stands for by now: where that is something
    else, they are listed (none, which no edit accepts, where its own list is damaged).
    """
    try:
        base = read_json(workdir.base_cfg(project))
    except CorruptFileError:
        return spec
    options = options_of(base)
    by_padocc = spec.pattern and not base.get("padocc_dagster", {}).get("spec")
    if by_padocc and set(_found(spec.pattern, spec.substitutions)) != set(read_lines(workdir.allfiles(project))):
        spec = replace(spec, pattern="", files=_own_list(workdir, project), substitutions={})
    chosen = {name: options[name] for name in ("cloud_format", "aggregator") if name in options}
    return replace(spec, options=replace(spec.options, **chosen))


def spec_from(value: dict[str, Any]) -> ProjectSpec:
    """A spec from its JSON form with files."""
    lists: dict[str, Any] = {name: tuple(value[name]) for name in ("files", "removals", "variables", "dropped") if name in value}
    options: dict[str, Any] = {name: tuple(option) if isinstance(option, list) else option for name, option in value["options"].items()}
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
        substitutions=_substitutions(base) if isinstance(base.get("pattern"), str) else {},
        options=ProjectOptions(cloud_format=(base.get("override") or {}).get("cloud_type") or "kerchunk"),
    ).as_dict()


def _substitutions(base: dict[str, Any]) -> dict[str, str]:
    """What PADOCC replaced in the paths that it found, and nowhere else (`padocc/core/project.py:702`)."""
    given = base.get("substitutions")
    asked = given.get("datasets") if isinstance(given, dict) else None
    return {str(text): str(other) for text, other in asked.items()} if isinstance(asked, dict) else {}


def _files_of_plain(workdir: Workdir, project: Project, base: dict[str, Any]) -> dict[str, Any]:
    """What says, in a spec, which files a project has that plain PADOCC made, with the substitutions as PADOCC made them.

    A pattern stays one where replacing in it finds the same as PADOCC's replacing in what it found. Elsewhere the files are listed.
    """
    pattern, substitutions = base.get("pattern"), _substitutions(base)
    if isinstance(pattern, list):
        return {"files": [_substituted(str(path), substitutions) for path in pattern]}
    if not substitutions or not pattern or pattern.endswith(".txt"):
        return {}
    as_padocc = {_substituted(path, substitutions) for path in glob.glob(pattern, recursive=True)}
    if as_padocc == set(_found(pattern, substitutions)):
        return {}
    own = _own_list(workdir, project)
    if not own:
        raise CorruptFileError(f"{workdir.allfiles(project)} is not the list that {project} was initialised with: edit its files")
    return {"pattern": "", "files": list(own), "substitutions": {}}


def _found(pattern: str, substitutions: dict[str, str]) -> list[str]:
    """The files of a pattern or list file, looked for as `selection` does."""
    if not pattern.endswith(".txt"):
        return glob.glob(_substituted(pattern, substitutions), recursive=True)
    try:
        lines = (line.strip() for line in Path(pattern).read_text(encoding="utf-8").split("\n"))
        return [_substituted(line, substitutions) for line in lines if line and not line.startswith("#")]
    except (OSError, ValueError):
        return []


def _substituted(path: str, substitutions: dict[str, str]) -> str:
    for text, other in substitutions.items():
        path = path.replace(text, other)
    return path


def _own_list(workdir: Workdir, project: Project) -> tuple[str, ...]:
    """The project's own list of files; none when it is not as long as PADOCC noted, or nothing notes that."""
    files = read_lines(workdir.allfiles(project))
    try:
        noted = read_json(workdir.detail_cfg(project)).get("num_files")
    except CorruptFileError:
        return ()
    return tuple(files) if noted in (None, len(files)) else ()


def _kept(workdir: Workdir, group: str) -> dict[str, Any]:
    try:
        return read_json(workdir.specs(group))
    except CorruptFileError:
        return {}
