"""The spec of a project, `spec.json` in its folder: what it is made from. That of plain PADOCC's projects is read from their base config.

The file holds `ProjectSpec.as_dict()` and, beside it:

    id      the same as in base-cfg.json, which is written later: where they differ, an initialisation was interrupted between the two
    files   the source files, where neither a pattern nor a list file names them
    chosen  the cloud format and the aggregator that a recomputation has chosen since; of plain PADOCC's projects there is only this
"""

import glob
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.spec import ProjectOptions, ProjectSpec

REMEDY = "drop the config of its group into the inbox again"


def write_spec(workdir: Workdir, project: Project, spec: ProjectSpec) -> str:
    """Write what the project is initialised from; the project's lock is held. Returns the `id` for the base config."""
    value, files = spec.as_dict(), {"files": list(spec.files)}
    identity = hashlib.sha256(json.dumps(value | files, sort_keys=True).encode()).hexdigest()
    write_json(workdir.spec(project), {**value, **({} if spec.pattern else files), "id": identity})
    return identity


def choose(workdir: Workdir, project: Project, **choices: str | None) -> ProjectOptions:
    """Keep the cloud format or aggregator that a recomputation chooses, None for no choice. Returns the options with the choices."""
    options = spec_of(workdir, project).options
    chosen: dict[str, Any] = {name: choice for name, choice in choices.items() if choice is not None}
    if (changed := replace(options, **chosen)) != options:
        kept = _kept(workdir, project, read_json(workdir.base_cfg(project)))
        write_json(workdir.spec(project), {**kept, "chosen": {**kept.get("chosen", {}), **chosen}})
    return changed


def spec_of(workdir: Workdir, project: Project, base: dict[str, Any] | None = None, chosen: bool = True) -> ProjectSpec:
    """The spec that the project's phases use, with the choices of a recomputation or without. It names no files.

    `base` is its base config, where that was read already. Raises CorruptFileError when a file is damaged or missing, or an
    initialisation was interrupted.
    """
    base = read_json(workdir.base_cfg(project)) if base is None else base
    kept = _kept(workdir, project, base)
    spec = replace(_spec_from(workdir, project, kept), files=()) if "id" in kept else _spec_of_plain(base)
    return replace(spec, options=replace(spec.options, **kept.get("chosen", {}))) if chosen else spec


def stored_spec(workdir: Workdir, project: Project) -> ProjectSpec:
    """The spec that the project was last initialised from; without files where a pattern or a list file names them.

    The project's other files may be damaged. For a project that plain PADOCC made, its own list of files is used only where nothing else
    names the files that PADOCC's substitutions led to. Raises CorruptFileError when nothing can be read.
    """
    try:
        base = read_json(workdir.base_cfg(project))
    except CorruptFileError:
        if not workdir.spec(project).exists():
            raise
    else:
        if not _identity(base):
            return replace(_spec_of_plain(base), **_files_of_plain(workdir, project, base))
    return _spec_from(workdir, project, read_json(workdir.spec(project), REMEDY))


def known_spec(workdir: Workdir, project: Project) -> ProjectSpec:
    """The stored spec; where that is lost, a spec of nothing but the code."""
    try:
        return stored_spec(workdir, project)
    except CorruptFileError:
        return ProjectSpec(project.code, "", ())


def spec_to_edit(workdir: Workdir, project: Project) -> ProjectSpec:
    """The stored spec as an edit starts from it: with the cloud format and aggregator that a recomputation has chosen since.

    A project that plain PADOCC made keeps its files, also where its pattern or list file finds others by now: then they are listed (none,
    which no edit accepts, where its own list is damaged).
    """
    spec = stored_spec(workdir, project)
    try:
        base = read_json(workdir.base_cfg(project))
        options = spec_of(workdir, project, base).options
    except CorruptFileError:
        return spec
    if spec.pattern and not _identity(base) and set(_found(spec.pattern, spec.substitutions)) != set(read_lines(workdir.allfiles(project))):
        spec = replace(spec, pattern="", files=_own_list(workdir, project), substitutions={})
    return replace(spec, options=options)


