"""What has changed in a catalogue since a group was selected from it."""

from pathlib import Path
from typing import Any

from padocc_dagster.selection.stac.changes import Change, changes_since
from padocc_dagster.selection.stac.manifest import manifest_of
from padocc_dagster_tests.selection.stac.selecting import item, section, selection

BEFORE = manifest_of(selection([item("a"), item("b"), item("z", collection="d")]), {}, Path("/cci.yaml"))


def changes(*items: Any, **more: Any) -> dict[str, str]:
    return {change.code: str(change) for change in changes_since(BEFORE, selection(items, **more))}


def test_what_is_as_it_was_is_not_told() -> None:
    assert changes(item("a"), item("b"), item("z", collection="d")) == {}
    assert changes(item("z", collection="d"), item("b"), item("a")) == {}


def test_new_projects_and_new_items_are_told() -> None:
    new = [item(f"n{number}", first=number) for number in range(5)]
    found = changes(item("a"), item("b"), *new, item("z", collection="d"), item("x", collection="e"))
    assert found == {"c": "new: n0, n1, n2 and 2 more", "e": "new: x"}
    assert [change.is_new for change in changes_since(BEFORE, selection([*new, item("x", collection="e")]))] == [False, False, True]


def test_items_that_have_changed_are_told() -> None:
    changed = [item("a", updated="2025-01-01T00:00:00Z"), item("b", files=["/d/other.nc"]), item("z", collection="d")]
    assert changes(*changed) == {"c": "changed: a, b"}


def test_items_that_are_gone_are_withdrawn_where_the_whole_answer_was_seen() -> None:
    assert changes(item("a")) == {
        "c": "withdrawn: b (no longer in the catalogue's answer)",
        "d": "withdrawn: z (no longer in the catalogue's answer)",
    }


def test_retracted_items_are_withdrawn_even_where_the_answer_was_cut_off() -> None:
    found = changes(item("a"), item("z", collection="d"), left_out={("c", "b"): "retracted"}, whole=False)
    assert found == {"c": "withdrawn: b (retracted)"}


def test_an_item_of_another_collection_with_the_same_name_is_another() -> None:
    found = changes(item("a"), item("z", collection="d"), left_out={("e", "b"): "retracted"})
    assert found == {"c": "withdrawn: b (no longer in the catalogue's answer)"}


def test_items_that_were_aggregated_meanwhile_are_not_withdrawn() -> None:
    both = {("c", "a"): "aggregated", ("c", "b"): "aggregated"}
    assert changes(item("z", collection="d"), left_out=both) == {}


def test_a_project_that_was_seen_in_part_is_told() -> None:
    assert changes(item("a"), item("z", collection="d"), left_out={("c", "b"): "aggregated"}) == {"c": "not seen: b (aggregated)"}
    assert changes(item("a"), whole=False) == {"c": "not seen: b (the selection was cut off)"}


def test_everything_of_one_project_is_told_together() -> None:
    found = changes(item("a", updated="2025"), item("n"), item("z", collection="d"), left_out={("c", "b"): "retracted"})
    assert found == {"c": "new: n; changed: a; withdrawn: b (retracted)"}
    assert str(Change("c", False)) == "as it was"


def test_where_nothing_is_known_everything_is_new() -> None:
    found = changes_since({"projects": {}}, selection([item("a")], section()))
    assert found == [Change("a", True, added=("a",))]
