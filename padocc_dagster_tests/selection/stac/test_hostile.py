"""Whatever a catalogue gives as an item, the answer is a selection or sentences, never a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.selection import CatalogueUnreachable, ConfigRejected, read_group_config
from padocc_dagster_tests.selection.stac import records
from padocc_dagster_tests.selection.stac.selecting import item

Answer = Callable[..., str]
SECTIONS = [
    {},
    {"publish_items": True},
    {"datetime": "2000"},
    {"bbox": [-10, -10, 10, 10]},
    {"filter": "x = 1 AND NOT y = 2", "query": {"z": 1}},
    {"projects": "collection", "facets": ["x"], "publish_items": True},
]
DATA = {"roles": ["data"], "type": "application/x-netcdf"}
ODD = [None, [], [1], {}, {"a": 1}, "x", "", 5, True, 1e300, float("nan"), [["x"]], [None], "a\x00\n\x1b[31m", "\ud800", "x" * 100_000]


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    """What a config comes to whose catalogue has this item."""

    def reader(made: Any, **fields: Any) -> str:
        root = {"type": "Catalog", "id": "r", "links": [{"rel": "item", "href": "./item.json"}]}
        (tmp_path / "catalog.json").write_text(json.dumps(root))
        (tmp_path / "item.json").write_text(json.dumps(made))
        (tmp_path / "cci.yaml").write_text(json.dumps({"stac": {"catalogue": str(tmp_path), **fields}}))
        try:
            read_group_config(tmp_path / "cci.yaml")
        except (ConfigRejected, CatalogueUnreachable) as error:
            assert len(str(error)) < 3000 and "\x1b" not in str(error) and "\x00" not in str(error)
            assert "is no STAC (" not in str(error), "an error that nobody foresaw"
            if isinstance(error, ConfigRejected):
                assert str(error).count("\n") == len(error.problems)
            return str(error)
        return ""

    return reader


def pairs(*sections: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """Every odd value with two of the sections, and every section with a third of the values."""
    sections = sections or tuple(SECTIONS)
    return [(value, sections[(number + step) % len(sections)]) for number, value in enumerate(ODD) for step in (0, 1)]


@pytest.mark.parametrize("member", list(item()))
def test_a_member_may_be_anything(member: str, answer: Answer) -> None:
    for value, asked in pairs():
        answer({**item(x=1), member: value}, **asked)
    missing = {name: value for name, value in item(x=1).items() if name != member}
    for asked in SECTIONS:
        answer(missing, **asked)


@pytest.mark.parametrize("member", ["href", "roles", "type", "file:size", "file:checksum", "aggregation_status"])
def test_a_member_of_an_asset_may_be_anything(member: str, answer: Answer) -> None:
    for value, asked in pairs({}, {"publish_items": True}, {"assets": {"roles": "data", "types": "*"}}):
        made = item(x=1)
        made["assets"]["data0"][member] = value
        made["assets"]["zarr"] = {"href": "z", member: value}
        answer(made, **asked)


@pytest.mark.parametrize("name", [*records.period(0, 1), "updated", "retracted", "aggregation", "aggregation_status", "x"])
def test_a_property_may_be_anything(name: str, answer: Answer) -> None:
    for value, asked in pairs():
        answer(item(**{"x": 1, name: value}), **asked)


@pytest.mark.parametrize("link", [*ODD[:8], {"rel": "item"}, {"rel": "item", "href": 5}, {"rel": ["item"], "href": "x"}, {"rel": "self"}])
def test_a_link_may_be_anything(link: Any, answer: Answer) -> None:
    for kind in ("Feature", "Catalog", "Collection"):
        for asked in SECTIONS[:2]:
            answer({**item(x=1), "type": kind, "links": [link]}, **asked)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"id": 5}, "1 of the items cannot be taken: item '5' is no STAC item, id is no text: narrow the search"),
        ({"id": "a\x1b[31m"}, "id holds characters that cannot be printed"),
        ({"collection": ["c"]}, "collection is no text"),
        ({"properties": [1]}, "item 'a' is no STAC item, properties is no mapping"),
        ({"properties": {"a\nb": 1}}, "a property's name holds characters that cannot be printed"),
        ({"assets": [1]}, "item 'a' is no STAC item, assets is no mapping"),
        ({"assets": {"d": DATA}}, "item 'a' has an asset 'd' without an address"),
        ({"assets": {"d": {**DATA, "href": ["x"]}}}, "item 'a' has an asset 'd' without an address"),
        ({"assets": {"d": {"href": "http://[::1/a.nc"}}}, "an address that no rule brings to this machine: 'http://[::1/a.nc'"),
        ({"assets": {"d": {"href": "/d/é\x00.nc"}}}, "the path holds control, shell or non-ASCII characters"),
        ({"assets": None}, "1 of the items are without source files"),
        ({"properties": None}, "1 of 1 source files: does not exist"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_an_item_that_is_none_is_told_by_what_is_wrong(changed: dict[str, Any], sentence: str, answer: Answer) -> None:
    assert sentence in answer({**item(), **changed})


def test_an_item_that_cannot_be_published_again_is_told(answer: Answer) -> None:
    for changed in ({"bbox": [1, 2]}, {"geometry": "x"}, {"properties": {"datetime": None}}, {"links": None}):
        found = answer({**item(), **changed}, publish_items=True)
        assert "1 of the items cannot be taken: item 'a' cannot be published again (" in found and "write publish_items: false" in found
