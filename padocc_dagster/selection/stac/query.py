"""Which items are asked for: the search of a STAC API (https://api.stacspec.org/v1.0.0/item-search), as a value."""

import datetime
from dataclasses import dataclass, field
from typing import Any

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.stac.conditions import read_bbox, read_filter, read_intersects, read_operators
from padocc_dagster.selection.tree import Fields, Node, plain, text_of, texts_of

FIELDS = ("collections", "ids", "datetime", "bbox", "intersects", "query", "filter", "max_items")
OF_THE_ITEM = ("id", "collection", "geometry", "bbox", "datetime", "start_datetime", "end_datetime", "created", "updated")
"""What may be asked of every item, whatever its properties."""


@dataclass(frozen=True)
class Query:
    """A search. What is empty or None does not restrict it."""

    collections: tuple[str, ...] = ()
    """Identifiers; a collection stands for those below it too."""
    ids: tuple[str, ...] = ()
    datetime: str | None = None
    """An interval of RFC 3339 times, `2015-01-01T00:00:00Z/..`."""
    bbox: tuple[float, ...] = ()
    """West, south, east, north in degrees, or with lowest and highest elevations as third and sixth."""
    intersects: dict[str, Any] | None = None
    """A GeoJSON geometry."""
    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Property → operator → value, of the Query extension."""
    filter: dict[str, Any] | None = None
    """CQL2 as JSON."""
    max_items: int | None = None
    """How many items are taken at most, after those that are left out."""

    @property
    def properties(self) -> list[str]:
        """The properties that `query` and `filter` name, without `properties.`."""
        names = [*self.query, *_named(self.filter)]
        return list(dict.fromkeys(name.removeprefix("properties.") for name in names))


def read_query(fields: Fields, findings: Findings) -> Query:
    """The search in a `stac:` section, as far as it is good."""
    if "bbox" in fields and "intersects" in fields:
        findings.add(fields["intersects"].line, "bbox and intersects are both given: keep one of the two")
    return Query(
        collections=_texts(fields, "collections", findings),
        ids=_texts(fields, "ids", findings),
        datetime=_datetime(fields.get("datetime"), findings),
        bbox=read_bbox(fields.get("bbox"), findings),
        intersects=read_intersects(fields.get("intersects"), findings),
        query=read_operators(fields.get("query"), findings),
        filter=read_filter(fields.get("filter"), findings),
        max_items=_max_items(fields.get("max_items"), findings),
    )


def _texts(fields: Fields, name: str, findings: Findings) -> tuple[str, ...]:
    if name not in fields:
        return ()
    node = fields[name]
    entries = texts_of(Node([node], node.line) if isinstance(node.value, str) else node, name, findings)
    if not entries and node.value == []:
        findings.add(node.line, f"{name} is an empty list: name at least one, or leave it out")
    if not all(entry.value for entry in entries):
        findings.add(node.line, f"{name} has an empty entry: write a name, or leave it out")
    return tuple(dict.fromkeys(entry.value for entry in entries))


def _datetime(node: Node | None, findings: Findings) -> str | None:
    if node is None:
        return None
    if isinstance(node.value, datetime.date):  # so YAML reads a time without quotes
        node = Node(node.value.isoformat(), node.line)
    text = text_of(node, "datetime", findings)
    if text is None:
        return None
    from pystac_client import ItemSearch

    try:
        interval = ItemSearch("", datetime=text).get_parameters()["datetime"] if text else ""
    except Exception:  # dateutil's and pystac-client's errors have no class in common
        interval = ""
    if not interval:
        example = "2015-01-01/2020-12-31, or 2015-01-01/.. for no end"
        findings.add(node.line, f"datetime {text[:60]!r} is no time and no interval: write {example}")
        return None
    begin, slash, end = interval.partition("/")
    if slash and ".." not in (begin, end) and _time(begin) > _time(end):
        findings.add(node.line, f"datetime {text[:60]!r} ends before it begins: write the earlier time first")
    return interval if slash else f"{interval}/{interval}"


def _time(text: str) -> datetime.datetime:
    from dateutil.parser import isoparse

    time: datetime.datetime = isoparse(text)
    return time


def _max_items(node: Node | None, findings: Findings) -> int | None:
    if node is None:
        return None
    if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value > 0:
        return node.value
    findings.add(node.line, f"max_items is {str(plain(node))[:60]}: write a number from 1 up, or leave it out")
    return None


def _named(expression: Any) -> list[str]:
    """The properties that a CQL2 expression names, at whatever depth."""
    if isinstance(expression, dict):
        own = [expression["property"]] if isinstance(expression.get("property"), str) else []
        return [*own, *(name for child in expression.values() for name in _named(child))]
    return [name for child in expression for name in _named(child)] if isinstance(expression, list) else []
