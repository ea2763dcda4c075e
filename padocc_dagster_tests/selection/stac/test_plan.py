"""What follows from changes in a catalogue: what is made, and what is left until a person says so."""

from pathlib import Path
from typing import Any

from padocc_dagster.selection.stac.manifest import Manifest, manifest_of
from padocc_dagster.selection.stac.plan import Plan, plan
from padocc_dagster.selection.stac.select import Selection
from padocc_dagster_tests.selection.stac.selecting import item, selection

FIRST = selection([item("a"), item("b"), item("z", collection="d")])
RETRACTED = {"left_out": {("c", "b"): "retracted"}}


def kept(now: Selection) -> Manifest:
    return manifest_of(now, {}, Path("/cci.yaml"))


def stored(of: Selection = FIRST, **other: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {**{chosen.code: {"digest": chosen.digest} for chosen in of.projects}, **other}


def planned(*items: Any, take_out: bool = False, projects: Any = None, **more: Any) -> Plan:
    return plan(kept(FIRST), selection(items, **more), stored() if projects is None else projects, take_out)


Z = item("z", collection="d")


def test_nothing_is_done_where_nothing_has_changed() -> None:
    assert planned(item("a"), item("b"), Z) == Plan()


def test_new_projects_and_projects_with_new_or_changed_items_are_made() -> None:
    found = planned(item("a", updated="2025"), item("b"), item("n"), Z, item("x", collection="e"))
    assert found == Plan(make={"c": "new: n; changed: a", "e": "new: x"})


def test_a_project_with_a_withdrawn_item_is_left_until_a_person_takes_it_out() -> None:
    found = planned(item("a", updated="2025"), Z, **RETRACTED)
    assert found.make == {} and found.withdrawn == {"c": {"b": "retracted"}}
    assert found.left["c"].startswith("changed: a; withdrawn: b (retracted); left as it is: `select-again --take-out`")
    taken = planned(item("a"), Z, take_out=True, **RETRACTED)
    assert taken.make == {"c": "withdrawn: b (retracted)"} and taken.left == {}


def test_a_project_all_of_whose_items_are_withdrawn_is_told_and_stays_even_when_they_are_taken_out() -> None:
    for take_out in (False, True):
        found = planned(item("a"), item("b"), take_out=take_out, left_out={("d", "z"): "retracted"})
        assert found == Plan(withdrawn={"d": {"z": "retracted"}})


def test_projects_that_were_aggregated_meanwhile_are_left_without_a_word() -> None:
    assert planned(Z, left_out={("c", "a"): "aggregated", ("c", "b"): "aggregated"}) == Plan()


def test_a_project_that_was_seen_in_part_is_not_made_of_that_part() -> None:
    for more in ({"left_out": {("c", "b"): "aggregated"}}, {"whole": False}):
        for take_out in (False, True):
            found = planned(item("a"), Z, take_out=take_out, **more)
            assert found.make == {} and found.withdrawn == {} and found.left["c"].endswith("left as it is until all its items are seen")


def test_projects_that_a_cut_off_selection_did_not_reach_are_as_they_were() -> None:
    assert planned(item("a"), item("b"), whole=False) == Plan()


def test_a_project_whose_files_were_chosen_by_hand_is_left() -> None:
    changed = item("a", updated="2025")
    found = planned(changed, item("b"), Z, projects=stored(c={}))
    assert found == Plan(left={"c": "changed: a; left as it is: its files were chosen by hand"})
    assert planned(item("a"), item("b"), Z, projects=stored(c={})) == Plan()


def test_a_new_project_called_as_one_that_was_made_by_hand_is_left() -> None:
    found = planned(item("a"), item("b"), Z, item("x", collection="e"), projects=stored(e={}))
    assert found == Plan(left={"e": "new: x; left as it is: its files were chosen by hand"})


def test_a_project_taken_out_of_the_group_stays_out() -> None:
    projects = {"d": stored()["d"]}
    assert planned(item("a"), item("b"), Z, projects=projects) == Plan()
    found = planned(item("a", updated="2025"), item("b"), Z, projects=projects)
    assert found.make == {} and found.left["c"].endswith("it was taken out of the group by hand, and is not made again")
    assert planned(item("a"), Z, projects=projects, **RETRACTED).withdrawn == {}


def test_what_was_selected_and_not_made_is_made_now() -> None:
    found = planned(item("a"), item("b"), Z, projects=stored(c={"digest": "of other records"}))
    assert found == Plan(make={"c": "not made yet from what was selected"})


def test_what_was_followed_is_kept_as_it_is_now_and_the_rest_as_it_was() -> None:
    before = kept(FIRST)
    now = selection([item("a"), item("z", collection="d", updated="2025"), item("x", collection="e")], **RETRACTED)
    found = plan(before, now, stored()).kept(before, kept(now))
    assert list(found["projects"]) == ["c", "d", "e"]
    assert found["projects"]["c"] == {**before["projects"]["c"], "withdrawn": {"b": "retracted"}}
    assert found["projects"]["d"] == kept(now)["projects"]["d"] != before["projects"]["d"]


def test_what_was_left_is_left_again_until_it_is_followed() -> None:
    before, now = kept(FIRST), selection([item("a"), Z], **RETRACTED)
    again = plan(before, now, stored()).kept(before, kept(now))
    assert plan(again, now, stored()) == plan(before, now, stored())
    taken = plan(again, now, stored(), take_out=True).kept(again, kept(now))
    assert "withdrawn" not in taken["projects"]["c"] and [each["id"] for each in taken["projects"]["c"]["items"]] == ["a"]
    assert plan(taken, now, stored(now)) == Plan()


def test_an_item_that_comes_back_is_withdrawn_no_more() -> None:
    before, now = kept(FIRST), selection([item("a"), Z], **RETRACTED)
    again = plan(before, now, stored()).kept(before, kept(now))
    back = plan(again, FIRST, stored())
    assert back == Plan() and "withdrawn" not in back.kept(again, kept(FIRST))["projects"]["c"]


def test_a_part_that_was_seen_is_seen_whole_the_next_time() -> None:
    before, part = kept(FIRST), selection([item("a"), Z], whole=False)
    again = plan(before, part, stored()).kept(before, kept(part))
    assert plan(again, FIRST, stored()) == Plan()


def test_what_is_withdrawn_is_news_once() -> None:
    before, now = kept(FIRST), selection([item("a"), Z], **RETRACTED)
    found = plan(before, now, stored())
    assert found.news(before) == {"c": "b (retracted)"}
    again = found.kept(before, kept(now))
    assert plan(again, now, stored()).news(again) == {}
    more = selection([Z], left_out={("c", "a"): "retracted", ("c", "b"): "retracted"})
    assert plan(again, more, stored()).news(again) == {"c": "a (retracted)"}
