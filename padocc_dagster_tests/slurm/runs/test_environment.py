"""What a job sees of the environment, and what its script tells of it."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

from padocc_dagster.pipeline.running.progress import LIMIT
from padocc_dagster.slurm.runs.environment import ALWAYS, job_environment, names_in_settings
from padocc_dagster_tests.slurm.desk import INSTANCE, Desk

SECRETS = {"DB_PASSWORD": "hunter2", "AWS_SECRET_ACCESS_KEY": "hunter3", "SITE_TOKEN": "hunter4", "SLURM_JOB_ID": "5", "SBATCH_QOS": "x"}


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    """An instance whose dagster.yaml takes values from the environment, here and there."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {**SECRETS, "LOGS": str(tmp_path / "compute"), "MOST": "7"}.items():
        monkeypatch.setenv(name, value)
    logs = {"module": "dagster._core.storage.local_compute_log_manager", "class": "LocalComputeLogManager"}
    config = {**INSTANCE, "compute_logs": {**logs, "config": {"base_dir": {"env": "LOGS"}}}}
    coordinator = {"module": "dagster._core.run_coordinator", "class": "QueuedRunCoordinator"}
    config |= {"run_coordinator": {**coordinator, "config": {"dequeue_num_workers": {"env": "MOST"}}}}
    (home / "dagster.yaml").write_text(yaml.safe_dump(config))
    return dg.DagsterInstance.from_config(str(home))


def test_names_in_dagster_yaml_are_found_by_themselves_and_nothing_else_is_passed_on(named: dg.DagsterInstance) -> None:
    assert names_in_settings(named) == {"LOGS", "MOST"}
    seen = job_environment(named, ["DB_PASSWORD", "NOT_SET"])
    assert (seen["DB_PASSWORD"], seen["MOST"]) == ("hunter2", "7")
    assert set(seen) <= {*ALWAYS, "LOGS", "MOST", "DB_PASSWORD", "DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY"}
    assert seen["DAGSTER_HOME"] == named.root_directory


def test_a_job_gets_the_limit_for_workers_without_progress() -> None:
    assert LIMIT in ALWAYS


def test_no_value_of_the_environment_stands_in_a_script_a_tag_or_an_event(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    desk = desk.with_settings(environment=["DB_PASSWORD"])
    run = desk.run()
    desk.submit(run)
    written = [path.read_text() for path in desk.settings.log_folder.root.rglob("*") if path.is_file()]
    written += [str(desk.now(run).tags), desk.events_text(run), str(desk.slurm.calls("sbatch")[0]["argv"])]
    assert len(written) > 4 and not [text for text in written if "hunter" in text]
    seen = desk.slurm.calls("sbatch")[0]["environment"]
    assert seen["DB_PASSWORD"] == "hunter2"
    assert not {"AWS_SECRET_ACCESS_KEY", "SITE_TOKEN", "SLURM_JOB_ID", "SBATCH_QOS"} & set(seen)
