"""What each end of a pod means for its run, as the API of newer versions says it too; and that nothing is concluded from silence."""

from pathlib import Path
from typing import Any

import pytest
from dagster._core.events import DagsterEventType

from padocc_dagster.batch import tags as batch
from padocc_dagster.dagster_private import WorkerStatus
from padocc_dagster.kubernetes.pod import report as reports
from padocc_dagster.kubernetes.pod.report import Report
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster_tests.kubernetes.desk import BEGAN, Desk
from padocc_dagster_tests.kubernetes.pretended import Fault

DISRUPTED = "DisruptionTarget"


def disrupted(reason: str) -> list[dict[str, str]]:
    return [{"type": DISRUPTED, "status": "True", "reason": reason, "message": "as it says"}]


STOPPED = {"stopped": True}
SHUTDOWN = {"reason": "", "pod_reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."}
EVICTED = {"reason": "", "pod_reason": "Evicted", "message": "The node was low on resource: memory."}
COMPLETED = {"phase": "Succeeded", "reason": "Completed", "status": 0}
ENDS: dict[str, tuple[dict[str, Any], dict[str, Any] | None, str, str]] = {
    "OOMKilled": ({"reason": "OOMKilled"}, {"signal": 9}, "OUT_OF_MEMORY", "memory=4G"),
    "DeadlineExceeded": ({"pod_reason": "DeadlineExceeded"}, {"signal": 9, **STOPPED}, "TIMEOUT", "time=02:00:00"),
    "Evicted": (EVICTED, None, "NODE_FAIL", "exclude=n1"),
    "PreemptionByScheduler": ({"conditions": disrupted("PreemptionByScheduler")}, STOPPED, "PREEMPTED", "higher priority"),
    "DeletionByTaintManager": ({"conditions": disrupted("DeletionByTaintManager")}, STOPPED, "NODE_FAIL", "exclude=n1"),
    "EvictionByEvictionAPI": ({"conditions": disrupted("EvictionByEvictionAPI")}, STOPPED, "REQUEUED", "a node is drained"),
    "DeletionByPodGC": ({"conditions": disrupted("DeletionByPodGC")}, None, "NODE_FAIL", "exclude=n1"),
    "TerminationByKubelet": ({"conditions": disrupted("TerminationByKubelet")}, STOPPED, "NODE_FAIL", "exclude=n1"),
    "NodeShutdown": (SHUTDOWN, None, "NODE_FAIL", "imminent node shutdown"),
    "Error": ({"status": 137}, {"signal": 9}, "FAILED", "Signal 9 (SIGKILL) ended the worker"),
    "exit status": ({"status": 3}, {"exit_status": 3}, "FAILED", "The exit status was 3"),
    "Completed": (COMPLETED, {"exit_status": 0}, "COMPLETED", "last event is missing"),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_end_has_its_cause_and_its_run_is_retried_with_what_it_lacked(desk: Desk, name: str) -> None:
    end, report, cause, said = ENDS[name]
    run = desk.at_work({"padocc/memory": "2G"})
    desk.end(run, **end)
    if report:
        desk.report(run, **report)
    assert desk.look().ended == {run.run_id: cause}
    assert desk.status(run) == "FAILURE" and said in desk.events_text(run), desk.events_text(run)
    assert desk.own(run)[batch.CAUSE] == cause and desk.own(run)[tags.STATE] == tags.ENDED
    assert "Dagster retries it as attempt 2" in desk.events_text(run)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ({"reason": "StartError", "status": 128}, "StartError"),
        ({"reason": "ContainerCannotRun", "status": 127}, "the container ended before the worker began"),
        ({"reason": "Error", "status": 1}, "the image lacks this package"),
    ],
)
def test_a_pod_whose_worker_never_began_is_not_retried(desk: Desk, end: dict[str, Any], said: str) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id)
    desk.end(run, **end)
    desk.look()
    assert desk.own(run)[batch.CAUSE] == "LAUNCH_FAILED" and said in desk.events_text(run) and "it is not retried" in desk.events_text(run)


def test_a_pod_that_its_node_did_not_admit_is_retried_elsewhere(desk: Desk) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id)
    desk.end(run, reason="", pod_reason="OutOfmemory")
    desk.look()
    assert (
        desk.own(run)[batch.CAUSE] == "BOOT_FAIL"
        and "the node did not admit the pod" in desk.events_text(run)
        and "exclude=n1" in desk.events_text(run)
    )


