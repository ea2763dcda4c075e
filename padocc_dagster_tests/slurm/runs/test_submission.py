"""A run becomes a job exactly once: whatever SLURM answers, whatever was copied, whoever else is at it."""

import time

import dagster as dg
import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.submission import is_later, submit
from padocc_dagster.slurm.runs.tags import files_of, job_name, run_of
from padocc_dagster.slurm.scheduler.client import Client
from padocc_dagster.slurm.scheduler.queue import Queue, read
from padocc_dagster.slurm.settings import Settings
from padocc_dagster_tests.slurm.desk import Desk
from padocc_dagster_tests.slurm.together import together

TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
INVALID_QOS = "sbatch: error: Batch job submission failed: Invalid qos specification"


def sbatches(desk: Desk) -> int:
    return len(desk.slurm.calls("sbatch"))


def test_a_run_gets_one_job_with_one_sbatch_and_one_look_before_it(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    job = desk.slurm.jobs()[0]
    assert (job["job_id"], job["name"]) == (job_id, f"dagster-{run.run_id}-0")
    assert run_of(job["comment"], desk.settings.log_folder.instance_id()) == run.run_id
    assert f"--name={job['name']}" in desk.slurm.calls("squeue")[0]["argv"]
    assert (sbatches(desk), len(desk.slurm.calls("squeue"))) == (1, 1)


def test_what_was_submitted_is_in_the_runs_tags_and_told_with_commands_to_paste(desk: Desk) -> None:
    run = desk.run()
    job_id = desk.submit(run)
    own = desk.own(run)
    assert (own[tags.STATE], own[tags.JOB_ID], own[tags.REQUESTED]) == ("submitted", str(job_id), "time=01:00:00 memory=2G cpus=1")
    files = files_of(desk.now(run))
    assert files.script.exists() and own[tags.LOG] == str(files.log)
    events = [record.dagster_event for record in desk.instance.all_logs(run.run_id) if record.dagster_event]
    shown = next(event.event_specific_data.metadata for event in events if f"SLURM job {job_id} submitted" in (event.message or ""))
    assert f"scontrol show job {job_id}" in shown["commands"].value and str(files.log) in shown["commands"].value


def test_submitting_again_does_nothing(desk: Desk) -> None:
    run = desk.run()
    assert desk.submit(run) == desk.submit(run)
    assert sbatches(desk) == 1


def _launch(home: str, run_id: str, settings: Settings, client: Client) -> None:
    with dg.DagsterInstance.from_config(home) as instance:
        submit(instance, run_id, settings, client)


def test_two_processes_at_once_make_one_job(desk: Desk) -> None:
    run = desk.run()
    desk.slurm.answer("sbatch", once=True, after=True, status=0, seconds=0.3)
    ended = together(2, _launch, desk.instance.root_directory, run.run_id, desk.settings, desk.client)
    assert ended == [0, 0]
    assert sbatches(desk) == len(desk.slurm.jobs()) == 1 and desk.job(run) == desk.slurm.jobs()[0]["job_id"]


def test_a_job_that_was_taken_though_sbatch_timed_out_is_taken_over_at_once(desk: Desk) -> None:
    desk.slurm.answer("sbatch", TIMED_OUT, after=True)
    run = desk.run()
    assert desk.submit(run) == desk.slurm.jobs()[0]["job_id"]
    assert sbatches(desk) == 1


def test_a_job_whose_launcher_died_before_it_could_write_the_id_is_taken_over(desk: Desk) -> None:
    run = desk.run()
    desk.add(55, run)
    assert desk.submit(run) == 55 and sbatches(desk) == 0
    assert "SLURM job 55 was there already and is taken over" in desk.events_text(run)


def test_a_job_that_has_begun_and_left_the_queue_is_known_by_its_report(desk: Desk) -> None:
    desk.slurm.answer("sbatch", TIMED_OUT, once=True)
    run = desk.run()
    assert desk.submit(run) is None
    desk.begin(run, 77)
    assert desk.submit(run) == 77 and sbatches(desk) == 1


def test_a_job_of_the_same_name_that_somebody_made_by_hand_is_left_alone(desk: Desk) -> None:
    run = desk.run()
    desk.slurm.add(55, job_name(run), "")
    desk.slurm.add(56, job_name(run), f"dagster:anotherplace:{run.run_id}")
    assert desk.submit(run) not in (None, 55, 56)
    assert sbatches(desk) == 1


def test_when_slurm_cannot_be_asked_nothing_is_submitted_and_the_run_waits_and_says_so(desk: Desk) -> None:
    desk.slurm.answer("squeue", "squeue: error: Unable to contact slurm controller (connect failure)")
    run = desk.run()
    assert desk.submit(run) is None and sbatches(desk) == 0
    assert (desk.status(run), desk.own(run)[tags.STATE]) == ("STARTING", "submitting")
    assert "SLURM has not taken the job yet: squeue: squeue: error: Unable to contact slurm controller" in desk.events_text(run)
    desk.submit(run)
    assert desk.events_text(run).count("not taken the job yet") == 1


def test_a_refused_job_fails_its_run_in_slurms_words_and_is_not_repeated(desk: Desk) -> None:
    desk.slurm.answer("sbatch", INVALID_QOS)
    run = desk.run()
    desk.submit(run)
    assert desk.status(run) == "FAILURE" and "Invalid qos specification" in desk.events_text(run)
    assert desk.now(run).tags["dagster/will_retry"] == "false"


def test_a_bad_tag_fails_its_run_and_names_the_tag_and_what_is_allowed(desk: Desk) -> None:
    run = desk.run({"slurm/memory": "a lot"})
    desk.submit(run)
    assert desk.status(run) == "FAILURE" and sbatches(desk) == 0
    assert "slurm/memory" in desk.events_text(run) and "'a lot'" in desk.events_text(run)
    assert desk.now(run).tags["dagster/will_retry"] == "false"


def test_what_a_person_corrects_and_runs_again_is_submitted_and_may_be_repeated(desk: Desk) -> None:
    run = desk.run({"slurm/memory": "a lot"})
    desk.submit(run)
    again = desk.run({"slurm/memory": "3G"}, parent=desk.now(run))
    job_id = desk.submit(again)
    assert job_id and (desk.own(again)[tags.STOPPED], desk.now(again).tags[tags.MAX_RETRIES]) == ("-", "3")
    desk.slurm.end(job_id, "NODE_FAIL")
    desk.look()
    assert desk.now(again).tags["dagster/will_retry"] == "true"


def test_a_max_retries_that_a_person_has_set_stays(desk: Desk) -> None:
    run = desk.run({tags.MAX_RETRIES: "7"})
    desk.submit(run)
    assert desk.now(run).tags[tags.MAX_RETRIES] == "7"


def test_nothing_that_was_copied_from_a_parent_is_believed(desk: Desk) -> None:
    parent, job_id = desk.at_work()
    desk.slurm.end(job_id, "OUT_OF_MEMORY", exit="0:125")
    desk.look()
    run = desk.run({tags.RETRY_NUMBER: "1"}, parent=desk.now(parent))
    assert run.tags[tags.JOB_ID] == str(job_id) and files_of(run) is None
    new = desk.submit(run)
    own = desk.own(run)
    assert new != job_id and desk.slurm.jobs()[-1]["name"] == f"dagster-{run.run_id}-1"
    assert [own[name] for name in (tags.CAUSE, tags.USED, tags.NODES, tags.PENDING)] == ["-"] * 4
    assert own[tags.REQUESTED] == "time=01:00:00 memory=4G cpus=1"
    assert {own[name].count(run.run_id) for name in (tags.LOG, tags.SCRIPT, tags.JOB_OF)} == {1}


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE", "CANCELED"])
def test_a_run_that_is_over_gets_no_job(desk: Desk, status: str) -> None:
    run = desk.run(status=status)
    assert desk.submit(run) is None and sbatches(desk) == 0


def test_a_run_that_is_not_there_gets_no_job(desk: Desk) -> None:
    run = desk.run()
    desk.instance.delete_run(run.run_id)
    submit(desk.instance, run.run_id, desk.settings, desk.client)
    assert sbatches(desk) == 0


def test_a_run_that_was_cancelled_before_it_had_a_job_is_cancelled_and_so_is_a_job_that_it_got(desk: Desk) -> None:
    desk.slurm.answer("sbatch", TIMED_OUT)
    without, late = desk.run(), desk.run()
    for run in (without, late):
        desk.submit(run)
        desk.instance.report_run_canceling(desk.now(run))
    desk.add(88, late)
    for run in (without, late):
        desk.submit(run)
        assert desk.status(run) == "CANCELED" and desk.own(run)[tags.STATE] == "ended"
    assert [job["state"] for job in desk.slurm.jobs()] == ["CANCELLED"]
    assert sbatches(desk) == 2


def test_a_look_from_before_the_last_attempt_is_no_search_for_what_became_of_it(desk: Desk) -> None:
    desk.look()
    old = read(desk.settings.log_folder.queue)
    desk.slurm.answer("sbatch", TIMED_OUT)
    run = desk.run()
    desk.submit(run)
    desk.add(88, run)
    submit(desk.instance, run.run_id, desk.settings, desk.client, old)
    assert sbatches(desk) == 1 and desk.job(run) is None
    timeout = desk.settings.command_timeout_seconds
    told = desk.own(run)
    assert not is_later(Queue(taken_at=time.time() + timeout - 5), told, desk.settings)
    assert is_later(Queue(taken_at=time.time() + timeout + 5), told, desk.settings)


def test_a_disk_that_is_full_delays_a_run_and_does_not_fail_it(desk: Desk) -> None:
    run = desk.run()
    day = desk.settings.log_folder.files(run.run_id, time.time()).script.parent.parent
    day.parent.mkdir(parents=True, exist_ok=True)
    day.write_text("a file where the folder should be")
    assert desk.submit(run) is None and desk.status(run) == "STARTING"
    day.unlink()
    assert desk.submit(run) == desk.slurm.jobs()[0]["job_id"]


def test_when_only_excluded_nodes_are_left_they_are_allowed_again_and_that_is_said(desk: Desk) -> None:
    parent, job_id = desk.at_work()
    desk.slurm.end(job_id, "NODE_FAIL", nodes="n1")
    desk.look()
    run = desk.run({tags.RETRY_NUMBER: "1"}, parent=desk.now(parent))
    desk.slurm.answer("sbatch", "sbatch: error: Batch job submission failed: Requested node configuration is not available", once=True)
    assert desk.submit(run) and "exclude" not in desk.own(run)[tags.REQUESTED]
    assert "SLURM has no other nodes for the job than n1" in desk.events_text(run)


def test_the_sbatch_options_of_the_site_stand_in_the_script(desk: Desk) -> None:
    desk = desk.with_settings(sbatch_options={"constraint": "intel", "nice": True}, set_up=["module load x"])
    run = desk.run()
    desk.submit(run)
    script = files_of(desk.now(run)).script.read_text()
    assert "#SBATCH --constraint=intel\n" in script and "#SBATCH --nice\n" in script and "module load x" in script


def test_a_job_that_is_there_is_taken_over_whatever_the_limits_are_now_and_with_what_it_asked_for(desk: Desk) -> None:
    run = desk.run({"slurm/memory": "2G"})
    desk.submit(run)
    desk.instance.add_run_tags(run.run_id, {tags.STATE: tags.SUBMITTING, tags.JOB_ID: "not known yet"})
    stricter = desk.with_settings(largest_allocation={"memory": "1G"})
    assert stricter.submit(run) and desk.status(run) == "STARTING"
    assert "memory=2G" in desk.own(run)[tags.REQUESTED] and len(desk.slurm.calls("sbatch")) == 1


def test_a_refused_run_is_not_counted_as_submitted_and_takes_no_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from padocc_dagster.slurm.runs import reconcile as reconcile_module

    monkeypatch.setattr(reconcile_module, "LATE_SECONDS", -5.0)
    run = desk.run({"slurm/time": "soon"})
    assert desk.look().submitted == [] and desk.status(run) == "FAILURE"
    assert desk.look().open == 0


def test_whatever_interrupts_a_launch_leaves_the_run_to_the_reconciler(desk: Desk) -> None:
    from dagster._core.launcher import LaunchRunContext

    from padocc_dagster.slurm.launcher import SlurmRunLauncher

    launcher = SlurmRunLauncher(desk.settings)
    launcher.register_instance(desk.instance)
    run = desk.run()
    blocked = desk.settings.log_folder.root / "locks"
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("in the way")
    launcher.launch_run(LaunchRunContext(run, None))
    assert desk.status(run) == "STARTING" and "The launch was interrupted" in desk.events_text(run)
