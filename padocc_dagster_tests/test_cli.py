"""The command line: what it prints, on which stream, and how it ends."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from padocc_dagster.cli import app
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import append_row

COMMANDS = ("up", "web", "check", "status", "doctor", "demo")


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"WORKDIR": None, "COLUMNS": "200", **environment}).invoke(app, list(arguments))


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    """A working directory with the group `cci`: one project scanned, one that failed, one just listed."""
    workdir = Workdir(tmp_path / "w")
    main = workdir.main_list("cci")
    main.parent.mkdir(parents=True)
    main.write_text("good\nbad\nnew")
    for code, end in (("good", "Success"), ("bad", "Failed-[red]OSError")):
        append_row(workdir.status_log(Project("cci", code)), "init", "Success")
        append_row(workdir.status_log(Project("cci", code)), "scan", end)
    return workdir


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_a_help_text(command: str) -> None:
    import typer

    parameters = typer.main.get_command(app).commands[command].params
    assert run(command, "--help").exit_code == 0
    assert all(parameter.help for parameter in parameters if parameter.name != "help")


def test_status_shows_phase_outcome_and_reason_of_each_project(workdir: Workdir) -> None:
    result = run("status", "-w", str(workdir.root))
    assert result.exit_code == 0
    lines = {line.split()[1]: line for line in result.stdout.splitlines()[1:]}
    assert lines["good"].split()[:4] == ["cci", "good", "scan", "ok"]
    assert lines["bad"].split()[:4] == ["cci", "bad", "scan", "failed"] and "Failed-[red]OSError" in lines["bad"]
    assert lines["new"].split()[:4] == ["cci", "new", "init", "new"]


def test_status_takes_the_working_directory_from_the_environment_and_prints_json(workdir: Workdir) -> None:
    result = run("status", "cci", "--json", WORKDIR=str(workdir.root))
    rows = json.loads(result.stdout)
    assert [(row["project"], row["phase"], row["outcome"]) for row in rows] == [
        ("good", "scan", "ok"),
        ("bad", "scan", "failed"),
        ("new", "init", "new"),
    ]


def test_the_option_goes_before_the_environment(workdir: Workdir, tmp_path: Path) -> None:
    assert json.loads(run("status", "--json", "-w", str(workdir.root), WORKDIR=str(tmp_path / "none")).stdout)


def test_an_unknown_group_is_named_with_those_that_are_there(workdir: Workdir) -> None:
    result = run("status", "cc", "-w", str(workdir.root))
    assert result.exit_code == 1
    assert "no group 'cc'" in result.stderr and "cci" in result.stderr


def test_a_missing_working_directory_is_a_sentence(tmp_path: Path) -> None:
    result = run("status", "-w", str(tmp_path / "none"))
    assert result.exit_code == 1 and "is not a directory" in result.stderr and result.stdout == ""


def test_a_command_without_a_working_directory_asks_for_one() -> None:
    result = run("status")
    assert result.exit_code == 2 and "--workdir" in result.stderr


def test_an_unsafe_working_directory_is_refused(tmp_path: Path) -> None:
    result = run("up", "-w", str(tmp_path / "a b;c"))
    assert result.exit_code == 1 and "must be an absolute path of letters" in result.stderr


def test_check_accepts_a_good_config_and_writes_nothing(tmp_path: Path) -> None:
    for name in ("a_1.nc", "a_2.nc", "cci.csv"):
        (tmp_path / name).write_text(f"first,{tmp_path}/a_*.nc,," if name == "cci.csv" else "x")
    before = sorted(tmp_path.iterdir())
    result = run("check", str(tmp_path / "cci.csv"))
    assert result.exit_code == 0, result.stderr
    assert "first: 2 files" in result.stdout and "group cci: 1 projects" in result.stdout
    assert sorted(tmp_path.iterdir()) == before


def test_check_prints_every_problem_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "cci.csv"
    config.write_text(f"a;b,{tmp_path}/*.nc,,\nsecond,{tmp_path}/none_*.nc,,\n")
    result = run("check", str(config))
    assert result.exit_code == 1
    assert "line 1:" in result.stderr and "line 2:" in result.stderr and "Traceback" not in result.stderr


def test_check_of_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none.csv")).exit_code == 2


def test_up_on_a_busy_port_ends_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "padocc_dagster.cli", "up", "-w", str(tmp_path), "--port", port]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 1 and done.stdout == ""
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr and "Traceback" not in done.stderr


def test_the_demo_refuses_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = run("demo", "--directory", str(tmp_path), "--no-stay")
    assert result.exit_code == 1 and "files that the demo did not make" in result.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_the_command_line_starts_without_dagster_and_the_scientific_packages() -> None:
    heavy = ["dagster", "padocc", "xarray", "numpy", "zarr", "kerchunk", "netCDF4"]
    code = f"import sys, padocc_dagster.cli; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_that_of_the_package_of_padocc_and_of_dagster() -> None:
    result = run("--version")
    assert result.exit_code == 0 and result.stdout.startswith("padocc-dagster ") and ", PADOCC 1.5.1, Dagster 1.13" in result.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(shell: str) -> None:
    name = "_PADOCC_DAGSTER_COMPLETE"
    words = {"COMP_WORDS": "padocc-dagster fault", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "padocc-dagster fault"}
    environment = {**os.environ, **words, name: f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    code = "import sys; from padocc_dagster.cli import app; app(prog_name='padocc-dagster')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "faultlist" in done.stdout, done.stderr
