"""The conditions of a search, read and checked: a bounding box, a geometry, the Query extension's operators, and CQL2."""

import datetime
import re
from typing import Any

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.tree import Node, kind, plain

GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
OF_TEXT = ("startsWith", "endsWith", "contains")
OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", *OF_TEXT, "in")
LARGEST = 1e300
"""Of numbers: less than the largest that a float holds, which leaves out infinity, and NaN with it."""
MOST_OPERATORS = 500
"""In a filter: the parser of cql2 goes down one level for each, and ends the process where it runs out of stack."""
OPERATOR = re.compile(r"\b(?:and|or|not)\b|[(\[*/^%+\-]", re.IGNORECASE)


def read_bbox(node: Node | None, findings: Findings) -> tuple[float, ...]:
    """West, south, east and north, or six numbers with elevations."""
    if node is None:
        return ()
    numbers = plain(node) if isinstance(node.value, list) else []
    if not all(map(_is_number, numbers)) or len(numbers) not in (4, 6):
        findings.add(node.line, f"bbox is {str(plain(node))[:60]}: write four numbers of degrees, [west, south, east, north]")
        return ()
    if numbers[1] > numbers[len(numbers) // 2 + 1]:
        findings.add(node.line, "bbox has its south above its north: write [west, south, east, north]")
    return tuple(map(float, numbers))


def read_intersects(node: Node | None, findings: Findings) -> dict[str, Any] | None:
    """A GeoJSON geometry."""
    if node is None:
        return None
    value = plain(node)
    expression = {"op": "s_intersects", "args": [{"property": "geometry"}, value]}
    if isinstance(value, dict) and value.get("type") in GEOMETRIES and _is_cql2(expression):
        return value
    findings.add(node.line, "intersects is no GeoJSON geometry: write {type: Polygon, coordinates: [[[west, south], …]]}")
    return None


def read_operators(node: Node | None, findings: Findings) -> dict[str, dict[str, Any]]:
    """Property → operator → value; a value alone is what the property equals."""
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        findings.add(node.line, f"query is {kind(node.value)}: write a property and what is asked of it, {{source_id: {{eq: MRI-ESM2-0}}}}")
        return {}
    asked: dict[str, dict[str, Any]] = {}
    for name, tests in node.value.items():
        given = tests.value if isinstance(tests.value, dict) else {"eq": tests}
        asked[name] = {operator: _as_json(plain(value)) for operator, value in given.items()}
        if not given:
            findings.add(tests.line, f"query asks nothing of {name[:60]!r}: write an operator and a value, {{eq: MRI-ESM2-0}}")
        for operator, value in asked[name].items():
            if problem := _operator_problem(operator, value):
                findings.add(tests.line, f"query asks {operator[:60]!r} of {name[:60]!r}: {problem}")
    return asked


def read_filter(node: Node | None, findings: Findings) -> dict[str, Any] | None:
    """CQL2, from text or JSON, as JSON."""
    if node is None:
        return None
    value = plain(node)
    if not isinstance(value, (str, dict)):
        findings.add(node.line, f"filter is {kind(value)}: write CQL2, as text or as JSON")
        return None
    if isinstance(value, str) and len(OPERATOR.findall(re.sub("'[^']*'", "", value))) > MOST_OPERATORS:
        remedy = "write x IN ('a', 'b') in the place of many OR"
        findings.add(node.line, f"filter has more than {MOST_OPERATORS} operators and parentheses: {remedy}")
        return None
    from cql2 import Expr

    try:
        expression = Expr(value)
        expression.validate()
        return expression.to_json()
    except Exception as error:  # cql2 raises no class of its own for text that it cannot parse
        why = " ".join(str(error).split())[-200:]
        example = "source_id = 'MRI-ESM2-0' AND variable_id IN ('tas', 'pr')"
        findings.add(node.line, f"filter is not valid CQL2 ({why}): write it as in {example}")
        return None


def _operator_problem(operator: str, value: Any) -> str | None:
    """What was expected instead of this operator and its value."""
    if operator not in OPERATORS:
        return f"known are {', '.join(OPERATORS)}"
    if operator == "in":
        return None if isinstance(value, list) and value and all(map(_is_scalar, value)) else "write a list of texts or numbers, [a, b]"
    if operator in OF_TEXT:
        return None if isinstance(value, str) and value else "write a text"
    return None if _is_scalar(value) else "write one text, number, or true or false; for several, {in: [a, b]}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, bool)) or _is_number(value)


def _as_json(value: Any) -> Any:
    """The value with dates as text: so YAML reads what is written without quotes."""
    if isinstance(value, list):
        return [_as_json(entry) for entry in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def _is_cql2(value: Any) -> bool:
    from cql2 import Expr

    try:
        Expr(value).validate()
    except Exception:  # cql2 raises no class of its own for what it cannot parse
        return False
    return True
