"""Selecting a group again: what is new or changed in the catalogue follows, and whatever goes wrong changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from padocc_dagster.actions import select_again as selecting
from padocc_dagster.actions.edit import edit_projects
from padocc_dagster.pipeline.announcements import change_announcements, to_announce
from padocc_dagster.pipeline.events import SelectedAgain, history_of
from padocc_dagster.pipeline.layout import Project
from padocc_dagster.pipeline.specs import stored_spec
from padocc_dagster_tests.actions.results import announced, done, failure, observed, output, table
from padocc_dagster_tests.actions.selected import GROUP, WHO, Selected, updated


def test_a_new_item_becomes_a_project(place: Selected) -> None:
    place.dataset("vas", 2)
    result = place.again()
    assert announced(result) == ["grp:vas"] and list(done(result)) == ["grp:vas"]
    assert len(place.files_of("vas")) == 2 and place.rows("vas") == ["init"]
    assert set(place.instance.get_dynamic_partitions("projects")) == {"grp:pr", "grp:tas", "grp:vas"}
    (entry,) = history_of(place.workdir, Project(GROUP, "vas"))
    assert (entry.who, entry.why) == ("Ann", "it grew")
    assert isinstance(entry, SelectedAgain) and entry.changes.startswith("new: ")
    assert "vas" in place.kept()["projects"] and not to_announce(place.workdir, GROUP)


def test_a_changed_item_is_made_again_once_and_keeps_its_edits(place: Selected) -> None:
    assert place.run(edit_projects, projects=["grp:tas"], set={"cloud_format": "zarr", "updates.title": "New"}, **WHO).success
    place.dataset("tas", 3)
    place.change("tas", updated)
    assert announced(place.again()) == ["grp:tas"]
    spec = stored_spec(place.workdir, Project(GROUP, "tas"))
    assert (spec.options.cloud_format, spec.updates, len(spec.files)) == ("zarr", {"title": "New"}, 3)
    assert len(place.files_of("tas")) == 3 and place.rows("tas") == ["init"] * 3
    assert place.rows("pr") == ["init"]
    again = place.again()
    assert announced(again) == [] and done(again) == {} and place.rows("tas") == ["init"] * 3


def test_where_nothing_has_changed_nothing_is_done(place: Selected) -> None:
    before = place.everything()
    result = place.again()
    assert announced(result) == observed(result) == [] and done(result) == {}
    after = place.everything()
    assert {name for name in after if before.get(name) != after[name]} <= {str(place.workdir.selection(GROUP))}
    assert place.kept()["projects"].keys() == {"pr", "tas"}


def test_a_catalogue_that_cannot_be_read_changes_nothing(place: Selected) -> None:
    place.dataset("vas")
    place.publish()
    before = place.everything()
    (item,) = place.catalogue.parent.rglob("*vas*.json")
    content = item.read_text()
    for damaged in (content[: len(content) // 2], "[]", "{}", "<html>"):
        item.write_text(damaged)
        told = failure(place.ask()).description
        assert "Nothing was changed" in told and str(item) in told and "try again later" in told
    item.unlink()
    assert str(item) in failure(place.ask()).description
    place.catalogue.unlink()
    assert str(place.catalogue) in failure(place.ask()).description
    assert place.everything() == before


def test_a_selection_that_is_damaged_is_told(place: Selected) -> None:
    for content in ("{", "{}", "[]"):
        place.workdir.selection(GROUP).write_text(content)
        assert str(place.workdir.selection(GROUP)) in failure(place.ask()).description


def test_a_group_that_is_not_selected_is_refused(place: Selected) -> None:
    assert "group 'gpr' was not made from a selection: did you mean 'grp'?" in failure(place.ask("gpr")).description
    assert "is not safe" in failure(place.ask("../grp")).description


def test_a_dry_run_changes_nothing_and_tells_all(place: Selected) -> None:
    place.dataset("vas")
    place.change("tas", updated)
    del place.items["pr"]
    change_announcements(place.workdir, GROUP, adding=["tas"])  # of an interrupted run before
    before = place.everything()
    result = place.again(dry_run=True)
    assert set(done(result)) == {"grp:tas", "grp:vas"} and list(table(output(result)["withdrawn"])) == ["grp:pr"]
    assert "nothing was changed" in output(result)["note"].value
    assert announced(result) == observed(result) == [] and place.everything() == before


def test_a_group_that_is_selected_anew_meanwhile_is_left(place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    search: Callable[..., Any] = selecting.select_again

    def selected_meanwhile(manifest: dict[str, Any]) -> Any:
        found = search(manifest)
        place.section["filter"] = "variable_id = 'tas'"
        assert place.initialise().success
        return found

    monkeypatch.setattr(selecting, "select_again", selected_meanwhile)
    assert "was selected meanwhile: select again" in failure(place.again()).description
    assert place.kept()["projects"].keys() == {"tas"}
