"""A run becomes exactly one job, whatever sbatch says and whoever has taken its name; what cannot become one is told in words."""

from collections.abc import Callable

import psutil

from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import CANCELLED, NOTHING, REFUSED, fault
from padocc_dagster_tests.slurm.live.jobs import jobs, wrong_numbers
from padocc_dagster_tests.slurm.postgres import PASSWORD

FAULTS = {
    "big": fault("a run tag requests too much memory", REFUSED, finishes=False),
    "copied-from": fault(NOTHING),
    "copied-to": fault("the tags of another run are copied"),
    "dies-once": fault("its worker kills itself, in its first attempt", "FAILED, COMPLETED"),
    "half": fault("a run tag requests half a CPU", REFUSED, finishes=False),
    "late": fault("a run tag has a wall time that is none", REFUSED, finishes=False),
    "list": fault("a run tag has two QoS", REFUSED, finishes=False),
    "nope": fault("SLURM does not know the QoS", REFUSED, finishes=False),
    "plain": fault(NOTHING),
    "same-name": fault("a job made by hand has the name of the run's"),
    "same-name-and-run": fault("a job made by hand has the name of the run's, and another instance's comment"),
    "same-name-and-word": fault("a job made by hand has the name of the run's, and a comment"),
    "secret": fault("a person terminates a run that works", CANCELLED, finishes=False),
    "small": fault("a run tag requests negative memory", REFUSED, finishes=False),
    "timed-out": fault("sbatch times out after the job was accepted"),
}

BAD_TAGS = {
    "late": ("slurm/time", "soon", "HH:MM:SS"),
    "small": ("slurm/memory", "-1", "a whole number of megabytes"),
    "big": ("slurm/memory", "64G", "4G"),
    "half": ("slurm/cpus", "0.5", "a whole number from 1"),
    "list": ("slurm/qos", "short,long", "letters, digits"),
}


def test_a_run_costs_one_sbatch_and_at_most_one_lookup(live: LiveSlurm) -> None:
    run_id = live.launch("plain")
    live.wait_for(run_id, "SUCCESS")
    assert (live.submissions(run_id), live.lookups(run_id)) in [(1, 0), (1, 1)]
    job_id, told = live.job(run_id), live.events_text(run_id)
    assert f"SLURM job {job_id} submitted" in told
    assert live.run(run_id).tags[tags.REQUESTED].startswith("time=00:20:00 memory=1G cpus=1")


def test_bad_tags_fail_the_run_at_launch_with_what_is_allowed_and_without_a_submission(live: LiveSlurm) -> None:
    launched = {piece: live.launch(piece, {tag: value}) for piece, (tag, value, _) in BAD_TAGS.items()}
    for piece, run_id in launched.items():
        tag, value, allowed = BAD_TAGS[piece]
        [run] = live.wait_for_last(run_id, "FAILURE")
        told = live.events_text(run_id)
        assert tag.removeprefix("slurm/") in told and value in told and allowed in told, told
        assert live.submissions(run_id) == 0
        assert run.tags.get("dagster/will_retry") != "true"


def test_a_qos_that_slurm_does_not_know_is_told_in_its_words_and_not_tried_again(live: LiveSlurm) -> None:
    run_id = live.launch("nope", {"slurm/qos": "nope"})
    live.wait_for_last(run_id, "FAILURE")
    told = live.events_text(run_id)
    assert "Invalid qos specification" in told and "Correct this, and run it again." in told, told
    assert live.submissions(run_id) == 1 and not jobs(live)[run_id]


def test_tags_copied_from_another_run_are_not_believed(live: LiveSlurm) -> None:
    other = live.run(live.launch("copied-from")).run_id
    live.wait_for(other, "SUCCESS")
    copied = {name: value for name, value in live.run(other).tags.items() if name.startswith(("padocc/", "slurm/"))}
    assert copied[tags.JOB_OF] == other
    run_id = live.launch("copied-to", copied)
    live.wait_for(run_id, "SUCCESS")
    assert live.job(run_id) not in (None, live.job(other))
    assert live.run(run_id).tags[tags.LOG] != copied[tags.LOG]


