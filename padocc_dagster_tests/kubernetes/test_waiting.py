"""Why a pod does not start is in its run's events and tag, once, with what to do; and it is given up when only a person can help."""

from typing import Any

import pytest

from padocc_dagster.batch import tags as batch
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster_tests.kubernetes.desk import Desk


def waiting(reason: str, message: str = "as it says") -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}


def unscheduled(message: str) -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}


OBSTACLES: dict[str, tuple[dict[str, Any], str]] = {
    "ErrImagePull": (waiting("ErrImagePull"), "job_image"),
    "ImagePullBackOff": (waiting("ImagePullBackOff", 'Back-off pulling image "no:1"'), "image_pull_secrets"),
    "InvalidImageName": (waiting("InvalidImageName"), "job_image"),
    "CreateContainerConfigError": (waiting("CreateContainerConfigError", 'secret "no" not found'), "make the Secret or ConfigMap"),
    "init container": ({"initContainerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}, "job_image"),
    "Unschedulable": (unscheduled("0/3 nodes are available: 3 Insufficient memory."), "request less"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_keeps_a_pod_from_starting_is_said_once_with_what_to_do(desk: Desk, name: str) -> None:
    status, remedy = OBSTACLES[name]
    run = desk.launch()
    desk.api.add_pod(run.run_id, **status)
    assert desk.look().waiting == 1
    desk.look()
    assert desk.events_text(run).count("The pod does not start") == 1 and remedy in desk.events_text(run)
    assert desk.own(run)[tags.PENDING] != batch.NOTHING and desk.status(run) == "STARTING"


def test_words_of_kubernetes_that_alternate_for_one_cause_are_said_once(desk: Desk) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id, **waiting("ErrImagePull"))
    for reason in ("ErrImagePull", "ImagePullBackOff", "ErrImagePull"):
        desk.api.change_pod(desk.api.only_pod(), phase="Pending", **waiting(reason))
        desk.look()
    assert desk.events_text(run).count("The pod does not start") == 1


def test_a_pod_that_starts_as_usual_says_nothing(desk: Desk) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id, **waiting("ContainerCreating", ""))
    desk.look()
    assert "does not start" not in desk.events_text(run) and desk.own(run)[tags.POD] == desk.api.only_pod()


@pytest.mark.parametrize(
    ("kind", "reason", "remedy"), [("Pod", "FailedMount", "make the volume"), ("Job", "FailedCreate", "the service account")]
)
def test_what_only_the_events_know_is_said_after_a_while(desk: Desk, kind: str, reason: str, remedy: str) -> None:
    run = desk.launch()
    if kind == "Pod":
        desk.api.add_pod(run.run_id, **waiting("ContainerCreating", ""))
    desk.api.events = [{"reason": "Scheduled", "message": "fine"}, {"reason": reason, "message": "as it says"}]
    desk.look()
    assert "does not start" not in desk.events_text(run)
    desk.later(run, 20)
    desk.look()
    assert f"{reason}: as it says" in desk.events_text(run) and remedy in desk.events_text(run)


def test_where_events_must_not_be_read_a_slow_pod_is_no_fault(desk: Desk) -> None:
    from padocc_dagster_tests.kubernetes.pretended import Fault

    run = desk.launch()
    desk.api.add_pod(run.run_id, **waiting("ContainerCreating", ""))
    desk.api.faults.append(Fault("GET", "/events", 403, "events is forbidden"))
    desk.later(run, 20)
    assert not desk.look().errors


def test_the_tag_is_cleared_when_the_pod_runs(desk: Desk) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id, **OBSTACLES["Unschedulable"][0])
    desk.look()
    desk.api.change_pod(desk.api.only_pod(), phase="Running")
    desk.look()
    assert desk.own(run)[tags.PENDING] == batch.NOTHING


def test_a_pod_that_only_a_person_can_help_is_given_up_in_the_end(desk: Desk) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id, **OBSTACLES["ImagePullBackOff"][0])
    desk.later(run, 3700)
    desk.look()
    assert desk.status(run) == "FAILURE" and "did not start within" in desk.events_text(run) and "job_image" in desk.events_text(run)
    assert not desk.api.jobs and desk.now(run).tags[batch.MAX_RETRIES] == "0" and not desk.look().open


def test_a_pod_that_waits_for_room_is_never_given_up(desk: Desk) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id, **OBSTACLES["Unschedulable"][0])
    desk.later(run, 1_000_000)
    desk.look()
    assert desk.status(run) == "STARTING" and desk.api.jobs


def test_the_debug_text_says_why_the_pod_waits_and_what_to_paste(desk: Desk) -> None:
    run = desk.launch()
    desk.api.add_pod(run.run_id, **OBSTACLES["Unschedulable"][0])
    desk.look()
    said = desk.launcher.get_run_worker_debug_info(desk.now(run))
    assert "Insufficient memory" in said and "kubectl --namespace padocc describe pod" in said and "the end of a log" in said
    assert desk.launcher.get_run_worker_debug_info(desk.run()) == "The run has no Job."
