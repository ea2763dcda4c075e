"""How pods end on a real cluster, and what becomes of their runs, which start together: most of the time is waiting. And the doctor."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from padocc_dagster.batch import tags as batch
from padocc_dagster.doctor.examination import examine
from padocc_dagster.doctor.line import Line, Verdict
from padocc_dagster_tests.kubernetes.live.conftest import LiveKubernetes
from padocc_dagster_tests.live.conftest import PATIENCE
from tools.kubernetes_cluster.certificates import NODE
from tools.kubernetes_cluster.instance import NAMESPACE

CONFIG = "dagster-k8s/config"
CHECKED = ("API server", "rights", "default allocation", "largest allocation", "pod", "image", "volumes", "database from a pod", "token")
WITHIN_A_MINUTE = 60.0


@dataclass
class Begun:
    """The runs of this file, by what happens to them."""

    live: LiveKubernetes
    runs: dict[str, str]

    def ended(self, piece: str, attempts: int, status: str = "SUCCESS") -> list[str]:
        """What the events of each attempt say, once the last has that status and its pod's end is recorded."""
        family = self.live.wait_for_last(self.runs[piece], status)
        assert len(family) == attempts, [(run.status, run.tags.get(batch.CAUSE)) for run in family]
        self.live.recorded(family[-1].run_id)
        return [self.live.events_text(run.run_id) for run in family]

    def causes(self, piece: str) -> list[str]:
        return [run.tags.get(batch.CAUSE, "") for run in self.live.family(self.runs[piece])]

    def requested(self, piece: str) -> list[str]:
        return [run.tags.get(batch.REQUESTED, "") for run in self.live.family(self.runs[piece])]


@pytest.fixture(scope="module")
def begun(live: LiveKubernetes) -> Begun:
    secret = {"container_config": {"env_from": [{"secret_ref": {"name": "not-there"}}]}}
    runs = {
        "late": live.launch("late", {"padocc/time": "1"}, until=str(live.gate("late"))),
        "no-image": live.launch("no-image", {CONFIG: json.dumps({"container_config": {"image": "nowhere.invalid/no:1"}})}),
        "no-secret": live.launch("no-secret", {CONFIG: json.dumps(secret)}),
        "too-large": live.launch("too-large", {"padocc/cpus": "1000"}),
        "large": live.launch("large", {"padocc/memory": "300M"}, mib=400),
        "killed": live.launch("killed", signal=9),
        "deleted": live.launch("deleted", until=str(live.gate("deleted"))),
    }
    return Begun(live, runs)


def test_a_pod_at_its_deadline_is_retried_with_twice_the_time(begun: Begun) -> None:
    """On a machine that is busy, even two minutes may be too little to start: then there is a third attempt."""
    live, run_id = begun.live, begun.runs["late"]
    live.wait("the retry", lambda: len(live.family(run_id)) >= 2)
    live.gate("late").touch()
    live.wait_for_last(run_id, "SUCCESS")
    assert begun.causes("late")[0] == "TIMEOUT"
    assert [text.split()[0] for text in begun.requested("late")][:2] == ["time=00:01:00", "time=00:02:00"]
    assert "DeadlineExceeded" in live.events_text(run_id) and "still running at its deadline" in live.events_text(run_id)


def test_a_pod_that_runs_out_of_memory_is_retried_with_twice_as_much(begun: Begun) -> None:
    first, second = begun.ended("large", 2)
    assert begun.causes("large") == ["OUT_OF_MEMORY", "COMPLETED"]
    assert [text.split("memory=")[1].split()[0] for text in begun.requested("large")] == ["300M", "600M"]
    assert "OOMKilled" in first and "more memory than its limit" in first and "memory=600M" in first
    assert "peak=" in second


def test_a_pod_whose_worker_was_killed_is_retried_as_it_was(begun: Begun) -> None:
    first, _ = begun.ended("killed", 2)
    assert begun.causes("killed") == ["FAILED", "COMPLETED"]
    assert "Signal 9 (SIGKILL) ended the worker" in first


def test_a_pod_that_is_deleted_leaves_a_cause_and_its_run_is_retried(begun: Begun) -> None:
    live = begun.live
    live.began("deleted")
    live.cluster.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{live.at_work(begun.runs['deleted'])}")
    live.began("deleted", 2)
    live.gate("deleted").touch()
    first, _ = begun.ended("deleted", 2)
    assert begun.causes("deleted") == ["REQUEUED", "COMPLETED"] and "the pod was deleted while it worked" in first