def test_the_events_hold_figures_the_end_of_the_log_and_commands_to_paste(desk: Desk) -> None:
    run = desk.at_work({"padocc/memory": "2G"})
    desk.end(run, reason="OOMKilled")
    desk.report(run, signal=9, peak_memory_mib=1990)
    desk.look()
    said = desk.events_text(run)
    assert "It ran 0:00:31" in said and "1990 MiB" in said and "the end of a log" in said
    assert f"kubectl --namespace padocc describe job dagster-run-{run.run_id}" in said
    assert desk.own(run)[batch.USED] == "elapsed=00:00:31 peak=1990M"


def test_a_retry_gets_twice_the_memory_and_avoids_the_node_that_failed(desk: Desk) -> None:
    first = desk.at_work({"padocc/memory": "2G"})
    desk.end(first, reason="OOMKilled")
    desk.look()
    second = desk.at_work({"dagster/retry_number": "1"}, parent=desk.now(first))
    assert desk.spec(second)["containers"][0]["resources"]["limits"] == {"memory": "4096Mi"}
    desk.end(second, reason="", pod_reason="Evicted")
    desk.look()
    third = desk.launch({"dagster/retry_number": "2"}, parent=desk.now(second))
    terms = desk.spec(third)["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert terms[0]["preference"]["matchExpressions"] == [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["n1"]}]
    assert desk.spec(third)["containers"][0]["resources"]["limits"] == {"memory": "4096Mi"}


def test_an_end_that_the_worker_reported_itself_is_looked_up_when_the_retry_is_planned(desk: Desk) -> None:
    first = desk.at_work({"padocc/memory": "2G"})
    desk.event(first, DagsterEventType.RUN_FAILURE)
    desk.end(first, reason="OOMKilled")
    second = desk.launch({"dagster/retry_number": "1"}, parent=desk.now(first))
    assert desk.own(first)[batch.CAUSE] == "OUT_OF_MEMORY"
    assert desk.spec(second)["containers"][0]["resources"]["limits"] == {"memory": "4096Mi"}


def test_memory_that_the_largest_allocation_forbids_ends_the_retries_with_a_sentence(desk: Desk) -> None:
    small = desk.with_settings(largest_allocation={"memory": "2G"})
    run = small.at_work({"padocc/memory": "2G"})
    small.end(run, reason="OOMKilled")
    small.look()
    assert (
        "4G was cut to 2G" in desk.events_text(run)
        and "not retried" in desk.events_text(run)
        and desk.now(run).tags[batch.MAX_RETRIES] == "0"
    )


def test_a_pod_that_is_gone_is_judged_by_its_own_report(desk: Desk) -> None:
    run = desk.at_work()
    desk.report(run, stopped=True, signal=9)
    desk.api.pods.clear()
    desk.api.add_pod(run.run_id, "a-second-one", phase="Running")  # 1.20's Job controller makes one
    desk.look()
    assert desk.own(run)[batch.CAUSE] == "REQUEUED" and "The pod is gone" in desk.events_text(run)


def test_a_pod_that_claims_its_run_right_after_the_look_is_not_taken_for_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.launch()
    read = reports.read

    def claimed_just_now(path: Path) -> Report | None:
        if not desk.api.pods:
            uid = desk.api.add_pod(run.run_id, phase="Running")
            reports.claim(path, Report(uid, "n1", BEGAN))
        return read(path)

    monkeypatch.setattr(reports, "read", claimed_just_now)
    assert not desk.look().ended and desk.own(run)[tags.STATE] == tags.CREATED


def test_a_run_of_which_nothing_is_left_is_retried_after_a_while_and_not_before(desk: Desk) -> None:
    run = desk.launch()
    desk.api.jobs.clear()
    assert not desk.look().ended
    desk.later(run, 120)
    assert desk.look().ended == {run.run_id: "VANISHED"}


def test_a_pod_on_a_node_that_does_not_answer_is_given_up_after_a_minute(desk: Desk) -> None:
    run = desk.at_work()
    name = desk.api.only_pod()
    desk.api.pods[name]["metadata"]["deletionTimestamp"] = "2126-11-23T03:07:00Z"
    assert not desk.look().ended
    desk.api.pods[name]["metadata"]["deletionTimestamp"] = "2026-11-23T03:07:00Z"
    assert desk.look().ended == {run.run_id: "NODE_FAIL"}


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 500}, {"status": 0}, {"status": 200, "seconds": 1.5}])
def test_a_server_that_does_not_answer_is_no_dead_run(desk: Desk, fault: dict[str, Any]) -> None:
    run = desk.at_work()
    desk.api.jobs.clear()
    desk.api.pods.clear()
    desk.later(run, 1000)
    desk.api.faults.append(Fault("GET", "/jobs", **fault))
    assert desk.look().silence
    assert desk.launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert desk.status(run) == "STARTED" and desk.own(run)[tags.STATE] == tags.CREATED


