"""The doctor on a real cluster with a real Postgres: all well, and each thing broken by itself."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.doctor.examination import examine
from padocc_dagster.doctor.line import Line, Verdict
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import Home
from padocc_dagster_tests.slurm.live.conftest import ROOT, environment, settings
from padocc_dagster_tests.slurm.postgres import PASSWORD, Postgres
from padocc_dagster_tests.slurm.ssh import sshd
from tools.private.process import wait_until
from tools.slurm_cluster.cluster import Cluster

SMALL = {"default_allocation": {"time": "5", "memory": "500M", "cpus": 1}, "largest_allocation": {"time": "60", "memory": "1G"}}
UNSHARED = """#!/bin/sh
exec unshare --mount -- sh -c 'mount -t tmpfs none "$0" && exec "$@"' {folder} {python} "$@"
"""
"""A Python whose processes see an empty folder of their own in place of a shared one."""


@pytest.fixture(scope="module")
def deployment(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Postgres]]:
    """A working directory and a database, and the environment of a person who uses them on the cluster."""
    home = Home(Workdir(tmp_path_factory.mktemp("doctor") / "work"))
    home.root.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="padocc-dagster-postgres-") as folder:
        Path(folder).chmod(0o755)  # pytest's own folders are closed to the user that Postgres runs as
        postgres = Postgres(Path(folder) / "postgres")
        postgres.create()
        try:
            with environment({**cluster.environment(), **postgres.environment(), "PYTHONPATH": str(ROOT)}):
                yield home, postgres
        finally:
            postgres.stop()


def look(deployment: tuple[Home, Postgres], job: bool = True, seconds: float = 60, port: int = 0, **launcher: Any) -> list[Line]:
    """Examine it with this in the launcher's config."""
    home, postgres = deployment
    home.settings.write_text(settings(home.workdir.root, port or postgres.port, **{**SMALL, **launcher}))
    return list(examine(home, job, seconds))


def wrong(lines: list[Line]) -> list[str]:
    return [str(line) for line in lines if line.verdict is Verdict.WRONG]


def not_checked(lines: list[Line]) -> list[str]:
    return [line.subject for line in lines if line.verdict is Verdict.NOT_CHECKED]


def left_behind(home: Home) -> list[Path]:
    """Files that the doctor has made and not removed."""
    return [path for path in home.workdir.root.rglob("*") if "doctor" in path.name]


def test_a_good_deployment_is_all_ok_and_nothing_is_left_of_the_examination(cluster: Cluster, deployment: tuple[Home, Postgres]) -> None:
    home, postgres = deployment
    home.settings.write_text(settings(home.workdir.root, postgres.port, **SMALL))
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["doctor", "-w", str(home.workdir.root), "--wait", "60"])
    assert result.exit_code == 0, result.output
    verdicts = [line[:12].strip() for line in result.output.splitlines()]
    assert verdicts.count("ok") == 27 and set(verdicts) == {"ok", "All is well."}, result.output
    assert cluster.node in result.output and "the kernel held the job to 500 MiB" in result.output
    assert PASSWORD not in result.output and left_behind(home) == []


def test_a_deployment_whose_commands_go_by_ssh_is_all_ok_over_one_connection(
    deployment: tuple[Home, Postgres],
) -> None:
    """Its job gets the password of the database, and sees all folders: the doctor tries that."""
    with tempfile.TemporaryDirectory() as folder, sshd(Path(folder)) as server:
        lines = look(deployment, command_prefix=list(server.prefix))
        assert not wrong(lines) and not not_checked(lines)
        assert any("called by `ssh " in str(line) for line in lines) and server.connections() == 1
    assert left_behind(deployment[0]) == []


def test_a_job_that_cannot_start_in_time_is_cancelled_and_says_why_it_waited(cluster: Cluster, deployment: tuple[Home, Postgres]) -> None:
    (problem,) = wrong(look(deployment, seconds=2, sbatch_options={"begin": "now+1hour"}))
    assert "did not start within 2 s" in problem and "nothing was checked on a node" in problem
    assert "It waited for BeginTime" in problem
    assert cluster.command("squeue", "-h", "-t", "PD,R").split() == [] and left_behind(deployment[0]) == []


def test_an_option_that_sbatch_does_not_know_is_reported_before_any_run(deployment: tuple[Home, Postgres]) -> None:
    problems = wrong(look(deployment, sbatch_options={"colour": "red"}))
    assert "unrecognized option '--colour=red'" in problems[0] and "or sbatch_options in the launcher's config" in problems[0]


