"""The fields of a group config and of its projects, as pydantic models."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator

from padocc_dagster.pipeline.workdir.names import path_problem
from padocc_dagster.selection.options import Options, Variable, once
from padocc_dagster.selection.problems import Findings, some
from padocc_dagster.selection.text import read_text
from padocc_dagster.selection.validation import DEEPEST, Fields, Part, Text, shown

LARGEST = 2**63
"""Integers that an attribute can hold are below it."""


def _attribute(name: Any) -> str:
    """The name of an attribute in NetCDF and Zarr."""
    if isinstance(name, str) and name and name == name.strip() and name.isprintable() and "/" not in name:
        return name
    raise ValueError("not the name of an attribute; write printable characters without '/' and without spaces around them")


def _attribute_value(value: Any) -> Any:
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(isinstance(entry, (str, int, float)) for entry in entries):
        raise ValueError("write text, a number, true or false, or a list of these; put dates in quotes")
    if any(isinstance(entry, float) and not math.isfinite(entry) for entry in entries):
        raise ValueError("no finite number; write a number, or text in quotes")
    if any(isinstance(entry, int) and not -LARGEST <= entry < LARGEST for entry in entries):
        raise ValueError("too large for a 64-bit integer; write it as text, in quotes")
    return value


def _path(text: str) -> str:
    if problem := path_problem(text):
        raise ValueError(f"not safe, {problem}")
    return text


def _replaced(text: str) -> str:
    if not text.strip():
        raise ValueError("empty; write the part of the paths that is to be replaced")
    return _path(text)


Attribute = Annotated[str, PlainValidator(_attribute)]
Variables = Annotated[tuple[Variable, ...], Field(strict=False), AfterValidator(once)]
Removals = Annotated[
    tuple[Attribute, ...],
    Field(strict=False, description="write a list of attributes, [history, comment]"),
    AfterValidator(once),
]


class Common(Fields, title="the group config"):
    """What a config says of a project, or for all of them."""

    updates: dict[Attribute, Annotated[Any, AfterValidator(_attribute_value)]] = Field(
        default={}, description="write attributes and their values, {title: A1B}"
    )
    """Global attributes that the product gets, or the path of a JSON file with them."""
    removals: Removals = ()
    """Global attributes that the product does not get."""
    variables: Variables = ()
    """The variables of the product; all, where it is left out."""
    dropped: Variables = ()
    """Variables that the product does not get."""
    substitutions: dict[Annotated[str, AfterValidator(_replaced)], Annotated[str, AfterValidator(_path)]] = Field(
        default={}, description="write texts and what replaces them, {/old: /new}"
    )
    """Parts of the paths of source files, and what replaces them."""
    options: Options = Options()


class ProjectFields(Common, title="the project"):
    """A project of a config. Its source files are in one of `pattern`, `files` and `file_list`."""

    code: Text = ""
    """The project's name in its group."""
    pattern: Text = ""
    """The source files, as a shell writes them: `/archive/cru/tas/*.nc`."""
    files: list[Text] = []
    """The source files, one by one."""
    file_list: Text = ""
    """The path of a text file with a source file on each line."""


class GroupFields(Common, title="the group config"):
    """The whole config."""

    group: Text = ""
    """The group's name; that of the file, where it is left out."""
    projects: list[Any] = Field(default=[], description="write a list, one '- code: …' for each project")
    stac: Any = None
    """A catalogue, and what to select from it, in place of `projects`."""


PROJECT_FIELDS = ("code", "pattern", "files", "file_list", *Common.model_fields)


def with_files(part: Part, folder: Path, findings: Findings) -> Part:
    """The part with the content of JSON files in the place of their paths, which may be relative to the config's folder.

    Of a mapping of removals, the keys count.
    """
    if not isinstance(part.value, dict):
        return part
    value, files = dict(part.value), {}
    for name in ("updates", "removals", "substitutions"):
        if isinstance(value.get(name), str):
            try:
                files[name] = f"the {name} file {value[name].strip()!r}"
                value[name] = _read_json(folder, value[name].strip(), files[name])
            except ValueError as error:
                findings.add(part.line(name), str(error))
                del value[name]
    if isinstance(value.get("removals"), dict):
        value["removals"] = list(value["removals"])
    return replace(part, value=value, files=files)


def _read_json(folder: Path, written: str, what: str) -> Any:
    """The list or mapping in a JSON file. Raises ValueError."""
    if not written or (problem := path_problem(written)):
        raise ValueError(f"{what} has no good path: {problem if written else 'give the path of a JSON file'}")
    text = read_text(folder / written, what)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is not good JSON ({error}): correct it") from None
    if not isinstance(value, (dict, list)):
        raise ValueError(f'{what} is {shown(value)}: write {{"name": "value"}}, or a list of attributes to remove')
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child for entry in level if isinstance(entry, (dict, list)) for child in (entry.values() if isinstance(entry, dict) else entry)
        ]
    if level:
        raise ValueError(f"values in {what} are nested more than {DEEPEST} deep: attributes need 2")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are all different."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return value


def _not_finite(constant: str) -> None:
    raise ValueError(f"{constant} is not a finite number")


def refuse_set_and_removed(fields: Common, line: int, findings: Findings) -> None:
    """An attribute in both lists of one level cannot be meant."""
    if both := [name for name in fields.removals if name in fields.updates]:
        findings.add(line, f"{some(both)} is set in updates and removed in removals: keep one of the two")
