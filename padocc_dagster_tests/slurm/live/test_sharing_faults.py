"""Hosts of many runs that die at the worst moments, launchers that die or double, wrong clocks: each run works once, none is lost."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.live.conftest import LEDGER, LiveSlurm, environment
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import COMPLETED, fault
from padocc_dagster_tests.slurm.live.faulty import FAULT, KILLS
from padocc_dagster_tests.slurm.live.sharing import WARM, hosts, job_of, let_go, no_hosts, one_at_work, serve_sharing
from padocc_dagster_tests.slurm.live.steps import recorded
from tools.slurm_cluster.cluster import Cluster

FAULTS = {
    "after-fork": fault("a host of many runs is killed when it has begun a run", COMPLETED, "FAILED, COMPLETED"),
    "at-close": fault("a host of many runs is killed while it closes"),
    "before-fork": fault("a host of many runs is killed when it has claimed a run's report", COMPLETED, "FAILED, COMPLETED"),
    "before-report": fault("a host of many runs is killed before it claims a run's report"),
    "clock": fault("the node's clock is five minutes ahead"),
    "doubled": fault("two daemons launch at once"),
    "goes-on": fault("the daemon is killed while a shared job works"),
    "joins-a-closing-host": fault("it is launched while the host of many runs closes, and is killed"),
    "waits": fault("the daemon is killed while it waits in a shared job"),
}

TOGETHER = 8
QUICKLY = {**WARM, "idle_seconds": 8}


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    folder = tmp_path_factory.mktemp("faults")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m padocc_dagster_tests.slurm.live.faulty "$@"\n')
    python.chmod(0o755)
    with environment({FAULT: str(folder / "fault")}):
        more = {"environment": ["WORKDIR", LEDGER, FAULT], "python": str(python), "warm": QUICKLY}
        yield from serve_sharing(folder, cluster, **more)


def have(live: LiveSlurm, fault: str) -> Path:
    """Let the next host have a fault. Returns the file, which is gone once it has."""
    path = live.ledger.with_name("fault")
    draft = path.with_name("draft")
    draft.write_text(fault)
    draft.rename(path)
    return path


@pytest.mark.parametrize("fault", KILLS)
def test_a_host_that_is_killed_loses_no_run_and_repeats_none(live: LiveSlurm, fault: str) -> None:
    no_hosts(live)
    path = have(live, fault)
    pieces = [f"{fault}-{number}" for number in range(3)]
    runs = [live.launch(piece) for piece in pieces]
    live.wait("the host to have its fault", lambda: not path.exists())
    if fault == "at-close":
        live.wait("the host to be over", lambda: hosts(live) and not hosts(live)[0].is_open)
        runs.append(live.launch("joins-a-closing-host"))
        pieces.append("joins-a-closing-host")
    attempts = [attempt for run_id in runs for attempt in live.wait_for_last(run_id, "SUCCESS")]
    assert [live.events(piece) for piece in pieces] == [{"began": 1, "ended": 1}] * len(pieces)
    failed = [recorded(live, run.run_id)[tags.CAUSE] for run in attempts if run.status.value == "FAILURE"]
    assert failed == (["FAILED"] if fault in ("before-fork", "after-fork") else [])


def test_a_clock_that_is_five_minutes_ahead_on_the_node_changes_nothing(live: LiveSlurm) -> None:
    no_hosts(live)
    path = have(live, "clock")
    runs = [live.launch(f"clock-{number}") for number in range(3)]
    for run_id in runs:
        assert len(live.wait_for_last(run_id, "SUCCESS")) == 1
        recorded(live, run_id)
    assert not path.exists() and len({job_of(live, run_id) for run_id in runs}) == 1


def test_two_daemons_at_once_give_each_run_one_place(live: LiveSlurm) -> None:
    command = [sys.executable, "-m", "dagster._daemon", "run"]
    workspace = ["-w", str(live.services.home.workspace)]
    with environment({"DAGSTER_HOME": str(live.services.home.root)}), open(os.devnull, "w") as nothing:
        second = subprocess.Popen([*command, *workspace], stdout=nothing, stderr=nothing)
    try:
        runs = {f"doubled-{number}": live.launch(f"doubled-{number}") for number in range(TOGETHER)}
        for piece, run_id in runs.items():
            assert len(live.wait_for_last(run_id, "SUCCESS")) == 1
            assert live.events(piece) == {"began": 1, "ended": 1}
            recorded(live, run_id)
    finally:
        second.terminate()
        second.wait(60)


def test_a_daemon_that_is_killed_costs_no_run_its_place(live: LiveSlurm) -> None:
    at_work, *waiting = one_at_work(live, "goes-on", "waits-1", "waits-2")
    job_id = job_of(live, at_work)
    live.kill("daemon")
    let_go(live, "goes-on")
    for run_id in (at_work, *waiting):
        assert len(live.wait_for_last(run_id, "SUCCESS")) == 1
        assert job_of(live, run_id) == job_id
    live.ready()
    for run_id in (at_work, *waiting):
        assert recorded(live, run_id)[tags.CAUSE] == "COMPLETED"


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    no_hosts(live)
    judge(live, "sharing jobs, with faults", FAULTS, record_property)