def test_a_retry_submits_a_job_of_its_own(live: LiveSlurm) -> None:
    first, second = live.wait_for_last(live.launch("dies-once", signal=9), "SUCCESS")
    assert live.job(first.run_id) != live.job(second.run_id)
    assert (live.submissions(first.run_id), live.submissions(second.run_id)) == (1, 1)


def test_a_job_that_was_accepted_while_sbatch_timed_out_is_adopted(live: LiveSlurm) -> None:
    with live.halted("daemon"):
        run_id = live.launch("timed-out")
        live.shims.once("sbatch", "time out after", given=run_id)
    live.wait_for(run_id, "SUCCESS")
    assert live.shims.done("sbatch")
    assert live.submissions(run_id) == 1 and jobs(live)[run_id] == 1


def test_jobs_made_by_hand_with_a_runs_name_are_neither_taken_nor_cancelled(live: LiveSlurm) -> None:
    pieces = {"same-name": "", "same-name-and-word": "by hand", "same-name-and-run": "dagster:0123456789ab:{run_id}"}
    with live.halted("daemon"):
        launched = {live.launch(piece): comment for piece, comment in pieces.items()}
        by_hand = {run_id: _made_by_hand(live, run_id, comment.format(run_id=run_id)) for run_id, comment in launched.items()}
    for run_id, other in by_hand.items():
        live.wait_for(run_id, "SUCCESS")
        live.wait("the end of the job to be recorded", lambda run_id=run_id: live.run(run_id).tags[tags.STATE] == tags.ENDED)
        assert live.job(run_id) != other and live.submissions(run_id) == 1
    waiting = live.cluster.command("squeue", "-h", "-t", "PENDING", "-o", "%A").split()
    assert {str(other) for other in by_hand.values()} <= set(waiting)
    live.cluster.command("scancel", *waiting)


def _made_by_hand(live: LiveSlurm, run_id: str, comment: str) -> int:
    """A job that waits, with the name that the run's first job will have."""
    options = ["--parsable", "--hold", f"--job-name=dagster-{run_id}-0", "--mem=50", "--output=/dev/null"]
    return int(live.cluster.command("sbatch", *options, *([f"--comment={comment}"] if comment else []), "--wrap=sleep 600"))


def test_the_databases_password_is_seen_nowhere_while_a_job_runs(live: LiveSlurm) -> None:
    run_id = live.launch("secret", until="/nowhere")
    live.began("secret")
    job_id = str(live.job(run_id))
    shown = live.cluster.command("scontrol", "show", "job", "-d", job_id)
    shown += live.cluster.command("scontrol", "write", "batch_script", job_id, "-")
    lines = " ".join(word for process in psutil.process_iter() for word in _command_line(process))
    live.terminate(run_id)
    live.wait_for(run_id, "CANCELED")
    events = "".join(str(record) for record in live.instance.all_logs(run_id))
    home = live.services.home.root
    files = {str(path): path.read_bytes().decode(errors="replace") for path in home.rglob("*") if path.is_file()}
    assert any(name.endswith(f"{run_id}.sh") for name in files) and any(name.endswith("queue.json") for name in files)
    looked_at = {"scontrol": shown, "ps": lines, "tags": str(live.run(run_id).tags), "events": events, **files}
    assert [where for where, text in looked_at.items() if _tells(text)] == []


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _tells(text: str) -> bool:
    """Whether the password stands there, as it is or as part of an address."""
    return any(PASSWORD.replace(" ", blank) in text for blank in (" ", "+", "%20", "\\ "))


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    assert wrong_numbers(live, refused=1) == []
    judge(live, "launching", FAULTS, record_property)
