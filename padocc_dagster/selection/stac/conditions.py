"""The conditions of a search, as types that pydantic checks: a time, a box, a geometry, the Query extension's operators, and CQL2."""

import datetime
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from padocc_dagster.selection.validation import Text

GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
OF_TEXT = ("startsWith", "endsWith", "contains")
OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", *OF_TEXT, "in")
LARGEST = 1e300
"""Of numbers: less than the largest that a float holds, which leaves out infinity, and NaN with it."""
MOST_OPERATORS = 500
"""In a filter: the parser of cql2 goes down one level for each, and ends the process where it runs out of stack."""
OPERATOR = re.compile(r"\b(?:and|or|not)\b|[(\[*/^%+\-]", re.IGNORECASE)
BOX = "write four numbers of degrees, [west, south, east, north]"
GEOJSON = "no GeoJSON geometry; write {type: Polygon, coordinates: [[[west, south], …]]}"


def _box(numbers: tuple[float, ...]) -> tuple[float, ...]:
    if len(numbers) not in (4, 6):
        raise ValueError(BOX)
    if numbers[1] > numbers[len(numbers) // 2 + 1]:
        raise ValueError("its south is above its north; write [west, south, east, north]")
    return numbers


def _geometry(value: dict[str, Any]) -> dict[str, Any]:
    try:
        _cql2({"op": "s_intersects", "args": [{"property": "geometry"}, value]})
    except ValueError:
        raise ValueError(GEOJSON) from None
    return value


def _interval(text: str) -> str:
    """A time or an interval, as an interval of RFC 3339 times."""
    from dateutil.parser import isoparse
    from pystac_client import ItemSearch

    try:
        interval: str = ItemSearch("", datetime=text).get_parameters()["datetime"] if text else ""
    except Exception:  # dateutil's and pystac-client's errors have no class in common
        interval = ""
    if not interval:
        raise ValueError("no time and no interval; write 2015-01-01/2020-12-31, or 2015-01-01/.. for no end")
    begin, slash, end = interval.partition("/")
    if slash and ".." not in (begin, end) and isoparse(begin) > isoparse(end):
        raise ValueError("it ends before it begins; write the earlier time first")
    return interval if slash else f"{interval}/{interval}"


def _operators(value: Any) -> dict[str, Any]:
    """Operator → value; a value alone is what the property equals."""
    tests = {operator: _as_json(child) for operator, child in (value if isinstance(value, dict) else {"eq": value}).items()}
    if not tests:
        raise ValueError("write an operator and a value, {eq: MRI-ESM2-0}")
    if problems := [problem for operator, test in tests.items() if (problem := _operator_problem(operator, test))]:
        raise ValueError("; ".join(problems))
    return tests


def _filter(value: Any) -> Any:
    """CQL2, from text or JSON, as JSON."""
    if not isinstance(value, (str, dict)):
        return value
    if isinstance(value, str) and len(OPERATOR.findall(re.sub("'[^']*'", "", value))) > MOST_OPERATORS:
        raise ValueError(f"more than {MOST_OPERATORS} operators and parentheses; write x IN ('a', 'b') in the place of many OR")
    return _cql2(value)


def _cql2(value: str | dict[str, Any]) -> Any:
    from cql2 import Expr

    try:
        expression = Expr(value)
        expression.validate()
        return expression.to_json()
    except Exception as error:  # cql2 raises no class of its own for text that it cannot parse
        why = " ".join(str(error).split())[-200:]
        example = "source_id = 'MRI-ESM2-0' AND variable_id IN ('tas', 'pr')"
        raise ValueError(f"not valid CQL2 ({why}); write it as in {example}") from None


def _operator_problem(operator: str, value: Any) -> str | None:
    if operator not in OPERATORS:
        return f"there is no operator {operator[:60]!r}, known are {', '.join(OPERATORS)}"
    if operator == "in":
        good, takes = isinstance(value, list) and bool(value) and all(map(_is_scalar, value)), "a list of texts or numbers, [a, b]"
    elif operator in OF_TEXT:
        good, takes = isinstance(value, str) and bool(value), "a text"
    else:
        good, takes = _is_scalar(value), "one text, number, or true or false; for several, write {in: [a, b]}"
    return None if good else f"{operator} takes {takes}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, bool)) or _is_number(value)


def _as_json(value: Any) -> Any:
    """The value with dates as text: so YAML reads what is written without quotes."""
    if isinstance(value, list):
        return [_as_json(entry) for entry in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


Number = Annotated[float, Field(gt=-LARGEST, lt=LARGEST)]
Box = Annotated[tuple[Number, ...], Field(strict=False, description=BOX), AfterValidator(_box)]
"""West, south, east, north in degrees, or with lowest and highest elevations as third and sixth."""
Geometry = Annotated[dict[str, Any], AfterValidator(_geometry)]
Interval = Annotated[
    Text, BeforeValidator(lambda value: value.isoformat() if isinstance(value, datetime.date) else value), AfterValidator(_interval)
]
"""An interval of RFC 3339 times, `2015-01-01T00:00:00Z/..`. YAML reads a time without quotes as one."""
Query = Annotated[
    dict[str, Annotated[dict[str, Any], BeforeValidator(_operators)]],
    Field(description="write a property and a condition, {source_id: {eq: MRI-ESM2-0}}"),
]
"""Property → operator → value, of the Query extension."""
Filter = Annotated[dict[str, Any] | None, Field(description="write CQL2, as text or as JSON"), BeforeValidator(_filter)]
"""CQL2 as JSON."""
