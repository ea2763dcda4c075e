"""Selecting again, killed anywhere: the next time finishes it, each project is made once, and nothing that was to be told is lost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.actions import initialise as initialising
from padocc_dagster.actions import select_again as selecting
from padocc_dagster.actions.telling import PROJECT
from padocc_dagster.pipeline import initialise
from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.events import history_of
from padocc_dagster.pipeline.layout import Project
from padocc_dagster_tests.actions.results import announced
from padocc_dagster_tests.actions.selected import GROUP, Selected, updated, without_a_worker
from padocc_dagster_tests.actions.test_edit import killed_at

STOPS = ["initialise_group", "note", "record", "keep_selection", "add_projects", "tell", "report"]
MADE = {"tas": ["init", "init"], "pr": ["init"], "vas": ["init"], "uas": ["init"]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Selected]:
    """Projects `tas` and `pr`; then `tas` changes, `pr` is withdrawn, `vas` and `uas` are new."""
    without_a_worker(monkeypatch)
    with dg.DagsterInstance.ephemeral() as instance:
        place = Selected(tmp_path.resolve(), instance)
        for variable in ("tas", "pr"):
            place.dataset(variable)
        assert place.initialise().success
        place.dataset("tas", 2)
        place.change("tas", updated)
        for variable in ("vas", "uas"):
            place.dataset(variable)
        del place.items["pr"]
        yield place


def materialised(instance: dg.DagsterInstance) -> Counter[str]:
    records = instance.fetch_materializations(PROJECT, limit=100).records
    return Counter(record.partition_key for record in records)


def as_it_should_be(place: Selected) -> None:
    assert {code: place.rows(code) for code in MADE} == MADE
    told = materialised(place.instance)
    assert told["grp:tas"] >= 2 and told["grp:vas"] >= 1 and told["grp:uas"] >= 1 and told["grp:pr"] == 1
    assert not to_announce(place.workdir, GROUP)
    observations = place.instance.fetch_observations(PROJECT, limit=100).records
    assert {record.partition_key for record in observations} == {"grp:pr"}
    for code in MADE:
        assert history_of(place.workdir, Project(GROUP, code)), code
    assert place.kept()["projects"].keys() == MADE.keys() and place.kept()["projects"]["pr"]["withdrawn"]
    assert set(place.instance.get_dynamic_partitions("projects")) == {f"grp:{code}" for code in MADE}


def test_without_an_interruption_everything_is_done_and_told_once(place: Selected) -> None:
    assert place.again().success
    as_it_should_be(place)
    assert materialised(place.instance)["grp:tas"] == 2
    assert all(len(history_of(place.workdir, Project(GROUP, code))) == 1 for code in MADE)


@pytest.mark.parametrize("stop", STOPS)
def test_killed_anywhere_it_is_finished_by_the_next(stop: str, place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(monkeypatch, selecting, stop, place.again)
    place.again()
    as_it_should_be(place)
    assert announced(place.again()) == []


@pytest.mark.parametrize("number", range(3))
def test_killed_between_two_projects_it_is_finished_by_the_next(number: int, place: Selected, monkeypatch: pytest.MonkeyPatch) -> None:
    make, left = initialise._initialise, [*range(number)]

    def killed(*given: object) -> bool:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return make(*given)

    with monkeypatch.context() as patch, pytest.raises(BaseException):  # noqa: B017 - as Dagster passes it on
        patch.setattr(initialise, "_initialise", killed)
        place.again()
        raise KeyboardInterrupt
    assert place.again().success
    as_it_should_be(place)


@pytest.mark.parametrize("stop", ["initialise", "keep_selection", "add_projects", "tell"])
def test_a_group_whose_first_selection_was_killed_is_finished_by_dropping_its_config_again(
    stop: str, place: Selected, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(monkeypatch, initialising, stop, place.initialise)
    assert place.initialise().success
    assert {code: place.rows(code) for code in MADE} == MADE and not to_announce(place.workdir, GROUP)
    assert place.kept()["projects"].keys() == {"tas", "vas", "uas"}
    assert {f"grp:{code}" for code in MADE} == set(materialised(place.instance))