@pytest.mark.parametrize(
    ("piece", "reason", "remedy"),
    [
        ("no-image", ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"), "job_image"),
        ("no-secret", ("CreateContainerConfigError",), "make the Secret or ConfigMap"),
        ("too-large", ("Unschedulable",), "request less"),
    ],
)
def test_what_keeps_a_pod_from_starting_is_reported_within_a_minute(
    begun: Begun, piece: str, reason: tuple[str, ...], remedy: str, record_property: Callable[[str, object], None]
) -> None:
    run_id = begun.runs[piece]

    def reported() -> Any:
        logs = begun.live.instance.all_logs(run_id)
        return next((log for log in logs if "The pod does not start" in (log.message or log.user_message)), None)

    found = begun.live.wait(f"{piece} to say why its pod does not start", reported)
    said = found.message or found.user_message
    assert any(word in said for word in reason) and remedy in said
    created = next(log for log in begun.live.instance.all_logs(run_id) if "The Job dagster-run-" in (log.message or log.user_message))
    seconds = found.timestamp - created.timestamp
    record_property("figure", f"{piece}: reported {seconds:.0f} s after the Job was created")
    assert seconds < WITHIN_A_MINUTE
    assert begun.live.run(run_id).status.value == "STARTING"


def test_a_run_whose_secret_is_made_starts_without_more(begun: Begun) -> None:
    begun.live.cluster.request("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", {"metadata": {"name": "not-there"}})
    begun.ended("no-secret", 1)
    assert begun.live.own(begun.runs["no-secret"])["kubernetes/pending"] == "-"


@pytest.mark.parametrize("piece", ["no-image", "too-large"])
def test_a_run_whose_pod_never_started_can_be_given_up(begun: Begun, piece: str) -> None:
    run_id = begun.runs[piece]
    begun.live.terminate(run_id, force=True)  # Dagster refuses to end a run softly that is starting
    begun.live.wait("its Job to be deleted", lambda: not begun.live.jobs(run_id), 150)
    assert begun.live.recorded(run_id)[batch.CAUSE] == "CANCELLED"


def test_a_run_that_is_terminated_leaves_no_pod(live: LiveKubernetes) -> None:
    run_id = live.launch_and_begin("terminated")
    assert live.terminate(run_id)["__typename"] == "TerminateRunSuccess"
    live.wait_for(run_id, "CANCELED")
    live.wait("its Job to be gone", lambda: not live.jobs(run_id))
    assert live.recorded(run_id)[batch.CAUSE] == "CANCELLED"


def test_a_node_that_is_drained_gives_its_runs_back(live: LiveKubernetes) -> None:
    run_id = live.launch_and_begin("drained")
    cordon = f"/api/v1/nodes/{NODE}"
    live.cluster.request("PATCH", cordon, {"spec": {"unschedulable": True}})
    pod = live.at_work(run_id)
    eviction = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    live.cluster.request("POST", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction", eviction)
    live.wait("the retry", lambda: len(live.family(run_id)) == 2)
    live.cluster.request("PATCH", cordon, {"spec": {"unschedulable": None}})
    live.gate("drained").touch()
    first, _ = live.wait_for_last(run_id, "SUCCESS")
    assert first.tags[batch.CAUSE] == "REQUEUED"


def test_nothing_was_done_twice_and_nothing_was_lost(begun: Begun, record_property: Callable[[str, object], None]) -> None:
    pieces = ["late", "large", "killed", "deleted", "drained", "no-secret"]
    wrong = begun.live.twice_or_lost(pieces)
    record_property("figure", f"ends of pods: {len(wrong)} duplicates or losses over {len(pieces)} pieces of work")
    assert not wrong


def test_the_doctor_finds_all_of_it_well_and_leaves_nothing_behind(live: LiveKubernetes) -> None:
    lines: list[Line] = list(examine(live.services.home, True, PATIENCE))
    found = {line.subject: line for line in lines}
    assert [subject for subject in CHECKED if subject not in found or found[subject].verdict is not Verdict.OK] == [], list(map(str, lines))
    wrong = {line.subject for line in lines if line.verdict is Verdict.WRONG}
    assert wrong == {"run settings", "storage"}, "few runs at once, and SQLite serves one host only"
    jobs = live.cluster.request("GET", "/apis/batch/v1/namespaces/padocc/jobs")["items"]
    assert not [job for job in jobs if "doctor" in job["metadata"]["name"]]
    assert not list(live.services.home.workdir.root.glob(".doctor-*"))
