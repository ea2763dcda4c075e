"""What is read from answers of a real API server (`recorded.json`, of 1.20.2, abridged), and that the pretended one answers like it."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from padocc_dagster.batch import tags as batch
from padocc_dagster.batch.causes import Cause
from padocc_dagster.kubernetes.causes import judge
from padocc_dagster.kubernetes.observed import Pod, event, job, pod
from padocc_dagster.kubernetes.pod.report import Report
from padocc_dagster.kubernetes.waiting import obstacle
from padocc_dagster_tests.kubernetes.desk import BEGAN, Desk
from padocc_dagster_tests.kubernetes.pretended import Pretended

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())
WORKED = Report("uid", "localhost", BEGAN, BEGAN, signal=9)


def read(name: str) -> Pod:
    return pod(RECORDED["pods"][name])


@pytest.mark.parametrize(
    ("name", "report", "cause"),
    [
        ("OOMKilled", WORKED, Cause.OUT_OF_MEMORY),
        ("DeadlineExceeded", WORKED, Cause.TIMEOUT),
        ("Error", WORKED, Cause.FAILED),
        ("StartError", None, Cause.LAUNCH_FAILED),
        ("r1", Report("uid", "localhost", BEGAN, BEGAN, exit_status=0), Cause.COMPLETED),
    ],
)
def test_a_recorded_end_has_its_cause(name: str, report: Report | None, cause: Cause) -> None:
    found = read(name)
    assert found.is_over and found.node == "localhost" and judge(found, report) is cause
    assert found.run_id == name.lower()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ErrImagePull", "ImagePullBackOff"),
        ("InvalidImageName", "InvalidImageName"),
        ("CreateContainerConfigError", "CreateContainerConfigError"),
        ("Unschedulable", "Unschedulable"),
    ],
)
def test_a_recorded_obstacle_is_seen(name: str, reason: str) -> None:
    found = obstacle(read(name), [])
    assert found is not None and found.reason == reason and found.message


def test_a_pod_at_work_and_one_that_is_being_deleted_are_distinguished() -> None:
    assert read("Running").works and read("Running").deletion is None and not read("Running").is_over
    assert read("Deleted").works and read("Deleted").deletion is not None


def test_a_container_that_never_started_ran_for_no_time() -> None:
    assert read("StartError").elapsed_seconds is None and read("OOMKilled").elapsed_seconds == 1


def test_a_pod_at_its_deadline_is_over_only_when_its_worker_has_said_so(desk: Desk) -> None:
    """Kubernetes calls it failed while its container still has its time to end: a retry must not meet it."""
    run = desk.at_work()
    status = RECORDED["pods"]["DeadlineExceeded"]["status"]
    now = datetime.now(UTC)
    name = desk.api.only_pod()
    desk.api.pods[name]["spec"]["activeDeadlineSeconds"] = 1
    desk.api.change_pod(name, **{**status, "startTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
    assert not desk.look().ended
    desk.report(run, stopped=True, signal=9)
    assert desk.look().ended == {run.run_id: "TIMEOUT"}


def test_a_pod_long_past_its_deadline_is_over_also_without_its_word(desk: Desk) -> None:
    run = desk.at_work()
    name = desk.api.only_pod()
    desk.api.pods[name]["spec"]["activeDeadlineSeconds"] = 1
    started = datetime.fromtimestamp(time.time() - 100, UTC)
    desk.api.change_pod(name, **{**RECORDED["pods"]["DeadlineExceeded"]["status"], "startTime": f"{started:%Y-%m-%dT%H:%M:%SZ}"})
    assert desk.look().ended == {run.run_id: "TIMEOUT"} and desk.own(run)[batch.CAUSE] == "TIMEOUT"


@pytest.mark.parametrize("number", range(len(RECORDED["answers"])))
def test_the_pretended_server_answers_as_the_real_one_did(number: int) -> None:
    """The same status, and no field that the real one does not have."""
    recorded = RECORDED["answers"][number]
    api = Pretended(refused={"delete pods"})
    for earlier in RECORDED["answers"][:number]:
        if earlier["method"] == "POST" and earlier["path"].endswith("/jobs"):
            ask(api, earlier)
    api.pods["dagster-run-r1-t2bxx"] = RECORDED["pods"]["r1"]
    api.events = [{"reason": "Scheduled", "message": "…"}]
    status, answer = ask(api, recorded)
    assert status == recorded["status"]
    assert not foreign(answer, recorded["answer"])


def ask(api: Pretended, recorded: dict[str, Any]) -> tuple[int, Any]:
    path = urlsplit(recorded["path"])
    return api.answer(recorded["method"], path.path, parse_qs(path.query), recorded["body"])


def foreign(answer: Any, real: Any) -> list[str]:
    """The fields of an answer that the real one has not."""
    if isinstance(answer, dict) and isinstance(real, dict):
        own = [key for key in answer if key not in real and answer[key] not in (None, {})]
        return own + [f"{key}.{each}" for key in answer if key in real for each in foreign(answer[key], real[key])]
    if isinstance(answer, list) and isinstance(real, list):
        return [each for mine, its in zip(answer, real, strict=False) for each in foreign(mine, its)]
    return [] if isinstance(answer, type(real)) else [f"a {type(answer).__name__}"]


def test_a_failed_job_and_an_event_are_read() -> None:
    failed = {
        "metadata": {"name": "j"},
        "status": {"conditions": [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]},
    }
    assert job(failed).has_failed and job(failed).message == "BackoffLimitExceeded" and not job({"metadata": {"name": "j"}}).has_failed
    real = next(each for each in RECORDED["answers"] if "/events" in each["path"])["answer"]["items"]
    assert {event(item).reason for item in real} >= {"Scheduled", "Started"}
