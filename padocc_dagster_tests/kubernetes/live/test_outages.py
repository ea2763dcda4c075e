"""What dies around the pods of a real cluster: API server, etcd, kubelet, daemon. No run fails for it, none is lost or done twice."""

import random
import time
from collections.abc import Callable

from padocc_dagster.batch import tags as batch
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster_tests.kubernetes.live.conftest import LiveKubernetes
from tools.kubernetes_cluster.certificates import NODE
from tools.kubernetes_cluster.instance import NAMESPACE

MINUTE = 60.0
KILLS = 6


def test_an_api_server_that_is_dead_for_a_minute_ends_no_run_and_loses_none(live: LiveKubernetes) -> None:
    at_work = live.launch_and_begin("through-the-outage")
    live.cluster.kill("kube-apiserver")
    began = time.monotonic()
    try:
        meanwhile = live.launch("in-the-outage")
        live.wait("the launch to be put off", lambda: "has not taken the Job yet" in live.events_text(meanwhile))
        live.wait("a minute to pass", lambda: time.monotonic() - began > MINUTE)
        assert live.run(at_work).status.value == "STARTED" and live.run(meanwhile).status.value == "STARTING"
    finally:
        live.cluster.start_daemon("kube-apiserver")
    live.gate("through-the-outage").touch()
    live.wait_for(at_work, "SUCCESS")
    live.wait_for(meanwhile, "SUCCESS")
    assert not live.twice_or_lost(["through-the-outage", "in-the-outage"])


def test_a_restart_of_etcd_ends_no_run(live: LiveKubernetes) -> None:
    run_id = live.launch_and_begin("through-etcd")
    live.cluster.kill("etcd")
    live.cluster.start_daemon("etcd")
    live.wait("the API server to answer", live.cluster.is_ready)
    live.gate("through-etcd").touch()
    live.wait_for(run_id, "SUCCESS")
    assert live.recorded(run_id)[batch.CAUSE] == "COMPLETED"


def test_a_node_that_no_longer_answers_gives_its_runs_back(live: LiveKubernetes, record_property: Callable[[str, object], None]) -> None:
    """The test deletes the pod, as Kubernetes does where other nodes are left: it evicts none while all nodes are silent."""
    run_id = live.launch_and_begin("on-a-silent-node")
    pod = live.at_work(run_id)
    live.cluster.stop_daemon("kubelet")
    began = time.monotonic()
    try:
        live.cluster.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}")
        live.wait("the run to be retried", lambda: len(live.family(run_id)) == 2, 300)
        record_property("figure", f"a node that no longer answers: its run was retried {time.monotonic() - began:.0f} s after its deletion")
    finally:
        live.cluster.start_daemon("kubelet")
    live.began("on-a-silent-node", 2)
    live.gate("on-a-silent-node").touch()
    first, second = live.wait_for_last(run_id, "SUCCESS")
    assert first.tags[batch.CAUSE] == "NODE_FAIL" and f"exclude={NODE}" in second.tags[batch.REQUESTED]
    live.recorded(second.run_id)
    assert not live.twice_or_lost(["on-a-silent-node"])


def test_a_daemon_that_is_killed_while_it_launches_loses_no_run_and_starts_none_twice(
    live: LiveKubernetes, record_property: Callable[[str, object], None]
) -> None:
    """At random moments of its launches; at each step of one in `test_launching.py`."""
    draw = random.Random(13)
    pieces = [f"killed-{number}" for number in range(KILLS)]
    runs = []
    for piece in pieces:
        live.ready()
        live.services.daemon.deaths.clear()  # after five in a minute it would not be started again
        runs.append(live.launch(piece))
        live.wait("the launch to begin", lambda: live.run(runs[-1]).status.value != "QUEUED")
        moment = time.monotonic() + draw.uniform(0, 0.6)
        live.wait("the moment", lambda moment=moment: time.monotonic() > moment)
        live.kill("daemon")
    for run_id in runs:
        assert len(live.wait_for_last(run_id, "SUCCESS")) >= 1
    wrong = live.twice_or_lost(pieces)
    jobs = [len(live.jobs(run.run_id)) for run_id in runs for run in live.family(run_id)]
    record_property("figure", f"{KILLS} kills of the daemon while it launched: {len(wrong)} duplicates or losses, {sum(jobs)} Jobs")
    assert not wrong and max(jobs) == 1
    assert all(live.recorded(live.family(run_id)[-1].run_id)[tags.STATE] == tags.ENDED for run_id in runs)
