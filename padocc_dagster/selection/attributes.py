"""Which attributes a project sets and removes, and which variables it keeps or leaves out."""

import json
import math
import re
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.names import path_problem
from padocc_dagster.selection.problems import Findings, some
from padocc_dagster.selection.text import Unreadable, read_text
from padocc_dagster.selection.tree import Fields, Node, kind, plain, text_of, texts_of

VARIABLE = re.compile(r"[A-Za-z0-9_.+\-]+")
LARGEST_INTEGER = 2**63
EXPECTED = "expected text, a number, true or false, or a list of these"


def read_updates(fields: Fields, folder: Path, findings: Findings) -> dict[str, Any]:
    """The attributes to set: a mapping in the config, or the path of a JSON file that holds an object."""
    node = fields.get("updates")
    if node is None:
        return {}
    read = value_of(node, "updates", folder, findings)
    if read is None:
        return {}
    value, where = read
    if not isinstance(value, dict):
        findings.add(node.line, f'{where} is {kind(value)}, expected attributes and their values: write {{"attribute": value}}')
        return {}
    lines = {key: child.line for key, child in node.value.items()} if isinstance(node.value, dict) else {}
    good = {}
    for name, entry in value.items():
        problem = attribute_problem(name) or value_problem(entry)
        if problem:
            findings.add(lines.get(name, node.line), f"attribute {name[:60]!r} in {where} {problem}")
        else:
            good[name] = entry
    return good


def read_removals(fields: Fields, folder: Path, findings: Findings) -> tuple[str, ...]:
    """The attributes to remove: a list in the config, or a JSON file with a list, or with an object whose keys count."""
    node = fields.get("removals")
    if node is None:
        return ()
    read = value_of(node, "removals", folder, findings)
    if read is None:
        return ()
    value, where = read
    if not isinstance(value, (list, dict)):
        findings.add(node.line, f'{where} is {kind(value)}, expected a list of attributes: write ["attribute", "another"]')
        return ()
    lines = [child.line for child in node.value] if isinstance(node.value, list) else []
    good = []
    for place, name in enumerate(value):
        problem = attribute_problem(name) if isinstance(name, str) else f"is {kind(name)}, expected the name of an attribute"
        if problem:
            findings.add(lines[place] if lines else node.line, f"attribute {str(name)[:60]!r} in {where} {problem}")
        else:
            good.append(name)
    return tuple(dict.fromkeys(good))


def read_variables(fields: Fields, findings: Findings, field: str = "variables") -> tuple[str, ...]:
    """The variables to keep, or the dropped ones, as a list in the config."""
    if field not in fields:
        return ()
    nodes = texts_of(fields[field], field, findings)
    for node in nodes:
        if not VARIABLE.fullmatch(node.value):
            findings.add(node.line, f"variable {node.value[:60]!r} is no name: use letters, digits, '_', '.', '+' and '-' only")
    return tuple(dict.fromkeys(node.value for node in nodes))


def refuse_set_and_removed(fields: Fields, updates: dict[str, Any], removals: tuple[str, ...], findings: Findings) -> None:
    """An attribute in both lists of one level cannot be meant."""
    both = [name for name in removals if name in updates]
    if both:
        findings.add(fields["removals"].line, f"{some(both)} is set in updates and removed in removals: keep one of the two")


def value_of(node: Node, what: str, folder: Path, findings: Findings) -> tuple[Any, str] | None:
    """The plain value and how to call it; None when there is none to read.

    Text is the path of a JSON file, which may be relative to the config's folder.
    """
    if not isinstance(node.value, str):
        return plain(node), what
    written = text_of(node, what, findings) or ""
    problem = path_problem(written)
    if problem or not written:
        findings.add(node.line, f"the {what} file has no good path: {problem or 'give the path of a JSON file'}")
        return None
    where = f"the {what} file {written!r}"
    try:
        return json.loads(read_text(folder / written, where), object_pairs_hook=once, parse_constant=not_finite), where
    except Unreadable as error:
        findings.add(node.line, str(error))
    except (ValueError, RecursionError) as error:
        findings.add(node.line, f"{where} is not good JSON ({error}): correct it")
    return None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are all different."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return value


def not_finite(constant: str) -> None:
    raise ValueError(f"{constant} is not a finite number")


def attribute_problem(name: str) -> str | None:
    """Why a text cannot be the name of an attribute in NetCDF and Zarr."""
    if name.strip() and name == name.strip() and name.isprintable() and "/" not in name:
        return None
    return "is not a name: write printable characters without '/' and without spaces around them"


def value_problem(value: Any) -> str | None:
    """Why a value cannot be that of an attribute."""
    if isinstance(value, list):
        if not value:
            return f"is an empty list: {EXPECTED}"
        if any(isinstance(entry, list) for entry in value):
            return f"has a list inside a list: {EXPECTED}"
        return next(filter(None, map(value_problem, value)), None)
    if isinstance(value, float) and not math.isfinite(value):
        return "is not a finite number: write a number, or text in quotes"
    if isinstance(value, int) and not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        return "is too large for a 64-bit integer: write it as text, in quotes"
    if not isinstance(value, (str, int, float, bool)):
        return f"is or holds {kind(value)}: {EXPECTED}; put dates in quotes"
    return None
