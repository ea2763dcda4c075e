"""Every way in which a job can end, on a real cluster: the run says which and why, and what follows is right.

Slow jobs are begun first (`early`) and looked at last; what breaks the node comes after all that need it.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.live.conftest import ALLOCATION, LOAD, LiveSlurm, serve
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import CANCELLED, COMPLETED, NOTHING, REFUSED, fault
from padocc_dagster_tests.slurm.live.steps import causes, ended, gate, launch_and_begin, partition, recorded, worker
from tools.slurm_cluster.cluster import Cluster

FAULTS = {
    "at the cap": fault("it needs more memory than any job may have", "OUT_OF_MEMORY, OUT_OF_MEMORY, OUT_OF_MEMORY", finishes=False),
    "beyond its minute": fault("it needs more wall time than requested", "TIMEOUT, COMPLETED"),
    "cancelled by hand": fault("scancel by hand while it works", CANCELLED, finishes=False),
    "for a drained node": fault("its job waits for a drained node"),
    "held": fault("its job is held, and released"),
    "hello": fault(NOTHING),
    "killed": fault("its worker is killed, then the host of its second job", "FAILED, FAILED, COMPLETED"),
    "no set-up": fault("a line of set_up fails", "LAUNCH_FAILED", finishes=False),
    "on a drained node": fault("its node is drained while it works"),
    "on a failing node": fault("its only node fails and comes back", "NODE_FAIL, COMPLETED"),
    "preempted": fault("a job of higher priority takes its place", "PREEMPTED, COMPLETED"),
    "raises": fault("its code raises", COMPLETED, finishes=False),
    "requeued": fault("scontrol requeue while it works", "REQUEUED, COMPLETED"),
    "too large": fault("it requests more memory than any job may have", REFUSED, finishes=False),
    "too long": fault("it requests more wall time than the SLURM partition gives, until scancel", CANCELLED, finishes=False),
    "too many cpus": fault("it requests more CPUs than the QoS gives, until scancel", CANCELLED, finishes=False),
    "two escalations": fault("it needs more memory than requested, twice", "OUT_OF_MEMORY, OUT_OF_MEMORY, COMPLETED"),
    "vanishes": fault("nobody knows its job any more", "VANISHED, COMPLETED"),
}

CAPTURED = """query ($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"""
LOGS = """query ($id: ID!) { logsForRun(runId: $id, limit: 1000) { ... on EventConnection {
  events { ... on LogsCapturedEvent { fileKey } } } } }"""


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    fails_in_debug = ['test "$SLURM_JOB_PARTITION" != debug']
    with serve(tmp_path_factory.mktemp("ends"), cluster, LOAD, **ALLOCATION, set_up=fails_in_debug) as served:
        yield served


@pytest.fixture(scope="module")
def early(live: LiveSlurm) -> dict[str, str]:
    """Runs by their pieces, four at work at a time: some wait in vain, some are ended at once, some are left to themselves."""
    partition(live, "tiny", "DOWN")
    waiting = {piece: live.launch(piece, {"slurm/partition": "tiny", "slurm/time": "2"}) for piece in ("vanishes", "held")}
    # Behind jobs that wait for the node, SLURM would call its reason Priority.
    waiting["too many cpus"] = live.launch("too many cpus", {"slurm/cpus": "2"})
    live.wait("its job", lambda: live.job(waiting["too many cpus"]))
    slow = {"beyond its minute": live.launch("beyond its minute", {"slurm/time": "1"}, until=str(gate(live, "beyond its minute")))}
    acted_on = {piece: live.launch(piece, until=str(gate(live, piece))) for piece in ("cancelled by hand", "killed", "requeued")}
    left = {
        "two escalations": live.launch("two escalations", mib=2500),
        "at the cap": live.launch("at the cap", mib=5000),
        "too long": live.launch("too long", {"slurm/partition": "tiny", "slurm/time": "5"}),
        "too large": live.launch("too large", {"slurm/memory": "5G"}),
        "no set-up": live.launch("no set-up", {"slurm/partition": "debug"}),
        "raises": live.launch("raises", raises=True),
        "hello": live.launch("hello"),
    }
    for piece in ("vanishes", "held"):
        job_id = live.wait(f"the job of {piece}", lambda piece=piece: live.job(waiting[piece]))
        live.cluster.command("scontrol", "uhold", str(job_id))
    live.instance.add_run_tags(waiting["vanishes"], {tags.JOB_ID: "999999"})  # as after a reset of SLURM, which knows nothing of the id
    partition(live, "tiny", "UP")
    _act(live, acted_on)
    return {**waiting, **slow, **acted_on, **left}


def _act(live: LiveSlurm, runs: dict[str, str]) -> None:
    for piece in runs:
        live.began(piece)
    live.cluster.command("scancel", str(live.job(runs["cancelled by hand"])))
    worker(live, runs["killed"]).send_signal(signal.SIGKILL)
    requeued = str(live.job(runs["requeued"]))
    live.cluster.command("scontrol", "update", f"JobId={requeued}", "Requeue=1")
    first = worker(live, runs["requeued"])
    live.cluster.command("scontrol", "requeue", requeued)
    first.wait(30)  # told to end, it would go through an open gate first
    gate(live, "requeued").touch()


@pytest.fixture(scope="module", autouse=True)
def second_minute(live: LiveSlurm, early: dict[str, str]) -> None:
    """Lets the repetition of the run that was too slow end, whatever the tests are at."""

    def open_gate() -> None:
        live.wait_for(early["beyond its minute"], "FAILURE")
        gate(live, "beyond its minute").touch()

    threading.Thread(target=open_gate, daemon=True).start()


def asked(live: LiveSlurm, run_id: str, word: str) -> list[str]:
    """What each attempt asked for, of the allocation's part with that word."""
    return [part.split("=")[1] for run in live.family(run_id) for part in run.tags[tags.REQUESTED].split() if part.startswith(word)]


def test_a_held_job_says_so_with_what_to_do_and_runs_when_released(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["held"]
    live.wait("the hold to be shown", lambda: live.run(run_id).tags.get(tags.PENDING) == "JobHeldUser")
    live.wait("the hold to be told", lambda: "waits: JobHeldUser. It means: " in live.events_text(run_id), 10)
    assert "What to do: Release it with `scontrol release`" in live.events_text(run_id)
    assert live.run(run_id).status.value == "STARTING"
    live.cluster.command("scontrol", "release", str(live.job(run_id)))


@pytest.mark.parametrize(("piece", "reason"), [("too long", "PartitionTimeLimit"), ("too many cpus", "QOSMaxCpuPerJobLimit")])
def test_a_job_that_can_never_start_says_so_with_what_to_do(live: LiveSlurm, early: dict[str, str], piece: str, reason: str) -> None:
    run_id = early[piece]
    live.wait(reason, lambda: live.run(run_id).tags.get(tags.PENDING) == reason)
    live.wait("what it means", lambda: f"waits: {reason}. It means: " in live.events_text(run_id), 10)
    assert "it never starts as it is. What to do: Cancel the run and launch it with a smaller slurm/time" in live.events_text(run_id)
    live.cluster.command("scancel", str(live.job(run_id)))
    live.wait_for(run_id, "CANCELED")


def test_a_run_that_asks_for_more_than_is_allowed_is_refused_at_launch(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["too large"]
    live.wait_for(run_id, "FAILURE")
    assert "memory 5G was cut to 4G, the most that is allowed" in live.events_text(run_id) and live.job(run_id) is None
    assert len(live.family(run_id)) == 1


def test_scancel_by_hand_cancels_the_run_says_by_whom_and_is_not_repeated(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["cancelled by hand"]
    [told] = ended(live, run_id, 1, "CANCELED")
    assert f"SLURM job {live.job(run_id)}: CANCELLED by " in told and "Next: it is not retried" in told
    assert f"user id {os.getuid()}" in told or "root" in told


def test_a_worker_or_a_host_killed_from_outside_is_repeated(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["killed"]
    live.began("killed", 2)
    left = worker(live, live.family(run_id)[1].run_id)
    left.parent().send_signal(signal.SIGKILL)
    left.wait(60)  # nothing outlives its host
    gate(live, "killed").touch()
    first, second, _ = ended(live, run_id, 3)
    assert "FAILED on" in first and "Signal 9 (SIGKILL) ended it" in first and "as attempt 2 of at most 5" in first
    assert "FAILED on" in second and "Signal 9 (SIGKILL) ended it" in second
    assert asked(live, run_id, "memory") == ["1G", "1G", "1G"]


def test_a_requeued_job_does_not_work_twice_and_its_run_is_repeated(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id, job_id = early["requeued"], live.job(early["requeued"])
    first, _ = ended(live, run_id, 2)
    assert causes(live, run_id) == ["REQUEUED", "COMPLETED"] and "SLURM had requeued it once" in first
    assert f"SLURM has requeued job {job_id}. Its run had begun, and is not begun a second time here" in first
    assert live.events("requeued") == {"began": 2, "ended": 1}


def test_a_worker_that_raises_fails_the_step_and_is_not_repeated(live: LiveSlurm, early: dict[str, str]) -> None:
    [told] = ended(live, early["raises"], 1, "FAILURE")
    told_tags = recorded(live, early["raises"])
    assert told_tags[tags.CAUSE] == "COMPLETED" and told_tags[tags.USED].startswith("elapsed=00:00:") and "peak=" in told_tags[tags.USED]
    assert "Steps failed: ['load']" in told and "is over. Requested: time=00:20:00 memory=1G cpus=1. Used: elapsed=" in told


def test_a_job_whose_set_up_fails_is_told_with_its_log_and_is_not_repeated(live: LiveSlurm, early: dict[str, str]) -> None:
    [told] = ended(live, early["no set-up"], 1, "FAILURE")
    assert causes(live, early["no set-up"]) == ["LAUNCH_FAILED"] and live.events("no set-up")["began"] == 0
    assert "Line 1 of set_up failed" in told and "Its exit status was 78" in told and "Next: it is not retried. Read the log" in told


def test_what_a_worker_prints_is_shown_after_its_job_has_ended(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["hello"]
    ended(live, run_id, 1)
    events = live.ask(LOGS, {"id": run_id})["logsForRun"]["events"]
    [key] = [event["fileKey"] for event in events if "fileKey" in event]
    shown = live.ask(CAPTURED, {"key": [run_id, "compute_logs", key]})["capturedLogs"]
    assert "piece hello says hello" in shown["stdout"]
    assert "RUN_SUCCESS" in Path(live.run(run_id).tags[tags.LOG]).read_text()


def test_a_job_out_of_memory_is_repeated_with_twice_as_much_until_it_ends_well(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["two escalations"]
    told = ended(live, run_id, 3)
    assert causes(live, run_id) == ["OUT_OF_MEMORY", "OUT_OF_MEMORY", "COMPLETED"] and asked(live, run_id, "memory") == ["1G", "2G", "4G"]
    for said, memory, following in zip(told[:2], ("1G", "2G"), ("2G", "4G"), strict=True):
        assert f"OUT_OF_MEMORY on {live.cluster.node}. It ran 0:00:" in said and " MiB at most, as sampled; it had requested" in said
        assert f"memory={memory}" in said and "piece two escalations says hello" in said and "oom-kill" in said
        assert f"requesting time=00:20:00 memory={following} cpus=1" in said
        assert "scontrol show job" in said and "sacct -j" in said and "tail -n 50" in said
    assert "Used: elapsed=00:00:" in told[2] and "peak=2" in told[2]


def test_a_job_out_of_memory_at_the_cap_says_so_and_stops(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["at the cap"]
    told = ended(live, run_id, 3, "FAILURE")
    assert causes(live, run_id) == ["OUT_OF_MEMORY"] * 3 and asked(live, run_id, "memory") == ["1G", "2G", "4G"]
    assert "memory 8G was cut to 4G, the most that is allowed. That was not enough, so it is not retried. Set the run tag" in told[2]


def test_a_job_beyond_its_wall_time_is_repeated_with_twice_as_much(live: LiveSlurm, early: dict[str, str]) -> None:
    run_id = early["beyond its minute"]
    first, _ = ended(live, run_id, 2)
    assert causes(live, run_id) == ["TIMEOUT", "COMPLETED"] and asked(live, run_id, "time") == ["00:01:00", "00:02:00"]
    assert f"TIMEOUT on {live.cluster.node}. It ran 0:01:" in first and "requesting time=00:02:00 memory=1G" in first


def test_a_job_on_a_drained_node_goes_on_and_one_that_waits_for_it_says_so(live: LiveSlurm) -> None:
    run_id, _ = launch_and_begin(live, "on a drained node")
    live.cluster.drain("a test")
    try:
        waiting = live.launch("for a drained node")
        live.wait("the reason", lambda: live.run(waiting).tags.get(tags.PENDING, "-") not in ("-", "no reason given"))
        assert live.run(run_id).status.value == "STARTED"
        gate(live, "on a drained node").touch()
        ended(live, run_id, 1)
        assert live.run(waiting).status.value == "STARTING"
    finally:
        live.cluster.resume()
    ended(live, waiting, 1)


def test_a_job_that_nobody_knows_any_more_is_given_up_and_repeated(live: LiveSlurm, early: dict[str, str]) -> None:
    first, _ = ended(live, early["vanishes"], 2)
    assert causes(live, early["vanishes"]) == ["VANISHED", "COMPLETED"]
    assert "SLURM job 999999: VANISHED: SLURM no longer knows the job" in first and "as attempt 2 of at most 5" in first


def test_a_job_whose_node_fails_is_repeated_elsewhere_or_where_there_is_no_elsewhere_there(live: LiveSlurm, early: dict[str, str]) -> None:
    ended(live, early["held"], 1)
    run_id, _ = launch_and_begin(live, "on a failing node")
    first = worker(live, run_id)
    live.cluster.set_down("a test")
    live.wait_for(run_id, "FAILURE")
    live.cluster.resume()
    first.wait(30)
    gate(live, "on a failing node").touch()
    told, again = ended(live, run_id, 2)
    assert causes(live, run_id) == ["NODE_FAIL", "COMPLETED"]
    assert f"requesting time=00:20:00 memory=1G cpus=1 exclude={live.cluster.node}" in told
    assert f"SLURM has no other nodes for the job than {live.cluster.node}, which failed before" in again


def test_a_job_that_is_preempted_is_repeated_when_there_is_room(live: LiveSlurm) -> None:
    run_id, _ = launch_and_begin(live, "preempted")
    urgent = live.cluster.command("sbatch", "--parsable", "--qos=preempt", "--mem=0", "--output=/dev/null", "--wrap=sleep 600").strip()
    try:
        live.wait_for(run_id, "FAILURE")
    finally:
        live.cluster.command("scancel", urgent)
    gate(live, "preempted").touch()
    first, _ = ended(live, run_id, 2)
    assert causes(live, run_id) == ["PREEMPTED", "COMPLETED"] and "a job of higher priority took its place" in first


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    judge(live, "ends", FAULTS, record_property)