def test_a_python_that_the_node_does_not_have_is_told_with_the_end_of_the_log(deployment: tuple[Home, Postgres]) -> None:
    (problem,) = wrong(look(deployment, python="/nowhere/python"))
    (log,) = deployment[0].root.rglob("*.log")
    assert "ended FAILED without an answer" in problem and "correct `python`" in problem
    assert "/nowhere/python" in problem and str(log) in problem
    assert PASSWORD not in problem and not any(PASSWORD in path.read_text() for path in log.parent.iterdir())
    shutil.rmtree(log.parent.parent)


def test_a_folder_that_is_another_one_on_the_node_is_told(deployment: tuple[Home, Postgres], tmp_path: Path) -> None:
    home, _ = deployment
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    python = tmp_path / "python"
    python.write_text(UNSHARED.format(folder=home.workdir.root, python=sys.executable))
    python.chmod(0o755)
    found = look(deployment, python=str(python), log_folder=str(tmp_path / "logs"))
    problems = [line.subject for line in found if line.verdict is Verdict.WRONG]
    # With the working directory, dagster.yaml is gone too, and with it the database.
    assert problems == ["WORKDIR on the node", "DAGSTER_HOME on the node", "database on the node"], wrong(found)


def test_what_set_up_and_environment_do_to_a_job_is_told(deployment: tuple[Home, Postgres]) -> None:
    problems = wrong(look(deployment, set_up=["umask 0077"], environment=[]))
    assert len(problems) == 2
    assert "WORKDIR is not set there: write `environment: [WORKDIR]`" in problems[0] and "the umask is 077" in problems[1]


@pytest.mark.parametrize(
    ("launcher", "subject", "words"),
    [
        ({"account": "nobodys"}, "default allocation", "Invalid account"),
        ({"qos": "fastest"}, "default allocation", "Invalid qos"),
        ({"partition": "nowhere"}, "default allocation", "invalid partition"),
        ({"largest_allocation": {"memory": "900T"}}, "largest allocation", "correct largest_allocation"),
    ],
)
def test_what_slurm_would_refuse_is_told_before(
    deployment: tuple[Home, Postgres], launcher: dict[str, Any], subject: str, words: str
) -> None:
    found = look(deployment, job=False, **launcher)
    problem = next(line for line in found if line.verdict is Verdict.WRONG and line.subject == subject)
    assert words in problem.text and not_checked(found) == ["job"]


def test_nodes_that_are_all_drained_are_told(cluster: Cluster, deployment: tuple[Home, Postgres]) -> None:
    cluster.drain()
    try:
        problems = wrong(look(deployment))
    finally:
        cluster.resume()
        wait_until("the node is up", lambda: cluster.node_state() in ("idle", "mixed"))
    assert len(problems) == 2 and all("see with `sinfo` whether such nodes are up" in problem for problem in problems)


def test_an_allocation_beyond_the_profile_is_told(deployment: tuple[Home, Postgres]) -> None:
    profile = str(ROOT / "deploy" / "jasmin-lotus2.yaml")
    found = look(deployment, profile=profile, qos="debug", partition="debug")
    assert [line.subject for line in found if line.verdict is Verdict.WRONG] == ["run launcher"]
    assert "wants every job to name its account" in wrong(found)[0] and not_checked(found) == ["allocations and job"]


def test_a_database_that_does_not_answer_keeps_the_job_from_being_tried(deployment: tuple[Home, Postgres]) -> None:
    found = look(deployment, port=1)
    (problem,) = wrong(found)
    assert problem.startswith("wrong: database: ") and "Connection refused" in problem and PASSWORD not in problem
    assert not_checked(found) == ["job"]


def test_a_wrong_password_is_told_and_not_shown(deployment: tuple[Home, Postgres], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADOCC_DAGSTER_DB_PASSWORD", "hunter2")
    (problem,) = wrong(look(deployment, job=False))
    assert "password authentication failed" in problem and "hunter2" not in problem


def test_a_controller_that_does_not_answer_is_told(cluster: Cluster, deployment: tuple[Home, Postgres]) -> None:
    cluster.stop_daemon("slurmctld")  # killed, it would forget that the node was resumed a moment ago
    try:
        found = look(deployment, command_timeout_seconds=3)
    finally:
        cluster.start_daemon("slurmctld")
    (problem,) = wrong(found)
    assert problem.startswith("wrong: SLURM controller: squeue") and "set SLURM_CONF" in problem
    assert not_checked(found) == ["allocations and job"]
