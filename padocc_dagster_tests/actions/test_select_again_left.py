"""Selecting a group again: what was withdrawn is told once, and what a person decided, or is to decide, is left as it is."""

from pathlib import Path

import pytest

from padocc_dagster.actions.edit import edit_projects
from padocc_dagster.actions.moves import remove_projects
from padocc_dagster.actions.step import NOT_DONE
from padocc_dagster.actions.telling import PROJECT
from padocc_dagster.pipeline.events import history_of
from padocc_dagster.pipeline.layout import Project
from padocc_dagster.pipeline.locks import held
from padocc_dagster.status_table import standings
from padocc_dagster_tests.actions.results import announced, done, failure, observed, output, table
from padocc_dagster_tests.actions.selected import GROUP, SERIES, WHO, Selected, updated
from padocc_dagster_tests.selection.stac import records

S = Project(GROUP, SERIES)


@pytest.mark.parametrize("how", ["retracted", "deleted"])
def test_a_withdrawn_item_is_told_once_and_left(place: Selected, how: str) -> None:
    if how == "retracted":
        place.change("pr", records.retracted)
    else:
        del place.items["pr"]
    result = place.again()
    (told,) = observed(result)
    assert told.startswith("grp:pr: withdrawn: ") and "(Ann: it grew)" in told
    assert list(table(output(result)["withdrawn"])) == ["grp:pr"]
    assert "padocc-dagster remove grp:pr" in output(result)["note"].value
    assert announced(result) == [] and place.rows("pr") == ["init"]
    assert observed(place.again()) == [] and observed(place.again(take_out=True)) == []
    assert [step.kind for step in history_of(place.workdir, Project(GROUP, "pr"))] == ["items_withdrawn"]


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


def test_an_item_that_comes_back_and_goes_again_is_told_again(place: Selected) -> None:
    item = place.items.pop("pr")
    assert len(observed(place.again())) == 1
    place.items["pr"] = item
    assert announced(place.again()) == [] and place.rows("pr") == ["init"]
    del place.items["pr"]
    assert len(observed(place.again())) == 1


def test_a_project_with_a_withdrawn_item_is_left_until_it_is_to_be_taken_out(series: Selected) -> None:
    before = series.files_of(SERIES)
    series.change("1", records.retracted)
    left = series.again()
    assert announced(left) == [] and series.files_of(SERIES) == before and len(observed(left)) == 1
    assert "select-again --take-out" in table(output(left)["left"])[str(S)]
    assert observed(series.again()) == []
    assert announced(series.again(take_out=True)) == [str(S)]
    assert series.files_of(SERIES) == [before[0], before[2]] and series.rows(SERIES) == ["init", "init"]
    assert announced(series.again()) == announced(series.again(take_out=True)) == []


@pytest.mark.parametrize("keep_files", [False, True])
def test_a_project_that_was_taken_out_by_hand_is_not_made_again(place: Selected, keep_files: bool) -> None:
    assert place.run(remove_projects, projects=["grp:pr"], keep_files=keep_files, **WHO).success
    assert announced(place.again()) == []
    place.dataset("pr", 2)
    place.change("pr", updated)
    result = place.again()
    assert announced(result) == []
    assert "taken out of the group by hand" in table(output(result)["left"])["grp:pr"]


def test_files_that_were_chosen_by_hand_stay(place: Selected) -> None:
    own = place.root / "own.nc"
    own.write_bytes(b"not a dataset")
    assert place.run(edit_projects, projects=["grp:tas"], set={"files": [str(own)]}, **WHO).success
    place.dataset("tas", 3)
    assert announced(place.again()) == [] and place.files_of("tas") == [str(own)]
    assert "chosen by hand" in table(output(place.again())["left"])["grp:tas"]


def test_what_was_aggregated_meanwhile_is_left_without_a_word(place: Selected) -> None:
    place.change("tas", records.with_reference)
    result = place.again(take_out=True)
    assert (announced(result), observed(result), done(result)) == ([], [], {})
    assert not output(result)["left"].records and place.rows("tas") == ["init"]
    assert place.kept()["projects"].keys() == {"pr", "tas"}


def test_a_project_at_work_is_told_and_made_the_next_time(place: Selected) -> None:
    place.dataset("tas", 2)
    place.change("tas", updated)
    place.dataset("vas")
    with held(place.workdir.project_lock(Project(GROUP, "tas")), "somebody"):
        result = place.again()
    assert "it is at work: select again" in table(failure(result).metadata[NOT_DONE])["grp:tas"]
    assert "grp:vas" in place.instance.get_materialized_partitions(PROJECT)
    assert len(place.files_of("vas")) == len(place.files_of("tas")) == 1 and place.rows("tas") == ["init"]
    assert announced(place.again()) == ["grp:tas"] and len(place.files_of("tas")) == 2
    assert announced(place.again()) == []


def test_a_change_of_a_project_that_was_taken_out_is_told_once(place: Selected) -> None:
    assert place.run(remove_projects, projects=["grp:pr"], keep_files=False, **WHO).success
    place.change("pr", updated)
    assert "grp:pr" in table(output(place.again())["left"])
    assert not output(place.again())["left"].records


def test_a_project_whose_files_are_not_there_yet_keeps_no_other_back_and_is_made_when_they_are(place: Selected) -> None:
    place.dataset("vas")
    place.dataset("uas")
    (late,) = place.archive.root.rglob("vas_*.nc")
    content = late.read_bytes()
    late.unlink()
    result = place.again()
    assert announced(result) == ["grp:uas"]
    left = table(output(result)["left"])["grp:vas"]
    assert left.startswith("new: ") and "1 of 1 source files: does not exist" in left and str(late) in left
    assert not place.workdir.project_dir(Project(GROUP, "vas")).exists() and "vas" not in place.kept()["projects"]
    late.write_bytes(content)
    assert announced(place.again()) == ["grp:vas"] and announced(place.again()) == []


def test_a_project_that_has_changed_stays_while_its_new_files_are_not_there(place: Selected) -> None:
    before = place.files_of("tas")
    place.dataset("tas", 2)
    (late,) = set(map(str, place.archive.root.rglob("tas_*.nc"))) - set(before)
    Path(late).unlink()
    assert announced(place.again()) == [] and place.files_of("tas") == before and place.rows("tas") == ["init"]
    Path(late).write_bytes(b"not a dataset")
    assert announced(place.again()) == ["grp:tas"] and place.files_of("tas") == [*before, late]


def test_an_item_that_cannot_be_taken_keeps_no_other_back(place: Selected) -> None:
    place.dataset("vas")
    place.dataset("uas")
    place.change("vas", records.without_data)
    place.change("pr", records.without_data)
    result = place.again()
    assert announced(result) == ["grp:uas"] and place.rows("pr") == ["init"]
    assert "(without source files)" in table(output(result)["withdrawn"])["grp:pr"]
    assert output(result)["left out, without source files"].value == "2"


def test_where_nothing_can_be_taken_any_more_the_advice_fits(place: Selected) -> None:
    for name in ("tas", "pr"):
        place.change(name, records.without_data)
    told = failure(place.again()).description
    assert "all 2 items that fit are without source files" in told and "leave_out" not in told
    assert place.rows("tas") == place.rows("pr") == ["init"]
