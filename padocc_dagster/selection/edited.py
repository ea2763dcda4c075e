"""What a project is made from, edited: fields set or removed one by one, and the whole checked as a group config is.

A field is called as in a group config, options without the word `options`: `pattern`, `variables`, `cloud_format`. One entry of a mapping
is reached by a dot: `updates.title`, `xarray.decode_times`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.remedies.words import TO_FILL_IN
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.pipeline.workdir.spec import ProjectSpec
from padocc_dagster.pipeline.workdir.step import StepRefused
from padocc_dagster.selection.fields import PROJECT_FIELDS
from padocc_dagster.selection.options import Options
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.project import Group, read_project
from padocc_dagster.selection.sources import WAYS
from padocc_dagster.selection.validation import Part

OPTIONS = tuple(Options.model_fields)
FIELDS = (*(name for name in PROJECT_FIELDS if name not in ("code", "options")), *OPTIONS)
PLACEHOLDERS = (*filter(str.isupper, TO_FILL_IN.values()), "NAME", "VALUE")
WITH_ENTRIES = ("updates", "substitutions", "xarray")


def edited(
    specs: Mapping[Project, ProjectSpec], setting: Mapping[str, Any], removing: Sequence[str], folder: Path
) -> dict[Project, ProjectSpec]:
    """The specs with the fields set and removed (back to their defaults), and with the source files that there are now.

    Setting one of `pattern`, `files` and `file_list` replaces the others. Relative list and JSON files start at `folder`.
    Raises StepRefused with every problem of every project.
    """
    if problems := _field_problems(setting, removing):
        raise StepRefused(problems)
    groups: dict[str, Group] = {}
    edits: dict[Project, ProjectSpec] = {}
    for project, spec in specs.items():
        findings = Findings()
        part = Part(_edit(_values(spec), setting, removing))
        found = read_project(part, groups.setdefault(project.group, Group(folder)), findings)
        prefix = f"project {spec.code[:40]!r}: "
        problems += [f"{project}: {problem.text.removeprefix(prefix)}" for problem in findings.problems]
        if found:
            edits[project] = _with_records(spec, found)
    if problems:
        raise StepRefused(dict.fromkeys(problems))
    return edits


def differences(old: ProjectSpec, new: ProjectSpec) -> list[str]:
    """What an edit changes, one `field: old → new` each."""
    before, after = _values(old), _values(new)
    changed = []
    for name in (*PROJECT_FIELDS, *OPTIONS):
        one, other = (side["options"].get(name, side.get(name)) for side in (before, after))
        if name != "options" and one != other:
            changed.append(f"{name}: {_shown(one)} → {_shown(other)}")
    return changed


def _with_records(old: ProjectSpec, new: ProjectSpec) -> ProjectSpec:
    """An edit that leaves the files as they are leaves them their order and their records."""
    if old.records and not new.pattern and set(old.files) == set(new.files):
        return replace(new, files=old.files, records=old.records)
    return new


def _field_problems(setting: Mapping[str, Any], removing: Sequence[str]) -> list[str]:
    problems = [f"{word} is a placeholder for a name of your own: write that instead" for word in PLACEHOLDERS if word in _words(setting)]
    if not setting and not removing:
        problems.append("nothing is to be set or removed: name at least one field, as in cloud_format=zarr")
    for name in (*setting, *removing):
        head, dot, entry = name.partition(".")
        if name == "code":
            problems.append("a project's code cannot be edited: it is the name of its folder; remove the project and add it under another")
        elif head in Options.refused:
            problems.append(f"{head} has no effect: {Options.refused[head]}")
        elif head not in FIELDS:
            problems.append(f"there is no field {name[:60]!r}: {nearest(head, FIELDS)}")
        elif dot and (head not in WITH_ENTRIES or not entry):
            problems.append(f"{name[:60]!r} names no entry: only {', '.join(WITH_ENTRIES)} have entries, as in updates.title")
    problems += [f"{name} is to be set and to be removed: keep one of the two" for name in removing if name in setting]
    ways = [name for name in WAYS if name in setting]
    if len(ways) > 1:
        problems.append(f"{' and '.join(ways)} are to be set: keep exactly one of them")
    return problems


def _words(value: Any) -> set[str]:
    """The words in a value, at any depth."""
    if isinstance(value, Mapping):
        return {word for name, child in value.items() for word in (str(name).rpartition(".")[2], *_words(child))}
    if isinstance(value, (list, tuple)):
        return {word for child in value for word in _words(child)}
    return {str(value)}


def _values(spec: ProjectSpec) -> dict[str, Any]:
    """The fields of a project in a group config that says all that the spec says."""
    value = spec.as_dict()
    defaults = ProjectSpec("", "", ()).as_dict()
    options = {name: option for name, option in value["options"].items() if option != defaults["options"][name]}
    given = {name: found for name, found in value.items() if name not in ("pattern", "options", "records") and found != defaults[name]}
    source = {"pattern": spec.pattern} if spec.pattern else {"files": list(spec.files)}
    return {**given, **source, "options": options}


def _edit(values: dict[str, Any], setting: Mapping[str, Any], removing: Sequence[str]) -> dict[str, Any]:
    for name in WAYS if any(way in setting for way in WAYS) else ():
        values.pop(name, None)
    for name in (*removing, *setting):
        head, _, entry = name.partition(".")
        place, new = values["options"] if head in OPTIONS else values, {entry or head: setting[name]} if name in setting else {}
        if not entry:
            place.pop(head, None)
            place |= new
        elif isinstance(place.setdefault(head, {}), dict):
            place[head] = {key: value for key, value in place[head].items() if key != entry} | new
    if setting.get("cloud_format") in ("zarr", "CFA") and "aggregator" not in setting:
        values["options"].pop("aggregator", None)  # one that an earlier recomputation chose has no part in these formats
    return values


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    text = f"a list of {len(value)}" if isinstance(value, list) and len(value) > 10 else str(value)
    return text if len(text) <= 200 else text[:200] + "…"
