"""The job that removes old runs, and the schedule that requests it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from padocc_dagster.conductor import purging
from padocc_dagster.sensors.purge import A_NIGHT, SETTING, at_first, nightly_purge, purge_runs

NIGHT = datetime(2026, 11, 28, 2, 43, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def requested(instance: dg.DagsterInstance) -> dg.RunRequest:
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=NIGHT)
    (request,) = nightly_purge.evaluate_tick(context).run_requests or ()
    return request


@pytest.mark.parametrize(("setting", "age"), [(None, "365d"), ("90d", "90d"), ("30", "30d")])
def test_each_night_runs_older_than_the_setting_are_removed_or_than_a_year(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, setting: str | None, age: str
) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    if setting:
        monkeypatch.setenv(SETTING, setting)
    request = requested(instance)
    assert request.run_config["ops"]["purge_old_runs"]["config"] == {"older_than": age, "most": A_NIGHT, "dry_run": False}
    assert request.run_key == "2026-11-28" and dg.validate_run_config(purge_runs, request.run_config)


def test_the_schedule_is_off_unless_the_setting_says_how_long_runs_are_kept() -> None:
    assert at_first({}) is at_first({SETTING: ""}) is dg.DefaultScheduleStatus.STOPPED
    assert at_first({SETTING: "365d"}) is dg.DefaultScheduleStatus.RUNNING


def test_the_launchpad_opens_with_a_dry_run_and_the_request_of_the_night_removes(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = purge_runs.execute_in_process(instance=instance).run_id
    now = purging.time.time()
    monkeypatch.setattr(purging.time, "time", lambda: now + 400 * purging.DAY)
    assert purge_runs.execute_in_process(instance=instance).success and instance.get_run_by_id(old)
    assert purge_runs.execute_in_process(instance=instance, run_config=requested(instance).run_config).success
    assert not instance.get_run_by_id(old)


def test_what_is_no_age_fails_the_run_with_a_sentence(instance: dg.DagsterInstance) -> None:
    config = {"ops": {"purge_old_runs": {"config": {"older_than": "soon"}}}}
    result = purge_runs.execute_in_process(instance=instance, run_config=config, raise_on_error=False)
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    failure = event.step_failure_data.user_failure_data
    assert failure and "'soon' is no age: write a number of days" in str(failure.description)
