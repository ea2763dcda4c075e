"""Tags that are written are there, though another process writes the run at that moment."""

from collections.abc import Iterator

import dagster as dg
import pytest

from padocc_dagster.batch import tags
from padocc_dagster_tests.batch.runs import make_run


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def test_tags_that_another_process_undoes_are_written_again(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(instance, {"before": "1"})
    add, undone = instance.add_run_tags, []

    def undo_once(run_id: str, new: dict[str, str]) -> None:
        add(run_id, new if undone else {"of": "another"})
        undone.append(new)

    monkeypatch.setattr(instance, "add_run_tags", undo_once)
    tags.write(instance, run.run_id, {"mine": "2"})
    found = instance.get_run_by_id(run.run_id).tags
    assert (found["before"], found["of"], found["mine"]) == ("1", "another", "2")


def test_a_writer_whose_tags_are_always_undone_gives_up(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    run, tried = make_run(instance), []
    monkeypatch.setattr(instance, "add_run_tags", lambda run_id, new: tried.append(new))
    tags.write(instance, run.run_id, {"mine": "2"})
    assert len(tried) == tags.ATTEMPTS


def test_the_tags_of_a_run_that_was_deleted_are_written_once(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(instance, "add_run_tags", lambda run_id, new: tried.append(new))
    tags.write(instance, "no such run", {"mine": "2"})
    assert len(tried) == 1
