"""Whether an item is asked for, where no server says so."""

from typing import Any

import pytest

from padocc_dagster.selection.stac.matching import Matcher
from padocc_dagster_tests.selection.stac.selecting import section

ITEM = {
    "id": "a", "collection": "c", "geometry": {"type": "Point", "coordinates": [5.0, 50.0]},
    "properties": {
        "datetime": None, "start_datetime": "2000-01-01T00:00:00Z", "end_datetime": "2000-12-31T00:00:00Z",
        "text": "it's_50%\\a", "number": 2, "truth": True, "one": ["x"], "two": ["x", "y"], "none": None, "eo:cover": 0.5,
    },
}  # fmt: skip


def fits(item: dict[str, Any] = ITEM, **asked: Any) -> bool:
    return Matcher(section(**asked))(item)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("2000-06-01", True),
        ("2000-01-01T00:00:00Z", True),
        ("2000-12-31T00:00:00Z/..", True),
        ("2000-12-31T00:00:01Z/..", False),
        ("../1999", False),
        ("../2000-01-01T00:00:00Z", True),
        ("1990/2010", True),
        ("2001/2010", False),
        ("1999-12-31T23:30:00-01:00/1999-12-31T23:45:00-01:00", True),
        ("../..", True),
    ],
)
def test_a_span_fits_an_interval_that_it_has_an_instant_in_common_with(interval: str, expected: bool) -> None:
    assert fits(datetime=interval) is expected


@pytest.mark.parametrize("times", [{}, None, [], "x", *({"datetime": time} for time in (None, "once", 5, ["2000-01-01"]))])
def test_an_item_without_a_time_fits_no_interval(times: Any) -> None:
    assert not fits({**ITEM, "properties": times}, datetime="1900/2100")


def test_an_instant_and_a_span_without_end_are_times() -> None:
    assert fits({**ITEM, "properties": {"datetime": "2000-06-01T00:00:00Z"}}, datetime="2000-06-01")
    assert fits({**ITEM, "properties": {"start_datetime": "2000-06-01T00:00:00"}}, datetime="2000-06-01")


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([0, 40, 10, 60], True),
        ([0, 40, 4, 60], False),
        ([5, 50, 5, 50], True),
        ([0, 40, -100, 10, 60, 100], True),
        ([0, 40, -100, 4, 60, 100], False),
        ([170, 40, -170, 60], False),
        ([4, 40, 3, 60], True),
        ([-180, -90, 180, 90], True),
    ],
)
def test_an_item_fits_a_box_that_it_has_a_point_in(box: list[float], expected: bool) -> None:
    assert fits(bbox=box) is expected


@pytest.mark.parametrize(("longitude", "expected"), [(175, True), (-175, True), (180, True), (0, False), (160, False)])
def test_a_box_across_the_180th_meridian_is_not_the_rest_of_the_world(longitude: float, expected: bool) -> None:
    assert fits({**ITEM, "geometry": {"type": "Point", "coordinates": [longitude, 0]}}, bbox=[170, -10, -170, 10]) is expected


@pytest.mark.parametrize("geometry", [None, "x", {}, {"type": "Point"}, {"type": "Point", "coordinates": None}, []])
def test_an_item_without_a_place_fits_no_place(geometry: Any) -> None:
    for asked in ({"bbox": [-180, -90, 180, 90]}, {"intersects": {"type": "Point", "coordinates": [5, 50]}}):
        assert not fits({**ITEM, "geometry": geometry}, **asked)


def test_a_geometry_fits_what_it_meets() -> None:
    ring = [[0, 40], [10, 40], [10, 60], [0, 60], [0, 40]]
    assert fits(intersects={"type": "Polygon", "coordinates": [ring]})
    assert not fits(intersects={"type": "Point", "coordinates": [5, 51]})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"text": "it's_50%\\a"}, True),
        ({"text": {"neq": "b"}}, True),
        ({"number": {"gt": 1, "lte": 2}}, True),
        ({"number": {"gt": 1, "lt": 2}}, False),
        ({"number": 2.0}, True),
        ({"number": {"gte": "2"}}, False),
        ({"truth": True}, True),
        ({"truth": False}, False),
        ({"text": {"startsWith": "it's"}}, True),
        ({"text": {"startsWith": "it's%50"}}, False),
        ({"text": {"contains": "_50%"}}, True),
        ({"text": {"contains": "_0%"}}, False),
        ({"text": {"contains": "IT"}}, False),
        ({"text": {"endsWith": "\\a"}}, True),
        ({"text": {"in": ["b", "it's_50%\\a"]}}, True),
        ({"text": {"in": ["b"]}}, False),
        ({"one": "x"}, True),
        ({"one": {"in": ["x"]}}, True),
        ({"two": "x"}, False),
        ({"eo:cover": {"lt": 1}}, True),
        ({"properties.number": 2}, True),
        ({"id": "a"}, True),
        ({"collection": "d"}, False),
        ({"text": {"startsWith": "it"}, "number": 3}, False),
    ],
)
def test_operators_of_the_query_extension(asked: dict[str, Any], expected: bool) -> None:
    assert fits(query=asked) is expected


@pytest.mark.parametrize("name", ["missing", "none"])
@pytest.mark.parametrize("test", [{"eq": "x"}, {"neq": "x"}, {"lt": 1}, {"gt": 1}, {"in": ["x"]}, {"contains": "x"}])
def test_a_missing_property_never_matches(name: str, test: dict[str, Any]) -> None:
    assert not fits(query={name: test})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("number = 2", True),
        ("number + 1 = 3", True),
        ("number BETWEEN 1 AND 3 AND truth = TRUE", True),
        ("number = 3 OR one = 'x'", True),
        ("NOT number = 2", False),
        ("one IN ('x', 'z')", True),
        ("text LIKE 'it%'", True),
        ("CASEI(one) = CASEI('X')", True),
        ("id = 'a' AND collection = 'c'", True),
        ('"eo:cover" < 1', True),
        ("start_datetime < TIMESTAMP('2000-06-01T00:00:00Z')", True),
        ("S_INTERSECTS(geometry, BBOX(0, 40, 10, 60))", True),
        ("missing = 1", False),
        ("missing <> 1", False),
        ("NOT missing = 1", False),
        ("missing IS NULL", True),
        ("missing = 1 OR number = 2", True),
        ("nosuchfunction(number) = 1", False),
    ],
)
def test_expressions_of_cql2_as_text_and_as_json(expression: str, expected: bool) -> None:
    assert fits(filter=expression) is expected
    assert fits(filter=section(filter=expression).filter) is expected


def test_all_that_is_asked_must_hold() -> None:
    asked = {"ids": ["a", "b"], "datetime": "2000", "bbox": [0, 40, 10, 60], "query": {"number": 2}, "filter": "truth = TRUE"}
    assert fits(**asked)
    others = {"ids": ["b"], "datetime": "1999", "bbox": [0, 0, 1, 1], "query": {"number": 1}, "filter": "truth = FALSE"}
    for name, other in others.items():
        assert not fits(**{**asked, name: other})


def test_parts_that_a_server_has_looked_at_are_not_looked_at_again() -> None:
    asked = section(ids=["b"], datetime="1999", query={"number": 2})
    assert Matcher(asked, ("query",))(ITEM) and not Matcher(asked)(ITEM)
    assert Matcher(asked, ())({})
