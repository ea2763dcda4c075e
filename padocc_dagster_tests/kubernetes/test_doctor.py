"""The doctor's lines on Kubernetes, against a pretended API server."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.doctor import kubernetes
from padocc_dagster.doctor.line import Line, Verdict
from padocc_dagster.doctor.pod import MARK, Facts, main, packages
from padocc_dagster_tests.kubernetes.desk import Desk
from padocc_dagster_tests.kubernetes.pretended import Fault, Pretended


def lines(desk: Desk, workdir: Path, seconds: float | None = 2) -> dict[str, Line]:
    return {line.subject: line for line in kubernetes.examine(desk.launcher, desk.instance, workdir, seconds)}


def test_a_server_that_cannot_be_reached_ends_the_examination(desk: Desk, tmp_path: Path) -> None:
    desk.api.faults.append(Fault("GET", "/version", 0))
    found = lines(desk, tmp_path)
    assert found["API server"].verdict is Verdict.WRONG and "kubeconfig_file" in found["API server"].text
    assert found["rights, sizes and pod"].verdict is Verdict.NOT_CHECKED


def test_a_missing_right_is_named_with_the_file_that_grants_it(desk: Desk, tmp_path: Path) -> None:
    desk.api.refused = {"create jobs", "get pods/log"}
    found = lines(desk, tmp_path)
    assert "create jobs, get pods/log: apply deploy/kubernetes/rbac.yaml" in found["rights"].text
    assert found["pod"].verdict is Verdict.NOT_CHECKED


def test_sizes_that_the_server_does_not_take_are_named(desk: Desk, tmp_path: Path) -> None:
    desk.api.faults.append(Fault("POST", "/jobs", 403, "exceeded quota"))
    found = lines(desk, tmp_path)
    assert found["default allocation"].verdict is Verdict.WRONG and "exceeded quota" in found["largest allocation"].text
    assert not desk.api.jobs


def test_a_pod_that_does_not_start_in_time_says_why_and_leaves_nothing(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]}
    with_pod(monkeypatch, lambda api, name: api.add_pod(name, **waiting))
    found = lines(desk, tmp_path, 0.1)
    assert "ErrImagePull: no such image" in found["pod"].text and "job_image" in found["pod"].text
    assert not desk.api.jobs and not list(tmp_path.glob(".doctor-*"))


def test_a_pod_without_the_folders_the_packages_and_the_database_is_reported_each(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(desk.launcher.settings.report_folder)
    facts = Facts("n1", {**packages(), "padocc": None}, 10001, True, {}, {folder: "Read-only file system"}, "", "no route to host")
    desk.api.log = f"a warning\n{MARK}{json.dumps(asdict(facts))}"
    with_pod(monkeypatch, lambda api, name: api.add_pod(name, phase="Succeeded"))
    found = lines(desk, tmp_path)
    assert "padocc is missing in the image" in found["image"].text
    assert "cannot be written to by user 10001 (Read-only file system): set fs_group" in found["volumes"].text
    assert "no route to host: correct storage" in found["database from a pod"].text
    assert "automount_service_account_token: false" in found["token"].text


def test_a_pod_that_ends_without_an_answer_shows_its_log(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.api.log = "python: not found"
    ended = {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "StartError", "exitCode": 128}}}]}
    with_pod(monkeypatch, lambda api, name: api.add_pod(name, **ended))
    found = lines(desk, tmp_path)
    assert "StartError" in found["pod"].text and "python: not found" in found["pod"].text


def test_what_the_pod_prints_is_what_it_sees(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from padocc_dagster.dagster_private import reference, write_cursor
    from padocc_dagster.doctor.pod import CURSOR, facts_in, mark

    mark(tmp_path, "token").write_text("seen")
    write_cursor(desk.instance, CURSOR, "row")
    assert main(["token", reference(desk.instance), str(tmp_path), "/nowhere"]) == 0
    facts = facts_in(capsys.readouterr().out)
    assert facts.read == {str(tmp_path): "seen", "/nowhere": ""} and list(facts.unwritable) == ["/nowhere"]
    assert (facts.database, facts.database_problem, facts.has_token) == ("row", "", False)
    assert main(["token", "no reference", str(tmp_path)]) == 0
    assert facts_in(capsys.readouterr().out).database_problem


def with_pod(monkeypatch: pytest.MonkeyPatch, add: Any) -> None:
    """Give the doctor's Job a pod as soon as it is created."""
    answer = Pretended.answer

    def answered(api: Pretended, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if method == "POST" and path.endswith("/jobs") and query.get("dryRun") != ["All"]:
            add(api, body["metadata"]["name"])
        return answer(api, method, path, query, body)

    monkeypatch.setattr(Pretended, "answer", answered)
