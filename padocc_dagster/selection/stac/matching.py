"""Whether an item fits a search, where no server says so: in a catalogue of files, or beside an API that has no such extension.

What an item does not say cannot be matched: an expression about a property that it lacks does not hold, as in a database.
"""

import re
from datetime import datetime
from typing import Any

from padocc_dagster.selection.stac.record import mapping_in
from padocc_dagster.selection.stac.section import Section

COMPARISONS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
PATTERNS = {"startsWith": "{}%", "endsWith": "%{}", "contains": "%{}%"}
WILDCARD = re.compile(r"[\\%_]")
ALL_OF_IT = ("ids", "datetime", "space", "query", "filter")


class Matcher:
    """Says of items whether they fit a query: all of it but its collections, or the `parts` that are named."""

    def __init__(self, section: Section, parts: tuple[str, ...] = ALL_OF_IT) -> None:
        self.ids = frozenset(section.ids) if "ids" in parts else frozenset()
        self.interval = _interval(section.datetime) if section.datetime and "datetime" in parts else None
        self.expression = _expression([test for part in parts for test in _tests(section, part)])

    def __call__(self, item: dict[str, Any]) -> bool:
        properties = mapping_in(item, "properties")
        if self.ids and str(item.get("id")) not in self.ids:
            return False
        if self.interval and not _overlaps(properties, self.interval):
            return False
        return self.expression is None or _holds(self.expression, {**item, "properties": _without_lists(properties)})


def _tests(section: Section, part: str) -> list[dict[str, Any]]:
    """A part of a query as CQL2."""
    if part == "query":
        return [_test({"property": name}, operator, value) for name, tests in section.query.items() for operator, value in tests.items()]
    if part == "filter":
        return [section.filter] if section.filter else []
    if part == "space" and section.intersects:
        return [_intersects(section.intersects)]
    if part == "space" and section.bbox:
        west, south, east, north = _flat(section.bbox)
        sides = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]  # RFC 7946, 5.2: across the 180th meridian
        boxes = [_intersects({"bbox": [left, south, right, north]}) for left, right in sides]
        return boxes if len(boxes) == 1 else [{"op": "or", "args": boxes}]
    return []


def _flat(bbox: tuple[float, ...]) -> tuple[float, ...]:
    """Without elevations."""
    return (*bbox[:2], *bbox[3:5]) if len(bbox) == 6 else bbox


def _intersects(shape: dict[str, Any]) -> dict[str, Any]:
    return {"op": "s_intersects", "args": [{"property": "geometry"}, shape]}


def _test(name: dict[str, str], operator: str, value: Any) -> dict[str, Any]:
    if operator == "in":
        return {"op": "in", "args": [name, value]}
    if operator in PATTERNS:
        return {"op": "like", "args": [name, PATTERNS[operator].format(WILDCARD.sub(r"\\\g<0>", value))]}
    return {"op": COMPARISONS[operator], "args": [name, value]}


def _expression(tests: list[dict[str, Any]]) -> Any:
    if not tests:
        return None
    from cql2 import Expr

    return Expr({"op": "and", "args": tests} if len(tests) > 1 else tests[0])


def _holds(expression: Any, item: dict[str, Any]) -> bool:
    try:
        return bool(expression.matches(item))
    except Exception:  # cql2's only answer to an expression that the item leaves open
        return False


def _without_lists(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties, with the entry in the place of each list of one."""
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in properties.items()}


def _interval(text: str) -> tuple[datetime | None, datetime | None]:
    first, _, last = text.partition("/")
    return _time(first), _time(last)


def _time(text: Any) -> datetime | None:
    from dateutil.parser import isoparse
    from dateutil.tz import UTC

    if not text or text == "..":
        return None
    try:
        time: datetime = isoparse(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _overlaps(properties: dict[str, Any], interval: tuple[datetime | None, datetime | None]) -> bool:
    """Whether the time of an item, or its span, has an instant in common with the interval."""
    first, last = interval
    begin = _time(properties.get("start_datetime")) or _time(properties.get("datetime"))
    end = _time(properties.get("end_datetime")) or _time(properties.get("datetime")) or begin
    return begin is not None and end is not None and (last is None or begin <= last) and (first is None or end >= first)