def test_a_server_that_is_silent_after_the_first_answer_is_no_dead_run_either(desk: Desk) -> None:
    run = desk.at_work()
    desk.api.faults.append(Fault("GET", "/pods", 503))
    assert desk.look().silence and desk.status(run) == "STARTED"


def test_a_successful_run_records_what_it_used_once(desk: Desk) -> None:
    run = desk.at_work()
    desk.event(run, DagsterEventType.RUN_SUCCESS)
    assert not desk.look().ended, "its pod is about to end"
    desk.end(run, "Succeeded", "Completed", 0)
    desk.report(run, exit_status=0, peak_memory_mib=120)
    assert desk.look().ended == {run.run_id: "COMPLETED"} and not desk.look().open
    assert desk.own(run)[batch.USED] == "elapsed=00:00:31 peak=120M" and desk.status(run) == "SUCCESS"


def test_a_fault_with_one_run_keeps_no_other_from_its_end(desk: Desk) -> None:
    bad, good = desk.at_work(), desk.at_work()
    desk.launcher.settings.report(bad.run_id).unlink()
    desk.launcher.settings.report(bad.run_id).mkdir()  # no file system error that the reader expects
    desk.end(good, reason="OOMKilled")
    found = desk.look()
    assert list(found.errors) == [bad.run_id] and found.ended == {good.run_id: "OUT_OF_MEMORY"}


def test_a_terminated_run_loses_its_job_and_ends_cancelled(desk: Desk) -> None:
    run = desk.at_work()
    assert desk.launcher.terminate(run.run_id)
    assert desk.status(run) == "CANCELING" and not desk.api.jobs
    desk.look()
    assert desk.status(run) == "CANCELED" and desk.own(run)[batch.CAUSE] == "CANCELLED"
    assert not desk.launcher.terminate(run.run_id)


def test_the_cause_of_a_terminated_run_whose_pod_ended_in_order_is_that_it_was_cancelled(desk: Desk) -> None:
    run = desk.at_work()
    desk.instance.report_run_canceled(run)
    desk.end(run, **COMPLETED)
    desk.report(run, exit_status=0)
    assert desk.look().ended == {run.run_id: "CANCELLED"} and desk.own(run)[batch.CAUSE] == "CANCELLED"


def test_a_run_terminated_while_the_server_is_silent_loses_its_job_later(desk: Desk) -> None:
    run = desk.at_work()
    desk.api.faults.append(Fault("DELETE", "/jobs", 503, times=1))
    assert desk.launcher.terminate(run.run_id)
    assert "tries again" in desk.events_text(run) and desk.api.jobs
    assert desk.look().deleted == [run.run_id]
    desk.look()
    assert desk.status(run) == "CANCELED"


def test_a_run_terminated_before_its_job_was_recorded_ends_cancelled(desk: Desk) -> None:
    run = desk.launch()
    desk.instance.add_run_tags(run.run_id, {tags.STATE: tags.CREATING})
    desk.launcher.terminate(run.run_id)
    desk.look()
    assert desk.status(run) == "CANCELED" and not desk.api.jobs


def test_a_run_that_is_over_for_a_while_loses_its_job(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.at_work()
    desk.instance.report_run_canceling(run)
    desk.instance.report_run_canceled(run)  # marked as cancelled by force: the launcher is not called
    desk.look()
    assert desk.api.jobs
    monkeypatch.setattr("padocc_dagster.kubernetes.runs.reconcile.LAST_WORDS_SECONDS", 0.0)
    assert desk.look().deleted == [run.run_id] and not desk.api.jobs


def test_a_damaged_report_hides_no_end(desk: Desk) -> None:
    run = desk.at_work()
    desk.launcher.settings.report(run.run_id).write_text("damaged")
    desk.end(run, reason="OOMKilled")
    assert desk.look().ended == {run.run_id: "OUT_OF_MEMORY"}