def spec_from(value: dict[str, Any]) -> ProjectSpec:
    """A spec from its JSON form, with files where it has them."""
    lists: dict[str, Any] = {name: tuple(value.get(name, ())) for name in ("files", "removals", "variables", "dropped")}
    options: dict[str, Any] = {name: tuple(option) if isinstance(option, list) else option for name, option in value["options"].items()}
    return ProjectSpec(**{**value, **lists, "options": ProjectOptions(**options)})


def _identity(base: dict[str, Any]) -> str | None:
    """Which spec.json belongs to the base config; None for a project that plain PADOCC made."""
    identity: str | None = base.get("padocc_dagster", {}).get("spec")
    return identity


def _kept(workdir: Workdir, project: Project, base: dict[str, Any]) -> dict[str, Any]:
    """The spec.json that belongs to the base config; empty for a project of plain PADOCC for which nothing was chosen."""
    path, identity = workdir.spec(project), _identity(base)
    kept = read_json(path, REMEDY) if identity or path.exists() else {}
    if kept.get("id") == identity:
        return kept
    if identity:
        raise CorruptFileError(f"{path} is not what {project} was last initialised from: {REMEDY}")
    return {}


def _spec_from(workdir: Workdir, project: Project, kept: dict[str, Any]) -> ProjectSpec:
    try:
        return spec_from({name: value for name, value in kept.items() if name not in ("id", "chosen")})
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptFileError(f"{workdir.spec(project)} does not hold a spec ({error!r}): {REMEDY}") from None


def _spec_of_plain(base: dict[str, Any]) -> ProjectSpec:
    """The spec of a project made by plain PADOCC, from its base config.

    PADOCC names the attributes `updates` and `removals`, or `update` and `remove` when a CSV initialised the project
    (`padocc/groups/mixins/initialisation.py:365`).
    """
    updates, removals = base.get("updates") or base.get("update"), base.get("removals") or base.get("remove") or ()
    kept, pattern = base.get("keep_vars"), base.get("pattern")
    return ProjectSpec(
        code=base.get("proj_code") or "",
        pattern=pattern if isinstance(pattern, str) else "",
        files=(),
        updates=dict(updates) if isinstance(updates, dict) else {},
        removals=() if isinstance(removals, str) else tuple(removals),
        variables=tuple(kept) if isinstance(kept, list) and any(kept) else (),
        substitutions=_substitutions(base) if isinstance(pattern, str) else {},
        options=ProjectOptions(cloud_format=(base.get("override") or {}).get("cloud_type") or "kerchunk"),
    )


def _substitutions(base: dict[str, Any]) -> dict[str, str]:
    """What PADOCC replaced in the paths that it found, and nowhere else (`padocc/core/project.py:702`)."""
    given = base.get("substitutions")
    datasets = given.get("datasets") if isinstance(given, dict) else None
    return {str(text): str(other) for text, other in datasets.items()} if isinstance(datasets, dict) else {}


def _files_of_plain(workdir: Workdir, project: Project, base: dict[str, Any]) -> dict[str, Any]:
    """The fields of a spec that name the files of a project that plain PADOCC made, with the substitutions as PADOCC made them.

    A pattern stays one where replacing in it finds the same as PADOCC's replacing in what it found. Elsewhere the files are listed.
    """
    pattern, substitutions = base.get("pattern"), _substitutions(base)
    if isinstance(pattern, list):
        return {"files": tuple(_substituted(str(path), substitutions) for path in pattern)}
    if not substitutions or not pattern or pattern.endswith(".txt"):
        return {}
    as_padocc = {_substituted(path, substitutions) for path in glob.glob(pattern, recursive=True)}
    if as_padocc == set(_found(pattern, substitutions)):
        return {}
    own = _own_list(workdir, project)
    if not own:
        raise CorruptFileError(f"{workdir.allfiles(project)} is not the list that {project} was initialised with: edit its files")
    return {"pattern": "", "files": own, "substitutions": {}}


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
