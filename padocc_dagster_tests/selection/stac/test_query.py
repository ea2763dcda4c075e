"""Which items are asked for, as a value that an API takes."""

import datetime
from typing import Any

import pytest

from padocc_dagster_tests.selection.stac.selecting import section

DAY = "2020-01-01T00:00:00Z/2020-01-01T23:59:59Z"


@pytest.mark.parametrize(
    ("written", "interval"),
    [
        ("2020-01-01", DAY),
        (datetime.date(2020, 1, 1), DAY),
        (datetime.datetime(2020, 1, 1, 10), "2020-01-01T10:00:00Z/2020-01-01T10:00:00Z"),
        (datetime.datetime(2020, 1, 1, 10, tzinfo=datetime.UTC), "2020-01-01T10:00:00+00:00/2020-01-01T10:00:00+00:00"),
        ("2020", "2020-01-01T00:00:00Z/2020-12-31T23:59:59Z"),
        ("2020-02", "2020-02-01T00:00:00Z/2020-02-29T23:59:59Z"),
        ("2020-01-01/..", "2020-01-01T00:00:00Z/.."),
        ("../2020", "../2020-12-31T23:59:59Z"),
        ("2019/2020", "2019-01-01T00:00:00Z/2020-12-31T23:59:59Z"),
    ],
)
def test_a_time_is_an_interval_however_it_is_written(written: Any, interval: str) -> None:
    assert section(datetime=written).datetime == interval


def test_six_numbers_are_a_box_with_elevations() -> None:
    assert section(bbox=[0, 1, -5, 2, 3, 5]).bbox == (0.0, 1.0, -5.0, 2.0, 3.0, 5.0)


def test_a_box_may_lie_across_the_180th_meridian() -> None:
    assert section(bbox=[170, -10, -170, 10]).bbox == (170.0, -10.0, -170.0, 10.0)


def test_what_a_property_equals_needs_no_operator_and_dates_are_texts() -> None:
    asked = section(query={"a": "b", "c": True, "d": {"gt": datetime.date(2020, 1, 1)}, "e": {"in": ["f", 1]}})
    assert asked.query == {"a": {"eq": "b"}, "c": {"eq": True}, "d": {"gt": "2020-01-01"}, "e": {"in": ["f", 1]}}


def test_a_filter_as_text_and_as_json_are_the_same() -> None:
    text = section(filter="a = 'b' AND c IN ('d', 'e')").filter
    assert section(filter=text).filter == text
    assert text["op"] == "and"


def test_a_long_list_in_a_filter_is_taken() -> None:
    names = ", ".join(f"'CMIP6.a-{number}(x)'" for number in range(5000))
    assert len(section(filter=f"id IN ({names})").filter["args"][1]) == 5000


def test_the_properties_that_are_asked_for_are_known_at_whatever_depth() -> None:
    asked = section(query={"properties.a": 1}, filter="NOT (b = 1 OR (c = 2 AND CASEI(d) = CASEI('x'))) AND a IS NULL")
    assert asked.properties == ["a", "b", "c", "d"]
