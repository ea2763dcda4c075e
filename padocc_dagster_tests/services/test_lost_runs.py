"""What is put in order before the daemon starts, with real instances: which runs are lost, and what is said of wrong settings."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.storage.tags import GRPC_INFO_TAG

from padocc_dagster.local.records import Records
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import Home
from padocc_dagster.services.serving import serving
from padocc_dagster.services.supervisor import Services, ServicesError


@dg.op
def work() -> None: ...


@dg.job
def a_job() -> None:
    work()


def on_slurm(**config: Any) -> dict[str, Any]:
    return {"run_launcher": {"module": "padocc_dagster.slurm", "class": "SlurmRunLauncher", "config": config}}


def home_with(folder: Path, settings: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump({"telemetry": {"enabled": False}, **settings}))
    return folder


def started(home: Path) -> str:
    """A run at work that a code server was given, or whose parent was: Dagster copies the tag to retries."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return instance.create_run_for_job(a_job, tags={GRPC_INFO_TAG: "{}"}, status=dg.DagsterRunStatus.STARTED).run_id


def status(home: Path, run_id: str) -> dg.DagsterRunStatus:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return instance.get_run_by_id(run_id).status


def put_in_order(home: Path) -> "subprocess.CompletedProcess[str]":
    """As the services start it, on a host from which no cluster can be reached."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "DAGSTER_HOME": str(home), "PYTHONPATH": path, "PATH": str(home / "empty")}
    argv = [sys.executable, "-m", "padocc_dagster.services.lost_runs", str(time.time() + 60)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, cwd=home)


def test_a_run_of_a_code_server_that_is_gone_is_reported_as_failed(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home", {})
    run_id = started(home)
    done = put_in_order(home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"1 run(s) have lost their process; Dagster retries them: {run_id}\n"
    assert status(home, run_id) is dg.DagsterRunStatus.FAILURE


LOCAL = {"run_launcher": {"module": "padocc_dagster.local", "class": "LocalRunLauncher"}}


def test_of_the_runs_on_this_machine_those_without_a_keeper_are_reported_and_forgotten(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home", LOCAL)
    kept, lost, elsewhere = started(home), started(home), started(home)
    records = Records(home)
    claim, other = records.claim(kept), records.claim(lost)
    os.close(other.file)  # as when its process ends
    done = put_in_order(home)
    assert done.stdout == f"1 run(s) have lost their process; Dagster retries them: {lost}\n", done.stderr
    assert status(home, lost) is dg.DagsterRunStatus.FAILURE and not records.has(lost)
    assert {status(home, kept), status(home, elsewhere)} == {dg.DagsterRunStatus.STARTED}
    claim.release()


def test_a_run_at_work_in_a_slurm_job_is_not_lost_though_it_has_the_tag_of_a_code_server(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home", on_slurm())
    run_id = started(home)
    done = put_in_order(home)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert status(home, run_id) is dg.DagsterRunStatus.STARTED


def test_what_keeps_runs_and_jobs_from_being_compared_is_said_and_does_not_stop_the_services(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = put_in_order(home_with(tmp_path / "home", on_slurm(log_folder=str(tmp_path / "file" / "slurm"))))
    assert done.returncode == 0, done.stderr
    (sentence,) = done.stdout.splitlines()
    assert sentence.startswith("Runs and jobs could not be compared yet") and "NotADirectoryError" in sentence


def test_each_problem_of_the_launcher_s_settings_is_said_on_a_line(tmp_path: Path) -> None:
    wrong = on_slurm(poll_interval_seconds=0, sbatch_options={"export": "ALL"})
    done = put_in_order(home_with(tmp_path / "home", wrong))
    assert done.returncode == os.EX_CONFIG and "Traceback" not in done.stdout
    assert len(done.stdout.splitlines()) == 2
    assert "export is set by the launcher" in done.stdout and "poll_interval_seconds is 0" in done.stdout


def test_settings_of_the_wrong_type_are_named(tmp_path: Path) -> None:
    done = put_in_order(home_with(tmp_path / "home", on_slurm(poll_interval_seconds="often", partitoin="x")))
    assert done.returncode == os.EX_CONFIG and "Stack Trace" not in done.stdout
    assert "root:poll_interval_seconds" in done.stdout and '"partitoin"' in done.stdout


def test_the_services_do_not_start_with_wrong_settings_and_tell_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nothing.py").write_text("import dagster\ndefs = dagster.Definitions()\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path)]))
    home = Home(Workdir(tmp_path / "w"))
    home_with(home.root, on_slurm(poll_interval_seconds=0, sbatch_options={"export": "ALL"}))
    with pytest.raises(ServicesError) as told, serving(Services(home.workdir, 0, module="nothing")):
        pass
    said = str(told.value)
    assert said.startswith(f"{home.settings} cannot be used") and "Dagster cannot open" not in said
    assert "export is set by the launcher" in said and "poll_interval_seconds is 0" in said
