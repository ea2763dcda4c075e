"""What a waiting run shows, and that it is told no more often than a person wants to read it."""

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.desk import Desk


def waits(desk: Desk) -> tuple[object, int]:
    run = desk.run()
    return run, desk.submit(run)


def test_the_reason_and_the_estimate_are_in_the_runs_tag_and_told_once(desk: Desk) -> None:
    run, job_id = waits(desk)
    desk.slurm.change(job_id, reason="Resources", started="2026-11-24T05:06:07")
    for _ in range(3):
        assert desk.look().waiting == 1
    assert desk.own(run)[tags.PENDING] == "Resources, expected to start 2026-11-24 05:06 UTC"
    assert desk.events_text(run).count(f"SLURM job {job_id} waits: Resources, expected to start 2026-11-24 05:06 UTC") == 1


def test_a_new_estimate_or_another_reason_of_mere_waiting_changes_the_tag_alone(desk: Desk) -> None:
    run, job_id = waits(desk)
    desk.look()
    desk.slurm.change(job_id, reason="Resources", started="2026-11-24T05:06:07")
    desk.look()
    assert desk.own(run)[tags.PENDING].startswith("Resources, expected")
    assert desk.events_text(run).count("waits:") == 1


@pytest.mark.parametrize("reason", ["PartitionTimeLimit", "JobHeldAdmin", "QOSMaxMemoryPerJob", "DependencyNeverSatisfied"])
def test_whenever_somebody_must_act_it_is_told_with_what_to_do(desk: Desk, reason: str) -> None:
    run, job_id = waits(desk)
    desk.look()
    desk.slurm.change(job_id, reason=reason)
    desk.look()
    desk.look()
    assert desk.events_text(run).count(f"waits: {reason}. It means: ") == 1 and "What to do: " in desk.events_text(run)


def test_no_start_is_expected_of_a_job_that_cannot_start_whatever_slurm_estimates(desk: Desk) -> None:
    run, job_id = waits(desk)
    desk.slurm.change(job_id, reason="QOSMaxCpuPerJobLimit", started="2026-11-24T05:06:07")
    desk.look()
    assert desk.own(run)[tags.PENDING] == "QOSMaxCpuPerJobLimit" and "expected to start" not in desk.events_text(run)
    desk.slurm.change(job_id, reason="ReqNodeNotAvail", started="2026-11-24T05:06:07")  # a maintenance has an end
    desk.look()
    assert desk.own(run)[tags.PENDING] == "ReqNodeNotAvail, expected to start 2026-11-24 05:06 UTC"


def test_a_run_at_work_shows_no_reason_any_more(desk: Desk) -> None:
    run, job_id = waits(desk)
    desk.look()
    assert desk.own(run)[tags.PENDING] == "Priority"
    desk.slurm.start(job_id)
    assert desk.look().waiting == 0
    assert desk.own(run)[tags.PENDING] == "-"


def test_a_silence_is_told_after_a_while_once_in_every_open_run_and_is_over_when_slurm_answers(desk: Desk) -> None:
    waiting, _ = waits(desk)
    working, _ = desk.at_work()
    desk.look()
    desk.slurm.fall_silent()
    assert "connect failure" in desk.look().silence
    assert "not answered" not in desk.events_text(waiting)
    desk.look(601)
    for _ in range(3):
        desk.pass_again()
    for run in (waiting, working):
        assert desk.events_text(run).count("SLURM has not answered since") == 1
        assert desk.own(run)[tags.PENDING].startswith("SLURM has not answered since")
    desk.slurm.recover()
    desk.look()
    assert (desk.own(waiting)[tags.PENDING], desk.own(working)[tags.PENDING]) == ("Priority", "-")
    assert (desk.status(waiting), desk.status(working)) == ("STARTING", "STARTED")


def test_a_job_that_slurm_has_not_looked_at_yet_is_told_when_its_reason_is_known(desk: Desk) -> None:
    run, job_id = waits(desk)
    desk.slurm.change(job_id, reason="None")
    desk.look()
    assert "waits:" not in desk.events_text(run)
    desk.slurm.change(job_id, reason="Resources")
    desk.look()
    assert desk.events_text(run).count(f"SLURM job {job_id} waits: Resources") == 1
