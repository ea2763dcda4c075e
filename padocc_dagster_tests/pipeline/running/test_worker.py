"""The worker process sees nothing of its surroundings, and what it cannot do it says."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.call import OperationFailedError, call
from padocc_dagster.pipeline.running.cpus import SETTING, cpus_for
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.pipeline.projects import Made, spec

TRAPS = {
    "SLURM_ARRAY_JOB_ID": "4711",
    "SLURM_ARRAY_TASK_ID": "3",
    "WORKDIR": "/nowhere",
    "LOTUS_CFG": "/nowhere/lotus.json",
    "AUTH_CREDENTIALS": "/nowhere/credentials.json",
    "PYTHONSTARTUP": "/nowhere/start.py",
}


def test_neither_environment_nor_folders_reach_padocc(at: Callable[[str], Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = at("initialised")
    trap = tmp_path / "trap"
    trap.mkdir()
    for folder in (trap, made.workdir.root, made.folder):
        for module in ("json", "logging", "xarray", "padocc"):
            (folder / f"{module}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\nraise SystemExit('trap')")
    for name, value in TRAPS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(trap))
    monkeypatch.chdir(trap)
    made.through("scan", "compute")
    assert not (tmp_path / "sprung").exists()
    assert made.statuses == [("init", "Success"), ("scan", "Success"), ("compute", "Success")]
    assert [row.jobid for row in made.rows] == ["", "0", "0"]


def test_no_password_and_no_setting_of_python_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TRAPS, "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "PYTHONHOME", "PYTHONWARNINGS"):
        monkeypatch.setenv(name, "x")
    assert not {*TRAPS, "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "PYTHONHOME", "PYTHONWARNINGS"} & set(clean_environment())


def test_an_exception_of_an_operation_reaches_the_caller_with_its_class_and_sentence(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    with pytest.raises(OperationFailedError, match="group 'a b' is not safe") as refused:
        phases.initialise_group(made.workdir, "a b", [spec("p", made.sources)])
    made.workdir.base_cfg(made.project).write_text("{")
    with pytest.raises(OperationFailedError, match=r"base-cfg\.json is not valid JSON") as corrupt:
        phases.verify(made.workdir, made.project)
    assert (refused.value.error_class, corrupt.value.error_class) == ("ValueError", "CorruptFileError")


def test_a_fault_outside_the_project_is_an_outcome_with_its_class(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    outcome = phases.compute(made.workdir, made.project, no_such_option=1)
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "TypeError")
    assert made.statuses[-1] == ("compute", "Failed-TypeError")


def test_a_worker_ends_by_the_signal_that_ended_a_process_that_shared_its_work() -> None:
    script = """
import signal
from padocc_dagster.pipeline.comparison.children import ChildDied
from padocc_dagster.pipeline.workers import worker
def shared():
    raise ChildDied(signal.{})
worker.operations = lambda: dict(shared=shared)
worker.main()
"""
    for name in ("SIGKILL", "SIGSEGV"):
        request = json.dumps({"operation": "shared", "arguments": {}}) + "\n"
        command = [sys.executable, "-c", script.format(name)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(), cwd="/", text=True
        ) as process:
            assert process.stdin and process.stdout
            process.stdin.write(request)
            process.stdin.flush()
            assert process.stdout.read() == ""
            assert process.wait() == -signal.Signals[name]


@pytest.mark.parametrize(
    ("requested", "setting", "expected"),
    [({"cpus": 3}, "7", 3), ({"memory_mib": 100}, "7", 1), (None, "7", 7), (None, "1", 1)],
)
def test_a_phase_uses_the_cpus_of_its_job_and_on_one_machine_those_of_the_setting(
    requested: dict[str, int] | None, setting: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, setting)
    assert cpus_for(requested) == expected


@pytest.mark.parametrize(("load", "expected"), [(0.0, 4), (1.0, 4), (2.0, 3), (4.0, 1), (30.0, 1)])
def test_without_a_setting_a_run_takes_the_idle_cpus_and_one_where_others_are_at_work(
    load: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert cpus_for(None) == expected


@pytest.mark.parametrize("text", ["many", "0", "-1", "1.5", ""])
def test_a_setting_that_is_no_number_of_cpus_is_no_end_of_a_phase(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, text)
    with pytest.raises(ValueError, match=SETTING):
        cpus_for(None)


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(OperationFailedError) as refused:
        call("no_such_operation")
    assert refused.value.error_class == "KeyError"


def test_answers_are_not_mixed_with_what_libraries_print(at: Callable[[str], Made]) -> None:
    outcome = at("initialised").run("scan")
    assert json.loads(json.dumps(outcome.as_dict()))["verdict"] == "ok"
