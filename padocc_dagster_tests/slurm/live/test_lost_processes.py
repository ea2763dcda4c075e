"""Whatever process dies, and at whatever moment: each run has one job, and the run and its job end as they should."""

import contextlib
import itertools
from collections.abc import Callable

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import CANCELLED, fault
from padocc_dagster_tests.slurm.live.jobs import wrong_numbers

FAULTS = {
    "after-recording": fault("the daemon is killed when the job is recorded"),
    "after-sbatch": fault("the daemon is killed between sbatch and its answer"),
    "before-sbatch": fault("the daemon is killed before sbatch"),
    "before-the-lookup": fault("the daemon is killed before it looks for an earlier job"),
    "cancelled-while-down": fault("scancel by hand while the instance is down", CANCELLED, finishes=False),
    "ended-meanwhile": fault("the daemon is killed after sbatch, and the job ends meanwhile"),
    "ends-while-down": fault("the whole instance is restarted, and the job ends meanwhile"),
    "waits-in-dagster": fault("the whole instance is restarted with a run in its queue"),
    "waits-in-slurm": fault("the whole instance is restarted, and the job waits"),
    "web-server-killed": fault("the web server is killed while it terminates a run", CANCELLED, finishes=False),
    "works-on": fault("the whole instance is restarted, and the job works on"),
}

STEPS = {
    "before-the-lookup": ("squeue", "kill the caller before", "--name=dagster-{run_id}"),
    "before-sbatch": ("sbatch", "kill the caller before", "{run_id}"),
    "after-sbatch": ("sbatch", "kill the caller after", "{run_id}"),
    "ended-meanwhile": ("sbatch", "kill the caller after", "{run_id}"),
}
AFTER_RECORDING = "after-recording"
ATTEMPTS = itertools.count()


@pytest.fixture(scope="module")
def launched(live: LiveSlurm) -> dict[str, tuple[str, str]]:
    """For each step of a launch a piece and its run, in whose launch the daemon was killed there. Their ends are waited for together."""
    attempt = next(ATTEMPTS)
    runs, gate = {}, live.ledger.with_name(f"recorded-{attempt}")
    for step, (command, act, given) in STEPS.items():
        piece = f"{step}-{attempt}"
        with live.halted("daemon"):
            run_id = live.launch(piece, until=str(gate) if step == "after-sbatch" else "")
            live.shims.once(command, act, given.format(run_id=run_id))
        runs[step] = piece, run_id
        live.wait(f"the daemon to be killed {step}", lambda command=command: live.shims.done(command))
    with live.halted("daemon"):
        live.wait_for(runs["ended-meanwhile"][1], "SUCCESS")
        live.services.daemon.deaths.clear()  # after five in a minute it would not be started again
    piece = f"{AFTER_RECORDING}-{attempt}"
    runs[AFTER_RECORDING] = piece, live.launch(piece)
    live.wait("the job to be recorded", lambda: live.job(runs[AFTER_RECORDING][1]))
    live.kill("daemon")
    live.wait("the job at work to be adopted", lambda: live.job(runs["after-sbatch"][1]))
    gate.touch()
    return runs


@pytest.mark.parametrize("step", [AFTER_RECORDING, *reversed(STEPS)])
def test_a_run_whose_launching_daemon_is_killed_has_one_job_and_succeeds(
    live: LiveSlurm, launched: dict[str, tuple[str, str]], step: str
) -> None:
    piece, first = launched[step]
    [run] = live.wait_for_last(first, "SUCCESS")
    assert live.events(piece) == {"began": 1, "ended": 1}
    assert live.submissions(run.run_id) == (2 if step == "before-sbatch" else 1)
    live.wait("the job's end to be recorded", lambda: live.run(run.run_id).tags[tags.STATE] == tags.ENDED)
    assert live.run(run.run_id).tags[tags.CAUSE] == "COMPLETED"
    # A job taken over says so, unless the daemon was killed between the two; the other runs never do.
    assert step in ("after-sbatch", "ended-meanwhile") or "was there already and is taken over" not in live.events_text(run.run_id)


def test_a_run_is_cancelled_though_the_web_server_is_killed_before_it_tells_slurm(live: LiveSlurm) -> None:
    run_id = live.launch("web-server-killed", until="/nowhere")
    live.began("web-server-killed")
    job_id = live.job(run_id)
    live.shims.once("scontrol", "kill the caller before", given=f"--oneliner {job_id}")
    with contextlib.suppress(OSError):
        live.terminate(run_id)
    assert live.shims.done("scontrol")
    live.wait_for(run_id, "CANCELED")
    live.wait("the job to be gone", lambda: not live.cluster.command("squeue", "-h", "-j", str(job_id)))
    live.ready()


def test_a_restart_of_the_whole_instance_loses_nothing_and_repeats_nothing(live: LiveSlurm) -> None:
    gate = live.ledger.with_name("gate")
    live.cluster.command("scontrol", "update", "PartitionName=debug", "State=DOWN")
    try:
        works = live.launch("works-on", until=str(gate))
        ends = live.launch("ends-while-down", seconds=2)
        hit = live.launch("cancelled-while-down", until="/nowhere")
        waits = live.launch("waits-in-slurm", {"slurm/partition": "debug"})
        for piece in ("works-on", "ends-while-down", "cancelled-while-down"):
            live.began(piece)
        before = {run_id: live.wait("a job", lambda run_id=run_id: live.job(run_id)) for run_id in (works, ends, waits)}
        with live.halted("daemon"):
            queued = live.launch("waits-in-dagster")
            with live.down():
                live.cluster.command("scancel", str(live.job(hit)))
                live.wait("a run to end meanwhile", lambda: live.events("ends-while-down")["ended"])
                assert live.run(queued).status.value == "QUEUED"
    finally:
        live.cluster.command("scontrol", "update", "PartitionName=debug", "State=UP")
    gate.touch()
    for run_id in (*before, queued):
        assert len(live.wait_for_last(run_id, "SUCCESS")) == 1
    live.wait_for(hit, "CANCELED")
    assert {run_id: live.job(run_id) for run_id in before} == before
    assert live.run(queued).tags[tags.JOB_OF] == queued


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    assert wrong_numbers(live) == []
    judge(live, "lost processes", FAULTS, record_property)
