"""A failed run that Dagster's daemon has passed over is repeated, once; others are let be."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.test_utils import create_run_for_test, create_test_daemon_workspace_context, instance_for_test
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

from padocc_dagster.repeats import PARENT
from padocc_dagster.sensors import missed_repeats as sensor
from padocc_dagster.sensors.missed_repeats import MOST_TOLD, REASON, RETRIED_BY, SENTENCE, TOLD, WILL_RETRY, missed_repeats, runs_to_repeat
from padocc_dagster_tests.slurm.load import defs

ROOT = Path(__file__).parents[2]
RETRIES = {"run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}}
LOST = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with instance_for_test(overrides=RETRIES) as instance:
        yield instance


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensor, "MISSED_SECONDS", 0.0)


def failed(instance: dg.DagsterInstance, reason: JobFailureData = LOST, **tags: str) -> dg.DagsterRun:
    """A run that has just failed."""
    run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.report_run_failed(run, "the worker is gone", reason)
    time.sleep(0.01)  # the end lies before the look
    return instance.get_run_by_id(run.run_id)


def look(instance: dg.DagsterInstance) -> str:
    with dg.build_sensor_context(instance) as context:
        return missed_repeats(context).skip_message


def failures(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    return [record.dagster_event.message for record in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)]


def test_a_run_that_was_to_be_repeated_and_is_not_is_told_again(instance: dg.DagsterInstance) -> None:
    run = failed(instance)
    assert run.tags[WILL_RETRY] == "true"
    assert run.run_id in look(instance)
    assert [SENTENCE in told for told in failures(instance, run)] == [False, True]
    again = instance.get_run_by_id(run.run_id)
    assert again.status is dg.DagsterRunStatus.FAILURE and again.tags[WILL_RETRY] == "true"


def test_one_that_has_failed_just_now_is_left_to_dagster(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    failed(instance)
    monkeypatch.setattr(sensor, "MISSED_SECONDS", 60.0)
    assert look(instance) == "no repeat was missed"


def test_one_that_is_repeated_by_dagster_or_by_a_person_is_left_alone(instance: dg.DagsterInstance) -> None:
    by_dagster, by_hand = failed(instance), failed(instance)
    instance.add_run_tags(by_dagster.run_id, {RETRIED_BY: "another"})
    create_run_for_test(instance, tags={PARENT: by_hand.run_id})
    assert runs_to_repeat(instance) == []


def test_one_that_is_not_to_be_repeated_is_left_alone(instance: dg.DagsterInstance) -> None:
    failed(instance, JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE))
    failed(instance, **{"dagster/max_retries": "0"})
    assert runs_to_repeat(instance) == []


def test_one_that_cannot_be_repeated_is_not_told_for_ever(instance: dg.DagsterInstance) -> None:
    run = failed(instance)
    for _ in range(MOST_TOLD + 2):
        look(instance)
        time.sleep(0.01)
    assert len(failures(instance, run)) == 1 + MOST_TOLD
    assert instance.get_run_by_id(run.run_id).tags[TOLD] == f"{run.run_id} {MOST_TOLD}"


def test_a_repeat_that_inherits_the_tag_of_one_told_often_is_told_too(instance: dg.DagsterInstance) -> None:
    run = failed(instance, **{TOLD: f"another {MOST_TOLD}"})
    assert [found.run_id for found in runs_to_repeat(instance)] == [run.run_id]


@pytest.mark.parametrize(("status", "told"), [(None, False), (BulkActionStatus.CANCELED, False), (BulkActionStatus.REQUESTED, True)])
def test_one_whose_backfill_is_over_is_left_alone(instance: dg.DagsterInstance, status: BulkActionStatus | None, told: bool) -> None:
    failed(instance, **{"dagster/backfill": "bulk"})
    if status:
        instance.add_backfill(PartitionBackfill("bulk", status, False, {}, 0.0, asset_selection=[dg.AssetKey("load")]))
    assert bool(runs_to_repeat(instance)) is told


def test_a_fault_with_one_run_keeps_no_other_back(instance: dg.DagsterInstance) -> None:
    wrong, right = failed(instance), failed(instance)
    instance.add_run_tags(wrong.run_id, {REASON: "no such reason"})
    assert look(instance) == f"told again: {right.run_id}"


def test_dagsters_daemon_repeats_once_what_it_had_passed_over(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    target = ModuleTarget("padocc_dagster_tests.slurm.load", attribute=None, working_directory=str(ROOT), location_name="load")
    with create_test_daemon_workspace_context(target, instance) as workspace:
        location = workspace.create_request_context().get_code_location("load")
        job = location.get_repository("__repository__").get_full_job("__ASSET_JOB")
        daemon = EventLogConsumerDaemon()

        def children(parent: dg.DagsterRun) -> list[str]:
            return list(instance.get_run_ids(dg.RunsFilter(tags={PARENT: parent.run_id})))

        list(daemon.run_iteration(workspace))  # from here on it looks for failures
        instance.add_dynamic_partitions("pieces", ["one"])
        run = instance.create_run_for_job(
            defs.resolve_implicit_global_asset_job_def(),
            asset_selection=frozenset({dg.AssetKey("load")}),
            status=dg.DagsterRunStatus.STARTED,
            tags={"dagster/partition": "one"},
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
        )
        set_status = instance.run_storage.handle_run_event
        with monkeypatch.context() as between:  # the daemon looks when the event is stored, and the run does not say yet that it has failed

            def look_before(*given: object) -> None:
                list(daemon.run_iteration(workspace))
                set_status(*given)

            between.setattr(instance.run_storage, "handle_run_event", look_before)
            instance.report_run_failed(run, "the worker is gone", LOST)
        list(daemon.run_iteration(workspace))
        assert instance.get_run_by_id(run.run_id).tags[WILL_RETRY] == "true" and children(run) == []

        time.sleep(0.01)
        assert run.run_id in look(instance)
        for _ in range(2):
            list(daemon.run_iteration(workspace))
        assert len(children(run)) == 1
        assert look(instance) == "no repeat was missed"
