"""When `up --until-idle` ends: a whole tick of the conductor after the last run found nothing."""

import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from padocc_dagster.services.idleness import Idleness


@pytest.fixture
def idleness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Idleness]:
    """Of an instance without runs, whose conductor finds nothing at each look."""
    monkeypatch.setattr("padocc_dagster.conductor.idle.idle_since", lambda _: time.time())
    with dg.instance_for_test() as instance:
        yield Idleness(instance, time.time() - 1)


def test_with_no_run_and_nothing_found_it_is_reached(idleness: Idleness) -> None:
    assert idleness.is_reached()


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTED"])
def test_a_run_that_waits_or_works_keeps_it_off_until_a_tick_after_its_end(
    idleness: Idleness, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run_for_test(idleness.instance, status=dg.DagsterRunStatus[status])
    before = time.time()
    monkeypatch.setattr("padocc_dagster.conductor.idle.idle_since", lambda _: before)
    assert not idleness.is_reached()
    idleness.instance.report_run_canceled(run)
    assert not idleness.is_reached(), "the tick began before the run was seen to be over"
    monkeypatch.setattr("padocc_dagster.conductor.idle.idle_since", lambda _: time.time())
    assert idleness.is_reached()


def test_a_database_that_does_not_answer_keeps_it_off(idleness: Idleness, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> float:
        raise RuntimeError("no connection")

    monkeypatch.setattr("padocc_dagster.conductor.idle.idle_since", fails)
    assert not idleness.is_reached()
