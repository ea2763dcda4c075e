"""Selecting a group again: what was withdrawn is recorded once, and what a person decided, or is to decide, is left as it is."""

from pathlib import Path

import pytest

from padocc_dagster.actions.edit import EDIT
from padocc_dagster.actions.moves import REMOVE
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.events import ItemsWithdrawn
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.status import standings
from padocc_dagster_tests.actions.results import take
from padocc_dagster_tests.actions.selected import GROUP, SERIES, Selected, keys, noted, updated
from padocc_dagster_tests.selection.stac import records

S = Project(GROUP, SERIES)


def withdrawals(place: Selected, code: str = "pr") -> int:
    """How often it was recorded that items of the project were withdrawn."""
    return sum(isinstance(step, ItemsWithdrawn) for step in history_of(place.workdir, Project(GROUP, code)))


@pytest.mark.parametrize("how", ["retracted", "deleted"])
def test_a_withdrawn_item_is_recorded_once_and_left(place: Selected, how: str) -> None:
    if how == "retracted":
        place.change("pr", records.retracted)
    else:
        del place.items["pr"]
    result = place.again()
    (step,) = history_of(place.workdir, Project(GROUP, "pr"))
    assert str(step).startswith("withdrawn: ") and (step.who, step.why) == ("Ann", "it grew")
    assert list(noted(result, "withdrawn")) == ["grp:pr"]
    assert any("padocc-dagster remove grp:pr" in note for note in result.notes)
    assert keys(result) == [] and place.rows("pr") == ["init"]
    place.again()
    place.again(take_out=True)
    assert withdrawals(place) == 1


def test_the_status_shows_what_is_withdrawn_until_it_comes_back(place: Selected) -> None:
    item = place.items.pop("pr")
    assert withdrawn(place) == {}
    place.again()
    assert list(withdrawn(place)) == ["pr"]
    place.items["pr"] = item
    place.again()
    assert withdrawn(place) == {}


def test_the_status_shows_what_is_withdrawn_until_it_is_taken_out(series: Selected) -> None:
    series.change("1", records.retracted)
    series.again()
    [(code, why)] = withdrawn(series).items()
    assert code == SERIES and why.startswith("withdrawn from its catalogue: ")
    series.again(take_out=True)
    assert withdrawn(series) == {}


def withdrawn(place: Selected) -> dict[str, str]:
    """Project code → what the table says of it, for the projects of which something is withdrawn."""
    return {row.project.code: row.why for row in standings(place.workdir, GROUP) if row.as_dict()["withdrawn"]}


def test_an_item_that_comes_back_and_goes_again_is_recorded_again(place: Selected) -> None:
    item = place.items.pop("pr")
    place.again()
    place.items["pr"] = item
    assert keys(place.again()) == [] and place.rows("pr") == ["init"]
    del place.items["pr"]
    place.again()
    assert withdrawals(place) == 2


def test_a_project_with_a_withdrawn_item_is_left_until_it_is_to_be_taken_out(series: Selected) -> None:
    before = series.files_of(SERIES)
    series.change("1", records.retracted)
    left = series.again()
    assert keys(left) == [] and series.files_of(SERIES) == before
    assert "select-again --take-out" in noted(left, "left")[str(S)]
    series.again()
    assert withdrawals(series, SERIES) == 1
    assert keys(series.again(take_out=True)) == [str(S)]
    assert series.files_of(SERIES) == [before[0], before[2]] and series.rows(SERIES) == ["init", "init"]
    assert keys(series.again()) == keys(series.again(take_out=True)) == []


@pytest.mark.parametrize("keep_files", [False, True])
def test_a_project_that_was_taken_out_by_hand_is_not_made_again(place: Selected, keep_files: bool) -> None:
    take(place.workdir, REMOVE, projects=["grp:pr"], keep_files=keep_files)
    assert keys(place.again()) == []
    place.dataset("pr", 2)
    place.change("pr", updated)
    result = place.again()
    assert keys(result) == []
    assert "taken out of the group by hand" in noted(result, "left")["grp:pr"]


