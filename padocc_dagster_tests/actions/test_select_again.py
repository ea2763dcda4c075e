"""Selecting a group again: what is new or changed in the catalogue follows, and whatever goes wrong changes nothing."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions import select_again as selecting
from padocc_dagster.actions.edit import EDIT
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.events import SelectedAgain
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.specs import stored_spec
from padocc_dagster_tests.actions.results import output, run, table, take
from padocc_dagster_tests.actions.selected import GROUP, Selected, keys, updated


def test_a_new_item_becomes_a_project(place: Selected) -> None:
    place.dataset("vas", 2)
    assert keys(place.again()) == ["grp:vas"]
    assert len(place.files_of("vas")) == 2 and place.rows("vas") == ["init"]
    assert project_codes(place.workdir, GROUP) == ["pr", "tas", "vas"]
    (entry,) = history_of(place.workdir, Project(GROUP, "vas"))
    assert isinstance(entry, SelectedAgain) and (entry.who, entry.why) == ("Ann", "it grew")
    assert str(entry).startswith("selected again: new: ")
    assert "vas" in place.kept()["projects"]


def test_a_changed_item_is_made_again_once_and_keeps_its_edits(place: Selected) -> None:
    take(place.workdir, EDIT, projects=["grp:tas"], set={"cloud_format": "zarr", "updates.title": "New"})
    place.dataset("tas", 3)
    place.change("tas", updated)
    assert keys(place.again()) == ["grp:tas"]
    spec = stored_spec(place.workdir, Project(GROUP, "tas"))
    assert (spec.options.cloud_format, spec.updates, len(spec.files)) == ("zarr", {"title": "New"}, 3)
    assert len(place.files_of("tas")) == 3 and place.rows("tas") == ["init"] * 3
    assert place.rows("pr") == ["init"]
    assert keys(place.again()) == [] and place.rows("tas") == ["init"] * 3


def test_where_nothing_has_changed_nothing_is_done(place: Selected) -> None:
    before = place.everything()
    result = place.again()
    assert (result.done, result.not_done) == ({}, {})
    after = place.everything()
    assert {name for name in after if before.get(name) != after[name]} <= {str(place.workdir.selection(GROUP))}
    assert place.kept()["projects"].keys() == {"pr", "tas"}


def test_a_catalogue_that_cannot_be_read_changes_nothing(place: Selected) -> None:
    place.dataset("vas")
    place.publish()
    (item,) = place.catalogue.parent.rglob("*vas*.json")
    content = item.read_text()
    for damaged in (content[: len(content) // 2], "[]", "{}", "<html>"):
        item.write_text(damaged)
        sentence = place.refused()
        assert str(item) in sentence and "try again later" in sentence
    item.unlink()
    assert str(item) in place.refused()
    place.catalogue.unlink()
    assert str(place.catalogue) in place.refused()


def test_a_selection_that_is_damaged_is_named(place: Selected) -> None:
    for content in ("{", "{}", "[]"):
        place.workdir.selection(GROUP).write_text(content)
        assert str(place.workdir.selection(GROUP)) in place.refused()


def test_a_group_that_is_not_selected_is_refused(place: Selected) -> None:
    assert "group 'gpr' was not made from a selection: did you mean 'grp'?" in place.refused("gpr")
    assert "is not safe" in place.refused("../grp")


def test_a_dry_run_changes_nothing_and_shows_all(place: Selected) -> None:
    place.dataset("vas")
    place.change("tas", updated)
    del place.items["pr"]
    before = place.everything()
    result = place.again(dry_run=True)
    assert set(keys(result)) == {"grp:tas", "grp:vas"}
    assert [note for note in result.notes if note.startswith("grp:pr: withdrawn: ")]
    assert place.everything() == before


def test_the_job_shows_what_was_made_and_what_was_withdrawn(place: Selected) -> None:
    place.dataset("vas")
    del place.items["pr"]
    place.publish()
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(instance, place.workdir, selecting.SELECT_AGAIN, group=GROUP)
    assert result.success and list(table(output(result)["done"])) == ["grp:vas"]
    assert "grp:pr: withdrawn: " in output(result)["note"].value


def test_a_group_that_is_selected_anew_meanwhile_is_left(place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    search: Callable[..., Any] = selecting.select_again

    def selected_meanwhile(manifest: dict[str, Any]) -> Any:
        found = search(manifest)
        place.section["filter"] = "variable_id = 'tas'"
        assert place.initialise().success
        return found

    monkeypatch.setattr(selecting, "select_again", selected_meanwhile)
    with pytest.raises(selecting.StepRefused, match="was selected meanwhile: select again"):
        place.again()
    assert place.kept()["projects"].keys() == {"tas"}
