"""Jobs that should not be there are cancelled, all others never."""

import time
from typing import Any

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.cancelling import LAST_WORDS_SECONDS, terminate
from padocc_dagster.slurm.runs.tags import job_name
from padocc_dagster_tests.slurm.desk import Desk


def states(desk: Desk) -> dict[int, str]:
    return {job["job_id"]: job["state"] for job in desk.slurm.jobs()}


@pytest.mark.parametrize("end", ["report_run_canceled", "report_run_failed"])
def test_a_waiting_job_whose_run_is_over_is_cancelled_and_the_run_told(desk: Desk, end: str) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    getattr(desk.instance, end)(desk.now(run))
    assert desk.look().cancelled == [job_id] and states(desk) == {job_id: "CANCELLED"}
    assert f"SLURM job {job_id} is cancelled: its run is" in desk.events_text(run)


def test_a_job_at_work_whose_run_has_just_ended_may_say_its_last_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run, job_id = desk.at_work()
    desk.instance.report_run_canceled(desk.now(run))
    with monkeypatch.context() as ahead:  # of the clock that dated the run's end
        present = time.time
        ahead.setattr(time, "time", lambda: present() + 3600)
        assert desk.look().cancelled == []
    monkeypatch.setattr("padocc_dagster.slurm.runs.cancelling.LAST_WORDS_SECONDS", -1.0)
    assert LAST_WORDS_SECONDS == 60.0
    assert desk.look().cancelled == [job_id]


def test_a_stray_is_cancelled_and_told_once_a_look_however_many_passes_there_are(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    desk.instance.report_run_canceled(desk.now(run))
    desk.look()
    for _ in range(3):
        desk.pass_again()
    assert len(desk.slurm.calls("scancel")) == 1
    assert desk.events_text(run).count(f"SLURM job {job_id} is cancelled") == 1


def test_the_job_of_a_deleted_run_is_cancelled(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.instance.delete_run(run.run_id)
    assert desk.look().cancelled == [job_id]
    assert desk.look().cancelled == []


def test_jobs_of_people_and_of_other_instances_are_never_touched(desk: Desk) -> None:
    run = desk.run()
    desk.submit(run)
    desk.instance.delete_run(run.run_id)
    run_id = run.run_id
    others = [("by-hand", ""), (job_name(run), ""), (job_name(run), f"dagster:another:{run_id}"), ("dagster", "dagster:"), ("d", run_id)]
    for number, (name, comment) in enumerate(others, 500):
        desk.slurm.add(number, name, comment)
    assert desk.look().cancelled == [101]
    assert {number: states(desk)[number] for number in range(500, 505)} == dict.fromkeys(range(500, 505), "PENDING")


def test_of_two_jobs_for_a_run_the_one_that_hosts_it_stays_whichever_was_recorded(desk: Desk) -> None:
    run = desk.run()
    recorded = desk.submit(run)
    second = desk.add(50, run)
    assert desk.look().cancelled == [second] and desk.job(run) == recorded
    other = desk.run()
    recorded = desk.submit(other)
    host = desk.add(51, other, state="RUNNING", nodes="n1", started="2026-11-23T03:07:00")
    desk.begin(other, host)
    assert desk.look().cancelled == [] and desk.job(other) == host
    assert desk.look().cancelled == [recorded]
    assert states(desk)[host] == "RUNNING"


def test_a_job_whose_launcher_has_not_yet_recorded_it_is_left_alone(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.add(50, run)
    assert desk.look().cancelled == [] and states(desk) == {job_id: "PENDING"}


def test_a_run_that_is_being_cancelled_is_told_again_and_its_waiting_job_cancelled(desk: Desk) -> None:
    run, job_id = desk.at_work()
    waiting = desk.run()
    second = desk.submit(waiting)
    for one in (run, waiting):
        desk.instance.report_run_canceling(desk.now(one))
    assert desk.look().cancelled == [second]
    assert [call["argv"] for call in desk.slurm.calls("scancel")][0] == ["--signal=USR1", "--batch", str(job_id)]


def test_when_the_cancelling_gets_no_answer_it_is_done_at_the_next_look(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    desk.instance.report_run_canceled(desk.now(run))
    desk.slurm.answer("scancel", "scancel: error: Kill job error on job id 101: Unable to contact slurm controller", once=True)
    assert desk.look().cancelled == [] and "is cancelled: its run" not in desk.events_text(run)
    assert desk.look().cancelled == [job_id]


def test_a_job_that_the_launcher_cancelled_ends_with_that_as_its_reason(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    desk.instance.report_run_failed(desk.now(run))
    assert desk.look().cancelled == [job_id]
    desk.slurm.end(job_id, "CANCELLED", accounted="CANCELLED by 0", nodes="", started="N/A")
    desk.look()
    assert "is over: CANCELLED by the launcher, because its run is FAILURE and no longer needs it" in desk.events_text(run)


def test_a_waiting_job_of_a_terminated_run_ends_with_that_as_its_reason(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    assert cancel(desk, run)
    desk.slurm.end(job_id, "CANCELLED", accounted="CANCELLED by 0", nodes="", started="N/A")
    desk.look()
    assert "CANCELLED by the launcher, because the run was terminated before the job began" in desk.events_text(run)


def test_the_end_of_a_cancelled_stray_does_not_change_its_run(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.succeed(run)
    desk.slurm.end(job_id, "CANCELLED", accounted="CANCELLED by 0")
    desk.look()
    assert desk.status(run) == "SUCCESS" and desk.own(run)[tags.STATE] == "ended"


def cancel(desk: Desk, run: Any) -> bool:
    return terminate(desk.instance, run.run_id, desk.settings, desk.client)


def test_terminating_cancels_a_waiting_job_and_signals_one_at_work(desk: Desk) -> None:
    waiting = desk.run()
    desk.submit(waiting)
    working, job_id = desk.at_work()
    assert cancel(desk, waiting) and desk.status(waiting) == "CANCELED"
    assert cancel(desk, working) and desk.status(working) == "CANCELING"
    assert [call["argv"] for call in desk.slurm.calls("scancel")] == [["--quiet", "101"], ["--signal=USR1", "--batch", str(job_id)]]
    assert not cancel(desk, waiting)


def test_terminating_a_run_that_ends_in_the_same_moment_leaves_it_its_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = desk.at_work()
    canceling = type(desk.instance).report_run_canceling
    monkeypatch.setattr(type(desk.instance), "report_run_canceling", lambda *given: (desk.succeed(run), canceling(*given)))
    assert not cancel(desk, run)
    assert desk.status(run) == "SUCCESS" and desk.slurm.calls("scancel") == []


def test_terminating_never_touches_a_foreign_job_that_has_got_the_id(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.slurm.change(job_id, name="by-hand", comment="", started="2026-11-24T03:07:00")
    assert cancel(desk, run) and desk.slurm.calls("scancel") == []


def test_terminating_signals_a_job_whose_name_and_comment_were_changed(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.slurm.change(job_id, name="by-hand", comment="")
    assert cancel(desk, run) and [call["argv"][0] for call in desk.slurm.calls("scancel")] == ["--signal=USR1"]


def test_terminating_in_an_outage_leaves_the_run_to_the_reconciler(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.slurm.fall_silent()
    assert cancel(desk, run) and desk.status(run) == "CANCELING"
    assert "could not be cancelled" in desk.events_text(run)
    desk.slurm.recover()
    before = time.time()
    desk.look()
    assert desk.slurm.calls("scancel")[-1]["argv"] == ["--signal=USR1", "--batch", str(job_id)] and time.time() - before < 20
