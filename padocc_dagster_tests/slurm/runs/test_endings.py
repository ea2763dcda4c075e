"""A job has ended: what its run becomes, what a person reads, and that Dagster does what the sentence says."""

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.causes import RESPONSES, Cause
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.desk import Desk

LIMITS = {"largest_allocation": {"memory": "4G", "time": "1:00:00"}}


def repeated(desk: Desk, run: object) -> bool:
    return desk.now(run).tags["dagster/will_retry"] == "true"


@pytest.mark.parametrize("state", ["OUT_OF_MEMORY", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "DEADLINE", "FAILED"])
def test_each_end_is_told_with_its_figures_what_it_means_and_what_dagster_then_does(desk: Desk, state: str) -> None:
    run, job_id = desk.at_work()
    desk.report(run, job_id, exit_status=1)
    desk.slurm.end(job_id, state, peak="1999M")
    desk.look()
    told, response = desk.events_text(run), RESPONSES[Cause(state)]
    assert desk.status(run) == "FAILURE"
    assert f"SLURM job {job_id}: {state}" in told and response.means in told
    assert "It ran 0:00:31, and its memory was 1999 MiB at most" in told and f"sacct -j {job_id}" in told
    assert repeated(desk, run) == response.retry == ("Next: Dagster retries it as attempt 2 of at most 3" in told)
    own = desk.own(run)
    assert (own[tags.STATE], own[tags.CAUSE], own[tags.USED], own[tags.NODES]) == ("ended", state, "elapsed=00:00:31 peak=1999M", "n1")


