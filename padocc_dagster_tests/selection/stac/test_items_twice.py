"""An item that comes twice, because it changes while pages are read, is one, and is what it was last."""

from typing import Any

import pytest

from padocc_dagster.selection.stac.select import Taken
from padocc_dagster_tests.selection.stac import records
from padocc_dagster_tests.selection.stac.selecting import item, section

ITEM = item("a")
KEY = (ITEM["collection"], "a")


def found(*items: Any, **fields: Any) -> Taken:
    taken = Taken(section(**fields))
    taken.take((each, "https://stac.example.org/a.json") for each in items)
    return taken


def test_what_is_retracted_the_second_time_is_left_out() -> None:
    taken = found(ITEM, records.retracted(ITEM))
    assert (list(taken.records), taken.left_out) == ([], {KEY: "retracted"})


def test_what_is_good_the_second_time_is_taken() -> None:
    taken = found(records.retracted(ITEM), ITEM)
    assert (list(taken.records), taken.left_out) == ([KEY], {})


@pytest.mark.parametrize("first", ["good", "bad"])
def test_what_is_valid_once_of_two_times_is_what_it_was_last(first: str) -> None:
    bad = {**ITEM, "assets": [1]}
    taken = found(*((ITEM, bad) if first == "good" else (bad, ITEM)))
    assert (list(taken.records), list(taken.invalid)) == (([], [KEY]) if first == "good" else ([KEY], []))


@pytest.mark.parametrize("most", [1, 2])
def test_an_item_that_comes_twice_does_not_cut_a_selection_off(most: int) -> None:
    changed = item("a", updated="2026-01-01T00:00:00Z")
    taken = found(ITEM, changed, max_items=most)
    assert taken.whole and [record.updated for record in taken.records.values()] == ["2026-01-01T00:00:00Z"]
