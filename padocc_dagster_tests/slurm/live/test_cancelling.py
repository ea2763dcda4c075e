"""A run that a person cancels, in whichever way and from whichever process, takes its job with it."""

import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from padocc_dagster.slurm.node import report
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm, environment
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import BY_LAUNCHER, CANCELLED, COMPLETED, fault
from padocc_dagster_tests.slurm.live.jobs import wrong_numbers
from padocc_dagster_tests.slurm.live.mixture import SEED
from padocc_dagster_tests.slurm.live.steps import gate, launch_and_begin, recorded

FAULTS = {
    "deaf": fault("a person terminates a run that ignores it", CANCELLED, finishes=False),
    "forced": fault("a person force-terminates a run that waits", BY_LAUNCHER, finishes=False),
    "from-elsewhere": fault("another process terminates a run that waits", BY_LAUNCHER, finishes=False),
    "held": fault("a person force-terminates a run whose job is held", BY_LAUNCHER, finishes=False),
    "raced": fault("a person terminates a run as it succeeds", COMPLETED, CANCELLED, finishes=None),
    "willing": fault("a person terminates a run that works", CANCELLED, finishes=False),
}

NEVER_STARTS = {"slurm/cpus": "2"}
"""More than the QoS allows one job: SLURM takes it, and it waits."""
Waiting = Callable[[str], tuple[str, int]]
ROUNDS, TOGETHER, RACE_SECONDS = 2, 3, 1.0
RACES = itertools.count()
ENDS = {dg.DagsterEventType.RUN_SUCCESS: dg.DagsterRunStatus.SUCCESS, dg.DagsterEventType.RUN_CANCELED: dg.DagsterRunStatus.CANCELED}
WORKING = ("willing", "deaf")


@pytest.fixture
def waiting(live: LiveSlurm) -> Iterator[Waiting]:
    """Makes a run whose job waits in SLURM's queue, and gives its id and the job's. Both are over after the test, however that ends."""
    made = []

    def make(piece: str) -> tuple[str, int]:
        run_id = live.launch(piece, NEVER_STARTS)
        job_id = live.wait("a job", lambda: live.job(run_id))
        made.append((run_id, job_id))
        live.wait("the job to wait", lambda: live.run(run_id).tags.get(tags.PENDING, "-") != "-")
        return run_id, job_id

    yield make
    for run_id, job_id in made:
        if (run := live.run(run_id)) and not run.is_finished:
            live.terminate(run_id, force=True)
        wait_until_gone(live, job_id)


def wait_until_gone(live: LiveSlurm, job_id: int) -> None:
    asked = ("squeue", "-h", "-o", "%A", "-t", "PENDING,RUNNING,COMPLETING", "-j", str(job_id))
    live.wait("the job to be gone", lambda: not live.cluster.command(*asked))


@pytest.fixture(scope="module", autouse=True)
def at_work(live: LiveSlurm) -> dict[str, str]:
    """Runs at work, for whose health the daemon looks at the queue in every poll interval."""
    runs = {piece: live.launch(piece, until="/nowhere", deaf=piece == "deaf") for piece in WORKING}
    for piece in WORKING:
        live.began(piece)
    return runs


def test_the_job_of_a_waiting_run_that_is_force_terminated_is_cancelled(live: LiveSlurm, waiting: Waiting) -> None:
    run_id, job_id = waiting("forced")
    live.wait("the run to say why", lambda: "QOSMaxCpuPerJobLimit" in live.events_text(run_id))  # the event follows the tag
    live.terminate(run_id, force=True)
    assert live.run(run_id).status.value == "CANCELED"
    wait_until_gone(live, job_id)
    live.wait("the run to tell it", lambda: "its run is CANCELED and no longer needs it" in live.events_text(run_id))
    by_launcher = "CANCELLED by the launcher, because its run is CANCELED and no longer needs it"
    live.wait("the end to be told", lambda: by_launcher in live.events_text(run_id))


def test_the_job_of_a_run_that_is_deleted_is_cancelled(live: LiveSlurm, waiting: Waiting) -> None:
    run_id, job_id = waiting("deleted")
    live.instance.delete_run(run_id)
    wait_until_gone(live, job_id)


def test_a_waiting_run_is_cancelled_by_its_launcher_from_another_process(live: LiveSlurm, waiting: Waiting) -> None:
    run_id, job_id = waiting("from-elsewhere")
    with environment({"DAGSTER_HOME": str(live.services.home.root)}):
        assert live.instance.run_launcher.terminate(run_id)
    assert live.run(run_id).status.value == "CANCELED"
    wait_until_gone(live, job_id)


def test_a_held_job_says_so_and_goes_with_its_run(live: LiveSlurm, waiting: Waiting) -> None:
    run_id, job_id = waiting("held")
    live.cluster.command("scontrol", "uhold", str(job_id))
    live.wait("the run to tell it", lambda: "Release it with `scontrol release`" in live.events_text(run_id))
    live.terminate(run_id, force=True)
    wait_until_gone(live, job_id)


def test_a_worker_is_given_time_to_end_and_killed_only_when_it_does_not(live: LiveSlurm, at_work: dict[str, str]) -> None:
    for run_id in at_work.values():
        assert live.terminate(run_id)["__typename"] == "TerminateRunSuccess"
    for run_id in at_work.values():
        live.wait_for(run_id, "CANCELED")
        wait_until_gone(live, live.job(run_id))
    willing, deaf = (report.read(files_of(live.run(at_work[piece])).report) for piece in WORKING)
    assert (willing.stop_signal, willing.signal, deaf.stop_signal, deaf.signal) == ("SIGUSR1", None, "SIGUSR1", 9)
    assert 'Execution of run for "__ASSET_JOB" canceled' in live.events_text(at_work["willing"])


def test_a_run_that_is_terminated_as_it_succeeds_is_what_its_last_event_says(live: LiveSlurm) -> None:
    draw, runs = random.Random(int(os.environ.get(SEED, 1))), {}
    for _ in range(ROUNDS):
        pieces = [f"raced-{next(RACES)}" for _ in range(TOGETHER)]
        runs |= {piece: launch_and_begin(live, piece)[0] for piece in pieces}
        for piece in pieces:
            gate(live, piece).touch()
            threading.Event().wait(draw.uniform(0, RACE_SECONDS))
            live.terminate(runs[piece])
    for run_id in runs.values():
        live.wait_for(run_id, "SUCCESS", "CANCELED")
        recorded(live, run_id)
        ends = [entry.dagster_event.event_type for entry in live.instance.all_logs(run_id, of_type=set(ENDS))]
        live.wait("the status to be the last end", lambda run_id=run_id, ends=ends: ENDS[ends[-1]] is live.run(run_id).status)


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    assert wrong_numbers(live) == []
    judge(live, "cancelling", FAULTS, record_property)