def test_files_that_were_chosen_by_hand_stay(place: Selected) -> None:
    own = place.root / "own.nc"
    own.write_bytes(b"not a dataset")
    take(place.workdir, EDIT, projects=["grp:tas"], set={"files": [str(own)]})
    place.dataset("tas", 3)
    assert keys(place.again()) == [] and place.files_of("tas") == [str(own)]
    assert "chosen by hand" in noted(place.again(), "left")["grp:tas"]


def test_what_was_aggregated_meanwhile_is_left_without_a_word(place: Selected) -> None:
    place.change("tas", records.with_reference)
    result = place.again(take_out=True)
    assert (result.done, noted(result, "left"), withdrawals(place, "tas")) == ({}, {}, 0)
    assert place.rows("tas") == ["init"]
    assert place.kept()["projects"].keys() == {"pr", "tas"}


def test_a_project_at_work_is_not_done_and_made_the_next_time(place: Selected) -> None:
    place.dataset("tas", 2)
    place.change("tas", updated)
    place.dataset("vas")
    with held(place.workdir.project_lock(Project(GROUP, "tas")), "somebody"):
        result = place.again()
    assert "it is at work: select again" in result.not_done[Project(GROUP, "tas")]
    assert keys(result) == ["grp:vas"]
    assert len(place.files_of("vas")) == len(place.files_of("tas")) == 1 and place.rows("tas") == ["init"]
    assert keys(place.again()) == ["grp:tas"] and len(place.files_of("tas")) == 2
    assert keys(place.again()) == []


def test_a_change_of_a_project_that_was_taken_out_is_noted_once(place: Selected) -> None:
    take(place.workdir, REMOVE, projects=["grp:pr"], keep_files=False)
    place.change("pr", updated)
    assert "grp:pr" in noted(place.again(), "left")
    assert noted(place.again(), "left") == {}


def test_a_project_whose_files_are_not_there_yet_keeps_no_other_back_and_is_made_when_they_are(place: Selected) -> None:
    place.dataset("vas")
    place.dataset("uas")
    (late,) = place.archive.root.rglob("vas_*.nc")
    content = late.read_bytes()
    late.unlink()
    result = place.again()
    assert keys(result) == ["grp:uas"]
    left = noted(result, "left")["grp:vas"]
    assert left.startswith("new: ") and "1 of 1 source files: does not exist" in left and str(late) in left
    assert not place.workdir.project_dir(Project(GROUP, "vas")).exists() and "vas" not in place.kept()["projects"]
    late.write_bytes(content)
    assert keys(place.again()) == ["grp:vas"] and keys(place.again()) == []


def test_a_project_that_has_changed_stays_while_its_new_files_are_not_there(place: Selected) -> None:
    before = place.files_of("tas")
    place.dataset("tas", 2)
    (late,) = set(map(str, place.archive.root.rglob("tas_*.nc"))) - set(before)
    Path(late).unlink()
    assert keys(place.again()) == [] and place.files_of("tas") == before and place.rows("tas") == ["init"]
    Path(late).write_bytes(b"not a dataset")
    assert keys(place.again()) == ["grp:tas"] and place.files_of("tas") == [*before, late]


def test_an_item_that_cannot_be_taken_keeps_no_other_back(place: Selected) -> None:
    place.dataset("vas")
    place.dataset("uas")
    place.change("vas", records.without_data)
    place.change("pr", records.without_data)
    result = place.again()
    assert keys(result) == ["grp:uas"] and place.rows("pr") == ["init"]
    assert "(without source files)" in noted(result, "withdrawn")["grp:pr"]
    assert "left out, without source files: 2" in result.notes


def test_where_nothing_can_be_taken_any_more_the_advice_fits(place: Selected) -> None:
    for name in ("tas", "pr"):
        place.change(name, records.without_data)
    place.publish()
    sentence = place.refused()
    assert "all 2 items that fit are without source files" in sentence and "leave_out" not in sentence
    assert place.rows("tas") == place.rows("pr") == ["init"]
