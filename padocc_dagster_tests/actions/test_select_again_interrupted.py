"""Selecting again, killed anywhere: the next time finishes it, each project is made once, and nothing that was to be recorded is lost."""

from pathlib import Path

import pytest

from padocc_dagster.actions import initialise as initialising
from padocc_dagster.actions import select_again as selecting
from padocc_dagster.pipeline.making import initialise
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster_tests.actions.results import killed_at
from padocc_dagster_tests.actions.selected import GROUP, Selected, keys, updated, without_a_worker

MADE = {"tas": ["init", "init"], "pr": ["init"], "vas": ["init"], "uas": ["init"]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Selected:
    """Projects `tas` and `pr`; then `tas` changes, `pr` is withdrawn, `vas` and `uas` are new."""
    without_a_worker(monkeypatch)
    place = Selected(tmp_path.resolve())
    for variable in ("tas", "pr"):
        place.dataset(variable)
    assert place.initialise().success
    place.dataset("tas", 2)
    place.change("tas", updated)
    for variable in ("vas", "uas"):
        place.dataset(variable)
    del place.items["pr"]
    return place


def as_it_should_be(place: Selected) -> None:
    assert {code: place.rows(code) for code in MADE} == MADE
    for code in MADE:
        assert history_of(place.workdir, Project(GROUP, code)), code
    assert place.kept()["projects"].keys() == MADE.keys() and place.kept()["projects"]["pr"]["withdrawn"]
    assert set(project_codes(place.workdir, GROUP)) == MADE.keys()


def test_without_an_interruption_everything_is_done_and_recorded_once(place: Selected) -> None:
    assert place.again().not_done == {}
    as_it_should_be(place)
    assert all(len(history_of(place.workdir, Project(GROUP, code))) == 1 for code in MADE)


@pytest.mark.parametrize("stop", ["initialise_group", "note", "keep_selection", "_notes"])
def test_killed_anywhere_it_is_finished_by_the_next(stop: str, place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(monkeypatch, selecting, stop, place.again)
    place.again()
    as_it_should_be(place)
    assert keys(place.again()) == []


@pytest.mark.parametrize("number", range(3))
def test_killed_between_two_projects_it_is_finished_by_the_next(number: int, place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    make, left = initialise._initialise, [*range(number)]

    def killed(*given: object) -> bool:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return make(*given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(initialise, "_initialise", killed)
        place.again()
    assert place.again().not_done == {}
    as_it_should_be(place)


@pytest.mark.parametrize("stop", ["initialise", "_keep", "record_reading"])
def test_a_group_whose_first_selection_was_killed_is_finished_by_dropping_its_config_again(
    stop: str, place: Selected, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(monkeypatch, initialising, stop, place.initialise)
    assert place.initialise().success
    assert {code: place.rows(code) for code in MADE} == MADE
    assert place.kept()["projects"].keys() == {"tas", "vas", "uas"}