def test_a_cancelled_job_cancels_its_run_says_by_whom_and_is_not_repeated(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.slurm.end(job_id, "CANCELLED", accounted="CANCELLED by 4711")
    desk.look()
    assert desk.status(run) == "CANCELED" and "CANCELLED by user id 4711" in desk.events_text(run)
    assert desk.now(run).tags.get("dagster/will_retry") != "true"


def test_a_job_that_is_cancelled_before_its_start_cancels_its_run(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    desk.slurm.end(job_id, "CANCELLED", accounted="CANCELLED by 0", nodes="", started="N/A")
    desk.look()
    assert desk.status(run) == "CANCELED"


def test_a_job_whose_set_up_failed_is_told_with_the_end_of_its_log_and_not_repeated(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    desk.settings.log_folder.root.joinpath(desk.own(run)[tags.LOG]).write_text("Line 1 of set_up failed: module load nothing\n")
    desk.slurm.end(job_id, "FAILED", exit="78:0")
    assert desk.look().ended == {job_id: "LAUNCH_FAILED"}
    assert "module load nothing" in desk.events_text(run) and not repeated(desk, run)


def test_a_requeued_job_whose_first_start_had_begun_is_repeated_as_a_run_of_its_own(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.report(run, job_id, ended=None, requeued=True)
    desk.slurm.end(job_id, "COMPLETED")
    assert desk.look().ended == {job_id: "REQUEUED"}
    assert repeated(desk, run)


def test_a_job_that_waits_again_after_a_requeue_is_not_over(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.slurm.change(job_id, state="PENDING", reason="BeginTime", nodes="")
    assert desk.look().ended == {} and desk.status(run) == "STARTED"
    desk.slurm.change(job_id, state="REQUEUE_HOLD", reason="job requeued in held state")
    desk.look()
    assert "scontrol release" in desk.events_text(run)


def test_at_the_cap_the_run_says_so_and_stops(desk: Desk) -> None:
    desk = desk.with_settings(**LIMITS)
    run, job_id = desk.at_work({"slurm/memory": "4G"})
    desk.slurm.end(job_id, "OUT_OF_MEMORY")
    desk.look()
    assert "Next: memory 8G was cut to 4G, the most that is allowed. That was not enough, so it is not retried." in desk.events_text(run)
    assert not repeated(desk, run) and desk.own(run)[tags.STOPPED] == "yes"


def test_below_the_cap_the_retry_gets_what_is_left_and_that_is_said(desk: Desk) -> None:
    desk = desk.with_settings(**LIMITS)
    run, job_id = desk.at_work({"slurm/memory": "3G"})
    desk.slurm.end(job_id, "OUT_OF_MEMORY")
    desk.look()
    assert "requesting time=01:00:00 memory=4G cpus=1 (memory 6G was cut to 4G" in desk.events_text(run)
    assert repeated(desk, run)


def test_what_the_sentence_promises_is_what_the_retry_asks_for(desk: Desk) -> None:
    run, job_id = desk.at_work()
    for expected in ("memory=4G", "memory=8G"):
        desk.slurm.end(job_id, "OUT_OF_MEMORY")
        desk.look()
        number = int(desk.now(run).tags.get(tags.RETRY_NUMBER, 0)) + 1
        assert f"as attempt {number + 1} of at most 3, requesting time=01:00:00 {expected}" in desk.events_text(run)
        run, job_id = desk.at_work({tags.RETRY_NUMBER: str(number)}, parent=desk.now(run))
        assert expected in desk.own(run)[tags.REQUESTED]
    desk.slurm.end(job_id, "OUT_OF_MEMORY")
    desk.look()
    assert "Next: this was attempt 3, the last" in desk.events_text(run) and not repeated(desk, run)


def test_what_a_person_runs_again_after_the_last_attempt_is_told_rightly_and_may_be_repeated(desk: Desk) -> None:
    run, job_id = desk.at_work()
    for number in (1, 2):
        desk.slurm.end(job_id, "NODE_FAIL")
        desk.look()
        run, job_id = desk.at_work({tags.RETRY_NUMBER: str(number)}, parent=desk.now(run))
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    assert desk.own(run)[tags.STOPPED] == "yes"
    again, job_id = desk.at_work(parent=desk.now(run))
    assert desk.own(again)[tags.STOPPED] == "-"
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    assert "Next: Dagster retries it as attempt 5 of at most 6" in desk.events_text(again) and repeated(desk, again)


def test_a_max_retries_tag_of_a_person_counts_in_the_sentence_too(desk: Desk) -> None:
    run, job_id = desk.at_work({tags.MAX_RETRIES: "0"})
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    assert "this was attempt 1, the last" in desk.events_text(run) and not repeated(desk, run)


def test_where_the_first_attempt_was_deleted_dagster_repeats_nothing_and_the_sentence_says_so(desk: Desk) -> None:
    first, job_id = desk.at_work()
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    run, job_id = desk.at_work({tags.RETRY_NUMBER: "1"}, parent=desk.now(first))
    desk.instance.delete_run(first.run_id)
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    assert "its first attempt was deleted" in desk.events_text(run) and not repeated(desk, run)


def test_a_run_that_has_told_its_end_itself_keeps_it_and_gets_its_figures(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.succeed(run)
    desk.report(run, job_id, exit_status=0)
    desk.slurm.end(job_id, "COMPLETED", peak="700M")
    desk.look()
    assert desk.status(run) == "SUCCESS"
    assert f"SLURM job {job_id} is over. Requested: time=01:00:00 memory=2G cpus=1. Used: elapsed=00:00:31 peak=700M" in desk.events_text(
        run
    )


def test_a_run_that_was_being_cancelled_is_cancelled_however_its_job_ended(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.instance.report_run_canceling(run)
    desk.slurm.end(job_id, "OUT_OF_MEMORY")
    desk.look()
    assert desk.status(run) == "CANCELED" and desk.own(run)[tags.STATE] == "ended"


def test_a_run_that_ended_in_the_moment_in_which_it_was_cancelled_keeps_its_end(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.succeed(run)
    desk.instance.report_run_canceling(run)  # by who had read the run before
    desk.report(run, job_id, exit_status=0, stop_signal="SIGUSR1")
    desk.slurm.end(job_id, "COMPLETED")
    desk.look()
    assert desk.status(run) == "SUCCESS" and desk.own(run)[tags.STATE] == "ended"
    assert desk.events_text(run).count("is over. Requested") == 1


@pytest.mark.parametrize("stop_signal", ["SIGUSR1", None])
def test_the_cause_of_a_cancelled_run_whose_worker_ended_in_order_is_that_it_was_cancelled(desk: Desk, stop_signal: str | None) -> None:
    run, job_id = desk.at_work()
    desk.instance.report_run_canceled(run)
    desk.report(run, job_id, exit_status=0, stop_signal=stop_signal)
    desk.slurm.end(job_id, "COMPLETED")
    assert desk.look().ended == {job_id: "CANCELLED"}
    assert desk.own(run)[tags.CAUSE] == "CANCELLED" and f"SLURM job {job_id} is over: CANCELLED by a person" in desk.events_text(run)


def test_the_cause_of_a_run_that_succeeded_as_it_was_cancelled_is_that_it_completed(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.succeed(run)
    desk.report(run, job_id, exit_status=0, stop_signal="SIGUSR1")
    desk.slurm.end(job_id, "COMPLETED", exit="0:10")
    assert desk.look().ended == {job_id: "COMPLETED"}


def test_a_run_whose_end_got_into_the_log_and_not_into_its_status_has_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run, job_id = desk.at_work()
    with monkeypatch.context() as dies_between:
        dies_between.setattr(type(desk.instance.run_storage), "handle_run_event", lambda *_: None)
        desk.succeed(run)
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    assert desk.status(run) == "SUCCESS"


def test_a_job_that_ended_well_without_the_runs_last_word_fails_the_run(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.report(run, job_id, exit_status=0)
    desk.slurm.end(job_id, "COMPLETED")
    desk.look()
    assert desk.status(run) == "FAILURE" and "the run's last event is missing" in desk.events_text(run)


def test_a_run_is_told_its_end_once(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.slurm.end(job_id, "TIMEOUT")
    desk.look()
    before = desk.events_text(run)
    assert desk.look().ended == {} and desk.events_text(run) == before


def test_a_reconciler_that_died_half_way_is_made_good_by_the_next(desk: Desk) -> None:
    run, job_id = desk.at_work()
    desk.slurm.end(job_id, "TIMEOUT")
    desk.look()
    desk.instance.add_run_tags(run.run_id, {tags.STATE: tags.SUBMITTED})
    assert desk.look().ended == {job_id: "TIMEOUT"}
    assert (desk.status(run), desk.own(run)[tags.STATE]) == ("FAILURE", "ended")
    assert desk.events_text(run).count("Next: Dagster retries it") == 1


def test_the_end_of_a_second_job_is_not_the_end_of_a_run_that_the_first_one_hosts(desk: Desk) -> None:
    run = desk.run()
    second = desk.submit(run)
    first = desk.add(50, run, state="RUNNING", nodes="n1", started="2026-11-23T03:07:00")
    desk.begin(run, first)
    desk.slurm.end(second, "COMPLETED")
    assert desk.look().ended == {} and desk.status(run) == "STARTED"
    assert desk.job(run) == first
    desk.succeed(run)
    desk.report(run, first, exit_status=0)
    desk.slurm.end(first, "COMPLETED")
    assert desk.look().ended == {first: "COMPLETED"} and desk.status(run) == "SUCCESS"


def test_a_tag_that_dagster_cannot_read_as_a_number_of_retries_is_told_as_no_repeat(desk: Desk) -> None:
    run, job_id = desk.at_work({tags.MAX_RETRIES: "many"})
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    assert "'many' and no number, so Dagster does not retry it" in desk.events_text(run)
    assert not repeated(desk, run)


def test_a_worker_that_had_begun_and_left_no_report_did_not_fail_to_be_launched(desk: Desk) -> None:
    run, job_id = desk.at_work()
    files_of(desk.now(run)).report.unlink()
    desk.slurm.end(job_id, "FAILED", exit="1:0")
    assert desk.look().ended == {job_id: "FAILED"} and repeated(desk, run)
