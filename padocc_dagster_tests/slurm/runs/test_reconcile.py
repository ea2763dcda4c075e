"""The one place that watches: what a pass costs, what it repairs, and that one at a time does it."""

import time

import dagster as dg
import pytest
from filelock import FileLock

from padocc_dagster.sensors.slurm_jobs import slurm_jobs
from padocc_dagster.slurm.launcher import SlurmRunLauncher
from padocc_dagster.slurm.runs import reconcile as reconcile_module
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.reconcile import open_runs, reconcile
from padocc_dagster.slurm.runs.submission import submit
from padocc_dagster.slurm.scheduler.client import Client
from padocc_dagster.slurm.settings import Settings
from padocc_dagster_tests.slurm.desk import Desk
from padocc_dagster_tests.slurm.pretended import forget_look
from padocc_dagster_tests.slurm.together import together

TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without a job count as left behind at once, and attempts as answered."""
    monkeypatch.setattr(reconcile_module, "LATE_SECONDS", -5.0)


def sbatches(desk: Desk) -> int:
    return len(desk.slurm.calls("sbatch"))


def patient(desk: Desk) -> Desk:
    """One whose attempts are over after a second."""
    return desk.with_settings(command_timeout_seconds=1)


def aged(desk: Desk, *runs: dg.DagsterRun) -> None:
    """The last attempt to submit them is long ago."""
    for run in runs:
        desk.instance.add_run_tags(run.run_id, {tags.SUBMITTED_AT: f"{time.time() - 1000:.3f}"})


def test_a_pass_with_many_runs_is_one_squeue_and_one_sacct(desk: Desk) -> None:
    runs = [desk.at_work() for _ in range(8)]
    before = len(desk.slurm.calls("squeue"))
    for _, job_id in runs[:4]:
        desk.slurm.end(job_id, "TIMEOUT")
    assert len(desk.look().ended) == 4
    for _ in range(5):
        desk.pass_again()
    assert (len(desk.slurm.calls("squeue")) - before, len(desk.slurm.calls("sacct")), len(desk.slurm.calls("scontrol"))) == (1, 1, 0)


def test_an_empty_instance_asks_for_the_queue_alone(desk: Desk) -> None:
    assert (
        str(desk.look())
        == "0 runs open, 0 of them waiting in SLURM's queue or in a job; 0 ended, 0 submitted late, 0 moved, 0 jobs cancelled"
    )
    assert desk.slurm.calls("sacct") == []


def test_a_run_whose_launcher_died_before_sbatch_gets_its_job(desk: Desk, late: None) -> None:
    run = desk.run()
    assert desk.look().submitted == [run.run_id] and desk.job(run)
    assert desk.look().submitted == [] and sbatches(desk) == 1


def test_a_run_that_is_just_being_launched_is_left_to_its_launcher(desk: Desk) -> None:
    run = desk.run()
    assert desk.look().submitted == [] and desk.job(run) is None


def test_how_long_a_run_waits_for_its_launcher_is_measured_right_in_every_time_zone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("TZ", zone)
            time.tzset()
            run = desk.run()
            assert desk.look().submitted == []
            elsewhere.setattr(reconcile_module, "LATE_SECONDS", -5.0)
            assert desk.look().submitted == [run.run_id]
    time.tzset()


def test_in_an_outage_nothing_is_submitted_or_lost_and_after_it_everything_once(desk: Desk, late: None) -> None:
    desk = patient(desk)
    desk.slurm.fall_silent()
    runs = [desk.run() for _ in range(5)]
    for run in runs:
        desk.submit(run)
    assert "connect failure" in desk.look().silence
    assert {desk.status(run) for run in runs} == {"STARTING"} and sbatches(desk) == 0
    desk.slurm.recover()
    aged(desk, *runs)
    assert len(desk.look().submitted) == 5 and sbatches(desk) == 5
    assert len({desk.job(run) for run in runs}) == 5
    desk.look()
    assert sbatches(desk) == 5


def test_a_job_that_was_accepted_long_after_sbatch_gave_up_is_taken_over(desk: Desk) -> None:
    desk = patient(desk)
    desk.slurm.answer("sbatch", TIMED_OUT, once=True)
    run = desk.run()
    assert desk.submit(run) is None
    desk.add(66, run)
    aged(desk, run)
    desk.look()
    assert desk.job(run) == 66 and sbatches(desk) == 1


def test_right_after_an_open_attempt_nothing_is_submitted(desk: Desk) -> None:
    desk.slurm.answer("sbatch", TIMED_OUT, once=True)
    run = desk.run()
    desk.submit(run)
    assert desk.look().submitted == [] and sbatches(desk) == 1


def test_a_submission_after_the_look_is_not_missed_in_it(desk: Desk) -> None:
    desk.look()
    run = desk.run()
    desk.submit(run)
    assert desk.pass_again() is None and desk.slurm.calls("sacct") == []
    assert desk.status(run) == "STARTING"


def test_runs_that_ended_before_they_had_a_job_are_put_aside_and_do_not_keep_others_waiting(
    desk: Desk, late: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = patient(desk)
    monkeypatch.setattr(reconcile_module, "AT_ONCE", 2)
    desk.slurm.answer("sbatch", TIMED_OUT)
    over = [desk.run() for _ in range(2)]
    for run in over:
        desk.submit(run)
        desk.instance.report_run_canceled(desk.now(run))
    aged(desk, *over)
    desk.slurm.recover()
    desk.look()
    assert {desk.own(run)[tags.STATE] for run in over} == {"ended"}
    run = desk.run()
    assert desk.look().submitted == [run.run_id] and desk.look().open == 1


def test_a_pass_submits_no_more_than_fits_into_a_tick(desk: Desk, late: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        desk.run()
    monkeypatch.setattr(reconcile_module, "AT_ONCE", 3)
    assert len(desk.look().submitted) == 3
    monkeypatch.setattr(reconcile_module, "AT_ONCE_SECONDS", 0.0)
    assert desk.look().submitted == []


def test_copied_tags_make_no_run_an_open_one(desk: Desk) -> None:
    parent, _ = desk.at_work()
    copy = desk.run(status="NOT_STARTED", parent=parent)
    assert copy.tags[tags.STATE] == "submitted"
    assert list(open_runs(desk.instance)) == [parent.run_id]


def test_two_runs_that_have_got_the_same_id_after_a_reset_both_come_to_their_end(desk: Desk) -> None:
    first, job_id = desk.at_work()
    second = desk.run()
    desk.submit(second)
    desk.instance.add_run_tags(second.run_id, {tags.JOB_ID: str(job_id)})
    for job in desk.slurm.jobs():
        desk.slurm.change(job["job_id"], queued=False, remembered=False, accounted=False)
    for _ in range(4):
        desk.look(125)
    assert {desk.status(first), desk.status(second)} == {"FAILURE"}


def _watch(home: str, settings: Settings, client: Client) -> None:
    with dg.DagsterInstance.from_config(home) as instance:
        reconcile(instance, settings, client)


def test_one_process_at_a_time(desk: Desk) -> None:
    desk.look()
    forget_look(desk.settings.log_folder.queue)
    with FileLock(desk.settings.log_folder.root / "reconcile.lock"):
        assert reconcile(desk.instance, desk.settings, desk.client) is None
    desk.slurm.answer("squeue", once=True, after=True, status=0, seconds=0.5)
    before = len(desk.slurm.calls("squeue"))
    (desk.settings.log_folder.queue).unlink()
    assert together(2, _watch, desk.instance.root_directory, desk.settings, desk.client) == [0] * 2
    assert len(desk.slurm.calls("squeue")) == before + 1


@pytest.fixture
def launcher(desk: Desk) -> SlurmRunLauncher:
    made = SlurmRunLauncher(desk.settings)
    made.register_instance(desk.instance)
    return made


def test_health_checks_of_many_runs_are_one_look_and_never_end_a_run(desk: Desk, launcher: SlurmRunLauncher) -> None:
    runs = [desk.at_work()[0] for _ in range(4)]
    before = len(desk.slurm.calls("squeue"))
    desk.slurm.fall_silent()
    answers = [launcher.check_run_worker_health(run) for run in runs for _ in range(5)]
    assert {answer.status.value for answer in answers} == {"RUNNING"}
    assert [answers[0].run_worker_id, len(desk.slurm.calls("squeue")) - before] == [str(desk.job(runs[0])), 1]


def test_a_persons_question_about_a_run_is_answered_with_commands_and_the_log(desk: Desk, launcher: SlurmRunLauncher) -> None:
    run, job_id = desk.at_work()
    told = launcher.get_run_worker_debug_info(run)
    assert f"SLURM job {job_id}, requested time=01:00:00" in told and f"scontrol show job {job_id}" in told
    assert launcher.get_run_worker_debug_info(desk.run()) == "The run has no SLURM job."


def test_elsewhere_than_on_slurm_the_sensor_does_nothing(desk: Desk) -> None:
    with dg.build_sensor_context(instance=desk.instance) as context:
        assert slurm_jobs(context).skip_message == "The instance does not run on SLURM."


def test_submitting_twice_from_two_places_in_a_row_is_one_sbatch(desk: Desk, late: None) -> None:
    run = desk.run()
    submit(desk.instance, run.run_id, desk.settings, desk.client)
    desk.look()
    submit(desk.instance, run.run_id, desk.settings, desk.client)
    assert sbatches(desk) == 1


def test_a_run_with_a_fault_keeps_no_other_run_from_its_end_and_is_named(desk: Desk) -> None:
    faulty, job_id = desk.at_work()
    others = [desk.at_work() for _ in range(3)]
    desk.instance.add_run_tags(faulty.run_id, {tags.REQUESTED: "nonsense"})
    for ended in (job_id, *(job for _, job in others)):
        desk.slurm.end(ended, "OUT_OF_MEMORY")
    found = desk.look()
    assert sorted(found.ended) == sorted(job for _, job in others)
    assert list(found.errors) == [faulty.run_id] and "nonsense" in str(found)
