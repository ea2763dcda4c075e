"""Runs that share jobs, on a real SLURM: each stays a run of its own, whatever happens to the others and to the job."""

from collections.abc import Callable, Iterator

import pytest

from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import CANCELLED, NOTHING, fault
from padocc_dagster_tests.slurm.live.sharing import host_with, job_of, let_go, no_hosts, one_at_work, report_of, serve_sharing
from padocc_dagster_tests.slurm.live.steps import recorded
from tools.slurm_cluster.cluster import Cluster

FAULTS = {
    "at-work": fault("a person terminates one run of a shared job", CANCELLED, finishes=False),
    "behind": fault(NOTHING),
    "behind-slow": fault(NOTHING),
    "greedy": fault("it needs more memory than requested, in a shared job", "OUT_OF_MEMORY, COMPLETED"),
    "handed-on": fault("the shared job in which it waits is cancelled"),
    "hit": fault("scancel by hand while it works in a shared job", CANCELLED, finishes=False),
    "killed": fault("its worker is killed, in a shared job", "FAILED, COMPLETED"),
    "last": fault("the shared job's wall time is nearly over while it works"),
    "many": fault(NOTHING),
    "modest": fault(NOTHING),
    "slow": fault("it uses up its own wall time, in a shared job", "TIMEOUT", finishes=False),
    "too-late": fault("the shared job's wall time is nearly over while it waits"),
    "waiting": fault("a person force-terminates one run that waits in a shared job", CANCELLED, finishes=False),
}

MANY = 20
LITTLE = {"slurm/memory": "256M"}


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    yield from serve_sharing(tmp_path_factory.mktemp("sharing"), cluster)


def test_many_runs_share_one_job_and_each_has_its_own_events_log_and_figures(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    runs = [live.launch(f"many-{number}") for number in range(MANY)]
    for run_id in runs:
        live.wait_for(run_id, "SUCCESS")
    told = [recorded(live, run_id) for run_id in runs]
    jobs = {own[tags.JOB_ID] for own in told}
    record_property("figure", f"{MANY} runs in {len(jobs)} job, {len(live.shims.calls('sbatch'))} sbatch")
    assert len(jobs) == 1
    assert {own[tags.CAUSE] for own in told} == {"COMPLETED"}
    for number, run_id in enumerate(runs):
        assert f"piece many-{number} says hello" in files_of(live.run(run_id)).log.read_text()
        assert report_of(live, run_id).peak_memory_mib


def test_a_run_that_runs_out_of_memory_or_is_killed_ends_alone_and_is_retried(live: LiveSlurm) -> None:
    greedy, killed = live.launch("greedy", LITTLE, mib=500), live.launch("killed", LITTLE, signal=9)
    modest = live.launch("modest", LITTLE)
    first, *_, last = live.wait_for_last(greedy, "SUCCESS")
    assert recorded(live, greedy)[tags.CAUSE] == "OUT_OF_MEMORY" and report_of(live, greedy).peak_memory_mib > 256
    assert last.tags[tags.REQUESTED] != first.tags[tags.REQUESTED]
    again = live.wait_for_last(killed, "SUCCESS")
    assert len(again) == 2 and recorded(live, killed)[tags.CAUSE] == "FAILED"
    assert "Signal 9 (SIGKILL) ended it" in live.events_text(killed)
    live.wait_for(modest, "SUCCESS")
    assert job_of(live, greedy) == job_of(live, killed) == job_of(live, modest)


def test_a_run_that_uses_up_its_own_time_ends_alone(live: LiveSlurm) -> None:
    slow = live.launch("slow", {"slurm/time": "1", "dagster/max_retries": "0"}, until="/nowhere")
    behind = live.launch("behind-slow")
    live.wait_for(slow, "FAILURE")
    assert recorded(live, slow)[tags.CAUSE] == "TIMEOUT"
    live.wait_for(behind, "SUCCESS")
    assert job_of(live, slow) == job_of(live, behind)


def test_a_person_cancels_one_run_and_the_others_go_on(live: LiveSlurm) -> None:
    at_work, waiting, behind = one_at_work(live, "at-work", "waiting", "behind")
    job_id = job_of(live, at_work)
    live.terminate(waiting, force=True)
    assert live.terminate(at_work)["__typename"] == "TerminateRunSuccess"
    live.wait_for(at_work, "CANCELED")
    assert recorded(live, at_work)[tags.CAUSE] == "CANCELLED"
    live.wait_for(behind, "SUCCESS")
    assert job_of(live, behind) == job_id and recorded(live, waiting)
    assert not live.events("waiting")


def test_a_job_that_is_cancelled_ends_what_it_had_started_and_hands_on_the_rest(live: LiveSlurm) -> None:
    hit, *rest = one_at_work(live, "hit", "handed-on-1", "handed-on-2")
    job_id = job_of(live, hit)
    live.cluster.command("scancel", str(job_id))
    live.wait_for(hit, "CANCELED")
    assert recorded(live, hit)[tags.CAUSE] == "CANCELLED"
    for run_id in rest:
        live.wait_for(run_id, "SUCCESS")
        assert job_of(live, run_id) != job_id
        assert "did not start the run" in live.events_text(run_id)


def test_before_its_wall_time_is_over_a_job_starts_no_more_and_hands_on_what_waits(live: LiveSlurm) -> None:
    last, *rest = one_at_work(live, "last", "too-late-1", "too-late-2")
    job_id = job_of(live, last)
    live.cluster.command("scancel", "--signal=USR2", "--batch", str(job_id))
    for run_id in rest:
        live.wait_for(run_id, "SUCCESS")
        assert job_of(live, run_id) != job_id
    let_go(live, "last")
    live.wait_for(last, "SUCCESS")
    assert job_of(live, last) == job_id


def test_a_job_without_runs_ends_and_its_folder_goes(live: LiveSlurm) -> None:
    no_hosts(live)
    assert host_with(live, "") is None
    assert not live.cluster.command("squeue", "-h", "-t", "PENDING,RUNNING")


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    judge(live, "sharing jobs", FAULTS, record_property)
