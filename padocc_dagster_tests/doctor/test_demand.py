"""What the launcher needs of Dagster's settings."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from padocc_dagster.doctor.demand import demand_problems, storage_problems

DEPLOY = Path(__file__).parents[2] / "deploy"
SHIPPED = yaml.safe_load((DEPLOY / "slurm" / "dagster.yaml").read_text())


def changed(entry: str, value: Any) -> dict[str, Any]:
    """The shipped settings with one entry changed, or left out with None."""
    values = copy.deepcopy(SHIPPED)
    *above, last = entry.split(".")
    inner = values
    for key in above:
        inner = inner[key]
    inner[last] = value
    if value is None:
        del inner[last]
    return values


def test_the_shipped_settings_have_all_that_is_needed() -> None:
    assert demand_problems(SHIPPED) == [] and storage_problems(SHIPPED, for_slurm=True) == []


@pytest.mark.parametrize(
    ("entry", "value", "write"),
    [
        ("run_monitoring.enabled", False, "true"),
        ("run_monitoring.enabled", None, "true"),
        ("run_monitoring.start_timeout_seconds", 0, "2592000"),
        ("run_monitoring.start_timeout_seconds", None, "2592000"),
        ("run_monitoring.start_timeout_seconds", 3600, "2592000"),
        ("run_monitoring.max_resume_run_attempts", 3, "0"),
        ("run_monitoring.max_runtime_seconds", 3600, "0, or leave it out"),
        ("run_monitoring.cancel_timeout_seconds", 0, "600"),
        ("run_monitoring.cancel_timeout_seconds", 179, "600"),
        ("run_retries.enabled", False, "true"),
        ("run_retries.max_retries", 0, "4"),
        ("run_retries.retry_on_asset_or_op_failure", None, "false"),
        ("run_retries.retry_on_asset_or_op_failure", True, "false"),
        ("concurrency.runs.max_concurrent_runs", 10, "200"),
        ("concurrency.runs.max_concurrent_runs", None, "200"),
    ],
)
def test_a_wrong_or_missing_setting_is_named_with_the_value_to_write(entry: str, value: Any, write: str) -> None:
    (problem,) = demand_problems(changed(entry, value))
    assert problem.startswith(entry) and f"write {write}," in problem


@pytest.mark.parametrize(("grace", "poll", "least"), [(60, 60, 180), (900, 60, 1020), (60, 300, 420), (None, None, 180)])
def test_dagster_waits_for_a_cancelled_run_longer_than_the_launcher_does(grace: int | None, poll: int | None, least: int) -> None:
    seconds = {"terminate_grace_seconds": grace, "poll_interval_seconds": poll}
    config = {name: value for name, value in seconds.items() if value is not None}
    given = {"run_launcher": {"config": config}}
    assert demand_problems({**changed("run_monitoring.cancel_timeout_seconds", least), **given}) == []
    (problem,) = demand_problems({**changed("run_monitoring.cancel_timeout_seconds", least - 1), **given})
    assert f"write {max(600, least)}," in problem and f"{least} at least" in problem


@pytest.mark.parametrize("runs", [11, -1, 5000])
def test_more_than_ten_runs_at_once_or_no_limit_are_fine(runs: int) -> None:
    assert demand_problems(changed("concurrency.runs.max_concurrent_runs", runs)) == []


def test_the_number_of_runs_is_found_in_its_older_place(monkeypatch: pytest.MonkeyPatch) -> None:
    values = changed("concurrency.runs.max_concurrent_runs", None)
    monkeypatch.setenv("RUNS_AT_ONCE", "50")
    assert demand_problems({**values, "run_queue": {"max_concurrent_runs": {"env": "RUNS_AT_ONCE"}}}) == []


def test_settings_with_nothing_in_them_miss_everything_that_dagster_does_not_do_by_itself() -> None:
    assert len(demand_problems({})) == 6 and len(demand_problems({"run_monitoring": None, "run_retries": []})) == 6


@pytest.mark.parametrize("storage", [{}, {"storage": {"sqlite": {"base_dir": "/x"}}}])
def test_sqlite_is_for_one_host_only(storage: dict[str, Any]) -> None:
    (problem,) = storage_problems(storage, for_slurm=True)
    assert problem.startswith("SQLite serves one host only")
    assert storage_problems(storage, for_slurm=False) == []


def test_another_database_server_is_left_to_dagster() -> None:
    assert storage_problems({"storage": {"mysql": {"mysql_url": "x"}}}, for_slurm=True) == []


@pytest.mark.parametrize("scheme", [None, "postgresql"])
def test_the_scheme_that_sqlalchemy_takes_for_psycopg_3_is_named(scheme: str | None) -> None:
    (problem,) = storage_problems(changed("storage.postgres.postgres_db.scheme", scheme), for_slurm=False)
    assert "write `scheme: postgresql+psycopg2`" in problem


def test_the_same_is_said_of_a_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_URL", "postgresql://me:hunter2@db/x")
    (problem,) = storage_problems({"storage": {"postgres": {"postgres_url": {"env": "DB_URL"}}}}, for_slurm=True)
    assert "postgresql+psycopg2://" in problem and "hunter2" not in problem
