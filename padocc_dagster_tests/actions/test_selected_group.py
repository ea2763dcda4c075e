"""A group that was made from a selection: shown, kept in its order, selected again by a schedule, and waited for."""

from datetime import datetime
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions import initialise as initialising
from padocc_dagster.actions.edit import EDIT
from padocc_dagster.actions.jobs import op_of
from padocc_dagster.actions.moves import REMOVE
from padocc_dagster.actions.select_again import SELECT_AGAIN
from padocc_dagster.assets import project as project_asset
from padocc_dagster.assets.overview import group_overview
from padocc_dagster.pipeline.workdir.groups import last_change
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.selections import selected_groups, summary
from padocc_dagster.pipeline.workdir.specs import stored_spec
from padocc_dagster.resources import Padocc
from padocc_dagster.sensors.selections import daily_selections
from padocc_dagster_tests.actions.results import failure, output, take
from padocc_dagster_tests.actions.selected import GROUP, SERIES, Selected, keys
from padocc_dagster_tests.selection.stac import records

S = Project(GROUP, SERIES)


def test_the_schedule_asks_for_one_run_a_day_for_each_selected_group(place: Selected) -> None:
    (place.workdir.inbox / "other.csv").write_text(f"p,{place.files_of('tas')[0]},,\n")
    assert place.drop(place.workdir.inbox / "other.csv").success
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 3, 4, 3, 17), resources={"padocc": Padocc(root=str(place.workdir.root))}
    )
    (request,) = daily_selections(context)
    assert request.run_key == "grp:2026-03-04"
    config = request.run_config["ops"][op_of(SELECT_AGAIN)]["config"]
    assert config["group"] == GROUP and config["who"] == "the schedule daily_selections"
    assert not SELECT_AGAIN.config(**config).model_dump()["take_out"]


def test_a_catalogue_that_is_away_when_a_config_is_dropped_is_waited_for(place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialising, "UNREACHABLE_SECONDS", 0)
    before = place.everything()
    (item,) = place.catalogue.parent.rglob("*tas*.json")
    item.write_text("{")
    result = place.drop(place.config())
    retries = [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    assert len(retries) == initialising.UNREACHABLE_RETRIES
    assert "Nothing was initialised: drop the file into the inbox again" in failure(result).description
    assert place.everything() == before


def test_the_selection_is_shown_by_its_run_and_by_the_overview(place: Selected) -> None:
    place.change("pr", records.retracted)
    shown = output(place.initialise())
    assert (shown["selected projects"].value, shown["selected items"].value, shown["left out, retracted"].value) == (1, 1, 1)
    overview: Any = group_overview(dg.build_asset_context(partition_key=GROUP), padocc=Padocc(root=str(place.workdir.root)))
    assert overview.metadata["catalogue"] == str(place.catalogue)
    assert (overview.metadata["left out, retracted"], overview.metadata["projects"]) == (1, 2)


def test_a_project_of_records_keeps_their_order_when_it_is_made_again_or_edited(series: Selected) -> None:
    before, made = series.files_of(SERIES), stored_spec(series.workdir, S)
    assert before != sorted(before)
    context = dg.build_asset_context(partition_key=str(S))
    made_again: Any = project_asset.project(context, padocc=Padocc(root=str(series.workdir.root)))
    assert made_again.metadata["catalogue items"] == 3
    assert series.files_of(SERIES) == before and series.rows(SERIES) == ["init", "init"]
    take(series.workdir, EDIT, projects=[str(S)], set={"cloud_format": "zarr"})
    assert series.files_of(SERIES) == before
    assert stored_spec(series.workdir, S).records == made.records and stored_spec(series.workdir, S).files == made.files
    assert keys(series.again()) == []


def test_a_config_that_names_projects_ends_the_following_of_a_catalogue(place: Selected) -> None:
    config = place.workdir.inbox / f"{GROUP}.csv"
    config.write_text(f"own,{place.files_of('tas')[0]},,\n")
    assert place.drop(config).success
    assert selected_groups(place.workdir) == [] and not place.workdir.selection(GROUP).exists()
    assert "was not made from a selection" in place.refused()


def test_a_group_without_projects_is_not_selected_again(place: Selected) -> None:
    take(place.workdir, REMOVE, projects=[f"{GROUP}:*"])
    assert place.workdir.selection(GROUP).exists() and selected_groups(place.workdir) == []


def test_a_dropped_config_waits_for_a_selection_that_is_being_made(place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialising, "RETRY_SECONDS", 0)
    monkeypatch.setattr(initialising, "RETRIES", 1)
    monkeypatch.setattr(initialising, "LOCK_WAIT_SECONDS", 0.0)
    before = place.everything()
    place.dataset("vas")
    with held(place.workdir.edits_lock, "what projects are made from"):
        assert not place.initialise().success
    assert place.everything() == before
    assert place.initialise().success and place.rows("vas") == ["init"]


def test_the_overview_shows_what_was_withdrawn(place: Selected) -> None:
    before = last_change(place.workdir, GROUP)
    del place.items["pr"]
    place.again()
    shown = summary(place.workdir, GROUP)
    assert shown["projects with withdrawn items"] == 1 and shown["withdrawn"].startswith("pr: ")
    assert last_change(place.workdir, GROUP) != before
