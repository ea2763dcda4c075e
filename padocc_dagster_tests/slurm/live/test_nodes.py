"""Three nodes, and a controller that forgets: a lost node, a drained one, a cold start, a job that is given another name.

All of it is begun at once (`begun`), and looked at one by one.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import pytest

from padocc_dagster.services import processes
from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.live import mixture
from padocc_dagster_tests.slurm.live.conftest import ALLOCATION, LOAD, LiveSlurm, serve
from padocc_dagster_tests.slurm.live.fault_table import judge
from padocc_dagster_tests.slurm.live.faults import fault, fault_of
from padocc_dagster_tests.slurm.live.steps import causes, ended, gate, launch_and_begin, partition, recorded, worker
from padocc_dagster_tests.slurm.private import private
from tools.slurm_cluster.daemons import daemon_of

FAULTS = {
    "at work at a cold start": fault("slurmctld forgets the job, which works", "FORGOTTEN, COMPLETED"),
    "drained": fault("one of three nodes is drained while it works"),
    "lost": fault("slurmd and slurmstepd of its node are killed", "NODE_FAIL, COMPLETED"),
    "renamed": fault("its job is given another name and comment"),
    "waiting": fault("its job waits while one node is lost and one drained"),
    "waiting at a cold start": fault("slurmctld forgets the job, which waits", "FORGOTTEN, COMPLETED"),
    **mixture.FAULTS,
}

ATTEMPTS = itertools.count()


@dataclass
class Begun:
    lost: str
    """The run on the node that is lost, as all that follow are runs."""
    node: str
    worker: psutil.Process
    drained: str
    """On the node that is drained."""
    drained_node: str
    renamed: str
    waiting: str


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    with private(tmp_path_factory.mktemp("nodes"), cpus=1, nodes=3) as three:
        with serve(tmp_path_factory.mktemp("instance"), three, LOAD, **ALLOCATION) as served:
            yield served


@pytest.fixture(scope="module")
def begun(live: LiveSlurm) -> Begun:
    """A run on each node, of which one is lost, one drained, and one given another name; and one that waits for a node."""
    runs = [launch_and_begin(live, piece) for piece in ("lost", "drained", "renamed")]
    (lost, node), (drained, drained_node), (renamed, _) = [(run_id, node_of(live, job_id)) for run_id, job_id in runs]
    first = worker(live, lost)
    live.cluster.drain("a test", drained_node)
    live.cluster.lose(node)
    live.cluster.command("scontrol", "update", f"JobId={runs[2][1]}", "JobName=another", "Comment=another")
    return Begun(lost, node, first, drained, drained_node, renamed, live.launch("waiting"))


def node_of(live: LiveSlurm, job_id: int) -> str:
    return live.cluster.command("squeue", "-h", "-j", str(job_id), "-o", "%N").strip()


def nodes_of(live: LiveSlurm, run_id: str) -> list[str]:
    """The node of each attempt."""
    return [run.tags[tags.NODES] for run in live.family(run_id)]


def test_a_worker_on_a_lost_node_ends_at_once_and_its_run_is_retried_on_another(live: LiveSlurm, begun: Begun) -> None:
    begun.worker.wait(20)
    gate(live, "lost").touch()
    live.wait_for(begun.lost, "FAILURE")
    gate(live, "renamed").touch()
    first, _ = ended(live, begun.lost, 2)
    assert causes(live, begun.lost) == ["NODE_FAIL", "COMPLETED"] and f"exclude={begun.node}" in first
    one, other = nodes_of(live, begun.lost)
    assert one == begun.node != other != begun.drained_node


def test_a_job_that_was_given_another_name_and_comment_is_left_to_work(live: LiveSlurm, begun: Begun) -> None:
    ended(live, begun.renamed, 1)
    assert live.events("renamed") == {"began": 1, "ended": 1} and causes(live, begun.renamed) == ["COMPLETED"]


def test_a_run_on_a_drained_node_ends_there_and_others_go_elsewhere(live: LiveSlurm, begun: Begun) -> None:
    ended(live, begun.waiting, 1)
    assert nodes_of(live, begun.waiting)[0] not in (begun.node, begun.drained_node)
    assert live.run(begun.drained).status.value == "STARTED"
    gate(live, "drained").touch()
    ended(live, begun.drained, 1)
    assert nodes_of(live, begun.drained) == [begun.drained_node]
    live.cluster.resume(begun.drained_node)
    live.cluster.start_daemon(daemon_of(live.cluster.folder, begun.node))


def test_runs_whose_jobs_the_controller_forgot_at_its_start_are_retried(live: LiveSlurm, begun: Begun) -> None:
    number = next(ATTEMPTS)
    at_work, waiting = f"at work at a cold start {number}", f"waiting at a cold start {number}"
    works, _ = launch_and_begin(live, at_work)
    first = worker(live, works)
    partition(live, "debug", "DOWN")
    waits = live.launch(waiting, {"slurm/partition": "debug"})
    job_id = live.wait("its job", lambda: live.job(waits))
    live.wait("the accounting to know it", lambda: "PENDING" in live.cluster.command("sacct", "-X", "-n", "-j", str(job_id), "-o", "State"))
    live.cluster.kill("slurmctld")
    live.cluster.start_daemon("slurmctld", "-c")
    live.wait_for(works, "FAILURE")
    assert not processes.is_alive(first)
    gate(live, at_work).touch()
    for run_id in (works, waits):
        said, _ = ended(live, run_id, 2)
        assert causes(live, run_id) == ["FORGOTTEN", "COMPLETED"] and "no person cancelled it" in said
    assert live.events(at_work) == {"began": 2, "ended": 1} and live.events(waiting) == {"began": 1, "ended": 1}


def test_a_mixture_of_faults_at_once_ends_each_run_as_it_should(live: LiveSlurm) -> None:
    thrown = mixture.Mixture(live, next(ATTEMPTS))
    thrown.throw()
    for piece, run_id in thrown.runs.items():
        expected = fault_of(piece, FAULTS)
        last = live.wait_for_last(run_id, "SUCCESS", "FAILURE", "CANCELED")[-1]
        assert (last.status.value == "SUCCESS") == expected.finishes, (piece, last.status)
        recorded(live, last.run_id)
        assert ", ".join(causes(live, run_id)) in expected.causes, piece


def test_nothing_ran_twice_nothing_was_lost_and_each_cause_is_the_one_made(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    judge(live, "three nodes and a controller that forgets", FAULTS, record_property)
