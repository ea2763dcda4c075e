"""What `up` reports while it serves, each thing once."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import StartFailed
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.services import news as module
from padocc_dagster.services.news import QUERY, News
from padocc_dagster_tests.pipeline.standing import INIT, standing
from padocc_dagster_tests.status.test_configs import Result, put

QUIET: dict[str, Any] = {
    "instance": {"daemonHealth": {"allDaemonStatuses": [{"daemonType": "SENSOR", "lastHeartbeatErrors": []}]}},
    "repositoriesOrError": {
        "nodes": [{"sensors": [{"name": "conductor", "sensorState": {"ticks": [{"status": "SKIPPED", "error": None}]}}]}]
    },
    "waiting": {"results": []},
    "failed": {"results": []},
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)


def news(workdir: Workdir, **changed: Any) -> News:
    return News(workdir, lambda query: {"data": {**QUIET, **changed}})


def failed(key: str, start: float | None = None) -> dict[str, Any]:
    tags = [{"key": "dagster/partition", "value": key}]
    return {"startTime": start, "updateTime": time.time() + 1, "tags": tags}


def test_the_query_is_one_that_dagster_answers() -> None:
    from dagster_graphql.schema import create_schema
    from graphql import parse, validate

    assert validate(create_schema().graphql_schema, parse(QUERY)) == []


def test_a_rejected_config_is_reported_once_and_again_when_it_is_wrong_in_another_way(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path.resolve())
    found = news(workdir)
    assert found.look() == []
    put(workdir, "g.csv", Result.REJECTED)
    (sentence,) = found.look()
    assert "g.csv was not accepted (1 problem)" in sentence and "line 1: wrong 1" in sentence
    assert found.look() == []
    put(workdir, "g.csv", Result.REJECTED, problems=2)
    assert len(found.look()) == 1


def test_a_sensor_and_a_daemon_that_fail_are_reported(tmp_path: Path) -> None:
    tick = {"status": "FAILURE", "error": {"message": "OSError: disk is full\nand more"}}
    sensors = {"nodes": [{"sensors": [{"name": "conductor", "sensorState": {"ticks": [tick]}}]}]}
    daemons = {
        "daemonHealth": {"allDaemonStatuses": [{"daemonType": "QUEUED_RUN_COORDINATOR", "lastHeartbeatErrors": [{"message": "no"}]}]}
    }
    found = news(Workdir(tmp_path.resolve()), repositoriesOrError=sensors, instance=daemons).look()
    assert any("The sensor conductor failed: OSError: disk is full." in sentence for sentence in found)
    assert any("QUEUED_RUN_COORDINATOR failed: no" in sentence for sentence in found) and len(found) == 2


def test_starts_that_fail_for_one_reason_are_reported_once_with_the_reason(tmp_path: Path) -> None:
    workdir = standing(tmp_path, {"g": {"a": INIT, "b": INIT}})
    later = datetime.now(UTC) + timedelta(minutes=1)
    for code in "ab":
        event = StartFailed(phase="scan", run="r", reason="sbatch: invalid account", count=1, retry_at=later, row=1)
        record(workdir, Project("g", code), event)
    found = news(workdir, failed={"results": [failed("g:a"), failed("g:b"), failed("g"), failed("g:a", start=1.0)]}).look()
    assert len(found) == 1 and "sbatch: invalid account" in found[0] and "padocc-dagster doctor" in found[0]


def test_a_job_that_waits_for_somebody_to_act_is_reported_once_and_one_that_waits_for_its_turn_is_not(tmp_path: Path) -> None:
    def waiting(run: str, **tags: str) -> dict[str, Any]:
        named = {"padocc/job_of": run, **{name.replace("__", "/"): value for name, value in tags.items()}}
        return {"runId": run, "tags": [{"key": key, "value": value} for key, value in named.items()]}

    held = [waiting(run, slurm__pending="AssocGrpCPUMinutesLimit") for run in "ab"]
    turn = waiting("c", slurm__pending="Priority, expected to start 2030-01-01 10:00 UTC")
    pod = waiting("d", kubernetes__pending="ErrImagePull: no such image")
    found = news(Workdir(tmp_path.resolve()), waiting={"results": [*held, turn, pod, waiting("e")]}).look()
    assert len(found) == 2 and "the time granted to the account or QoS is used up" in found[0] and "no such image" in found[1]


@pytest.mark.parametrize("answer", [ConnectionRefusedError(), {"data": None, "errors": ["busy"]}, {"data": {}}, []])
def test_a_web_server_that_does_not_answer_is_no_news_and_configs_are_reported_all_the_same(tmp_path: Path, answer: Any) -> None:
    def ask(query: str) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    workdir = Workdir(tmp_path.resolve())
    put(workdir, "g.csv", Result.REJECTED)
    assert len(News(workdir, ask).look()) == 1
