"""A job that is not in the queue may have ended or not: who is asked, in which order, and when it is certain."""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.desk import Desk

NO_DATABASE = "sacct: error: Problem talking to the database: Connection refused"
DISABLED = "Slurm accounting storage is disabled"


@pytest.fixture
def job(desk: Desk) -> tuple[Any, int]:
    """A run at work, and its job's id."""
    return desk.at_work()


def test_the_accounting_tells_the_end(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.end(job_id, "OUT_OF_MEMORY", exit="0:125", peak="2G")
    assert desk.look().ended == {job_id: "OUT_OF_MEMORY"}
    assert desk.own(run)[tags.USED] == "elapsed=00:00:31 peak=2G"
    assert desk.slurm.calls("scontrol") == []


def test_the_accounting_is_waited_for_a_minute_and_then_the_controller_is_asked(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.end(job_id, "TIMEOUT", accounted=False, remembered=True)
    assert desk.look().ended == {} and desk.slurm.calls("scontrol") == []
    assert desk.look(59).ended == {} and desk.status(run) == "STARTED"
    assert desk.look(2).ended == {job_id: "TIMEOUT"}


def test_an_accounting_that_is_behind_is_not_believed(desk: Desk, job: tuple[Any, int]) -> None:
    _, job_id = job
    desk.slurm.end(job_id, "TIMEOUT", accounted="RUNNING", remembered=True)
    assert desk.look().ended == {}
    assert desk.look(61).ended == {job_id: "TIMEOUT"}


def test_with_an_accounting_that_is_behind_the_queues_own_memory_is_used_though_it_is_read_anew(desk: Desk, job: tuple[Any, int]) -> None:
    _, job_id = job
    desk.slurm.end(job_id, "TIMEOUT", accounted="RUNNING", queued=True)
    assert desk.look().ended == {}
    assert desk.look(31).ended == {}
    assert desk.look(31).ended == {job_id: "TIMEOUT"}


def test_with_the_database_down_the_queues_memory_of_ended_jobs_tells_it_at_once(desk: Desk, job: tuple[Any, int]) -> None:
    _, job_id = job
    desk.slurm.answer("sacct", NO_DATABASE)
    desk.slurm.end(job_id, "NODE_FAIL", queued=True)
    assert desk.look().ended == {job_id: "NODE_FAIL"}


def test_with_the_database_down_the_jobs_own_report_tells_it_when_the_controller_has_forgotten(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.answer("sacct", NO_DATABASE)
    desk.slurm.end(job_id, "FAILED")
    desk.report(run, job_id, exit_status=None, signal=9, out_of_memory=True, peak_memory_mib=2048)
    assert desk.look().ended == {job_id: "OUT_OF_MEMORY"}
    assert "memory=4G" in desk.events_text(run)


def test_a_job_that_nobody_knows_is_given_up_after_two_looks_and_two_minutes(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.answer("sacct", NO_DATABASE)
    desk.slurm.end(job_id, "FAILED")
    assert desk.look().ended == {}
    assert desk.look(90).ended == {} and desk.status(run) == "STARTED"
    assert desk.look(61).ended == {job_id: "VANISHED"}
    assert desk.status(run) == "FAILURE" and "VANISHED" in desk.events_text(run)


def test_a_job_that_comes_back_into_the_queue_was_never_missed(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.change(job_id, queued=False, accounted=False, remembered=False)
    desk.look()
    desk.slurm.change(job_id, queued=True)
    desk.look(90)
    desk.slurm.change(job_id, queued=False)
    assert desk.look(90).ended == {} and desk.status(run) == "STARTED"


def test_that_a_cluster_has_no_accounting_is_found_out_once_a_day(desk: Desk) -> None:
    desk.slurm.answer("sacct", DISABLED)
    for number in range(3):
        _, job_id = desk.at_work()
        desk.slurm.end(job_id, "TIMEOUT", remembered=True)
        assert desk.look().ended == {job_id: "TIMEOUT"}
        assert len(desk.slurm.calls("sacct")) == 1, number
    mark = desk.settings.log_folder.root / "no-accounting"
    os.utime(mark, (mark.stat().st_mtime - 86401,) * 2)
    _, job_id = desk.at_work()
    desk.slurm.end(job_id, "TIMEOUT", remembered=True)
    desk.look()
    assert len(desk.slurm.calls("sacct")) == 2


def test_that_the_database_is_down_is_not_remembered_as_no_accounting(desk: Desk, job: tuple[Any, int]) -> None:
    _, job_id = job
    desk.slurm.answer("sacct", NO_DATABASE)
    desk.slurm.end(job_id, "TIMEOUT")
    desk.look()
    desk.slurm.recover("sacct")
    assert desk.look(61).ended == {job_id: "TIMEOUT"}


def test_the_same_id_under_another_name_is_another_job(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.change(job_id, name="by-hand", comment="", started="2026-11-24T03:07:00")
    assert desk.look().ended == {job_id: "VANISHED"} and desk.status(run) == "FAILURE"
    assert desk.slurm.jobs()[0]["state"] == "RUNNING" and desk.slurm.calls("scancel") == []


def test_a_silent_controller_is_no_end_however_long(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.fall_silent()
    desk.slurm.answer("sacct", NO_DATABASE)
    for _ in range(3):
        assert desk.look(86400).ended == {}
    assert desk.status(run) == "STARTED"
    desk.slurm.recover()
    desk.slurm.end(job_id, "COMPLETED")
    desk.succeed(run)
    assert desk.look().ended == {job_id: "COMPLETED"} and desk.status(run) == "SUCCESS"


def test_sacct_is_asked_from_before_the_oldest_run_began_whatever_the_zone_of_this_host_and_of_the_database(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/Los_Angeles")
        time.tzset()
        _, job_id = desk.at_work()
        desk.slurm.end(job_id, "COMPLETED")
        desk.look()
    time.tzset()
    argv = desk.slurm.calls("sacct")[0]["argv"]
    since = datetime.fromisoformat(argv[argv.index("-S") + 1]).replace(tzinfo=UTC)
    assert timedelta(hours=14) < datetime.now(UTC) - since < timedelta(hours=16)


def test_a_renamed_job_is_still_its_runs(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.change(job_id, name="another name")
    assert desk.look().ended == {} and desk.status(run) == "STARTED"
    desk.slurm.end(job_id, "TIMEOUT")
    assert desk.look().ended == {job_id: "TIMEOUT"}


def test_a_job_with_another_name_and_comment_is_its_runs_while_the_runs_report_names_it(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.change(job_id, name="another name", comment="another comment")
    assert desk.look().ended == {} and desk.status(run) == "STARTED"
    assert desk.look(200).ended == {} and desk.status(run) == "STARTED"
    desk.slurm.end(job_id, "TIMEOUT")
    assert desk.look().ended == {job_id: "TIMEOUT"}


def test_a_job_that_the_accounting_has_cancelled_by_nobody_is_forgotten_once_its_processes_have_ended(
    desk: Desk, job: tuple[Any, int]
) -> None:
    run, job_id = job
    desk.slurm.end(job_id, "CANCELLED")
    assert desk.look().ended == {} and desk.status(run) == "STARTED"
    desk.report(run, job_id, exit_status=None, signal=9, stop_signal="SIGTERM")
    assert desk.look(61).ended == {job_id: "FORGOTTEN"}
    assert desk.status(run) == "FAILURE" and desk.now(run).tags["dagster/will_retry"] == "true"


def test_a_forgotten_job_whose_report_never_says_more_has_been_killed_by_the_next_look(desk: Desk, job: tuple[Any, int]) -> None:
    _, job_id = job
    desk.slurm.end(job_id, "CANCELLED")
    assert desk.look().ended == {}
    assert desk.look(61).ended == {job_id: "FORGOTTEN"}


def test_a_waiting_job_that_the_controller_forgot_is_submitted_anew_as_a_retry(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    desk.slurm.end(job_id, "CANCELLED", nodes="", started="N/A")
    assert desk.look().ended == {job_id: "FORGOTTEN"} and desk.now(run).tags["dagster/will_retry"] == "true"


def test_a_job_that_the_controller_knows_as_cancelled_is_cancelled_though_nobody_is_named(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.end(job_id, "CANCELLED", queued=True)
    assert desk.look().ended == {job_id: "CANCELLED"} and desk.status(run) == "CANCELED"


def test_a_job_that_the_accounting_alone_has_at_work_is_waited_for_an_hour(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    desk.slurm.end(job_id, "TIMEOUT", accounted="RUNNING")
    assert desk.look().ended == {}
    assert desk.look(3000).ended == {} and desk.status(run) == "STARTED"
    assert desk.look(700).ended == {job_id: "VANISHED"}


def test_a_report_that_cannot_be_read_says_nothing_and_stops_no_other(desk: Desk, job: tuple[Any, int]) -> None:
    run, job_id = job
    path = files_of(desk.now(run)).report
    path.unlink()
    path.mkdir()
    desk.slurm.answer("sacct", NO_DATABASE)
    desk.slurm.end(job_id, "FAILED")
    found = desk.look()
    assert (found.ended, found.errors) == ({}, {})
    assert desk.look(200).ended != {} and desk.status(run) == "FAILURE"


def test_a_silent_controller_is_asked_for_one_job_in_a_pass(desk: Desk) -> None:
    jobs = [desk.at_work()[1] for _ in range(4)]
    desk.slurm.answer("sacct", NO_DATABASE)
    for job_id in jobs:
        desk.slurm.end(job_id, "TIMEOUT")
    desk.slurm.answer("scontrol", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    assert desk.look().ended == {}
    assert len(desk.slurm.calls("scontrol")) == 1
