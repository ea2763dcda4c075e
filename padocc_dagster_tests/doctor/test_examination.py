"""The whole examination where no cluster is needed: one machine, and deployments that are wrong before SLURM is asked."""

import copy
import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.doctor.examination import examine
from padocc_dagster.doctor.folder import check_folder, check_log_folder
from padocc_dagster.doctor.line import Line, Verdict
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import Home, first_settings
from padocc_dagster.slurm.folders import LogFolder

SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "slurm" / "dagster.yaml").read_text())
PASSWORD = "a secret that must be seen nowhere"
DATABASE = {"HOST": "127.0.0.1", "NAME": "x", "USER": "y", "PASSWORD": PASSWORD}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A working directory with its DAGSTER_HOME, without dagster.yaml."""
    made = Home(Workdir(tmp_path / "work"))
    made.root.mkdir(parents=True)
    return made


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of a database that nobody serves."""
    for name, value in DATABASE.items():
        monkeypatch.setenv(f"PADOCC_DAGSTER_DB_{name}", value)


@pytest.fixture
def no_slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without SLURM's commands."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def shipped(**launcher: Any) -> dict[str, Any]:
    """The shipped settings for SLURM with a port that nobody listens on."""
    values = copy.deepcopy(SHIPPED)
    values["storage"]["postgres"]["postgres_db"]["port"] = 1
    values["run_launcher"]["config"] |= launcher
    return values


def look(home: Home, settings: dict[str, Any] | str | None = None) -> list[Line]:
    if settings is not None:
        home.settings.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    found = list(examine(home, with_job=True, wait_seconds=1))
    assert not any(PASSWORD in str(line) for line in found)
    return found


def wrong(lines: list[Line]) -> list[str]:
    return [str(line) for line in lines if line.verdict is Verdict.WRONG]


def test_one_machine_as_it_is_shipped_is_all_ok(home: Home) -> None:
    home.settings.write_text(first_settings(2))
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["doctor", "-w", str(home.workdir.root)])
    assert result.exit_code == 0, result.output
    assert "SLURM" not in result.output and "All is well." in result.output and "wrong" not in result.output


def test_the_environment_is_left_as_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    look(home, "")
    assert "DAGSTER_HOME" not in os.environ


def test_a_working_directory_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["doctor", "-w", str(tmp_path / "none")])
    assert result.exit_code == 1 and f"{tmp_path}/none is not there: make it" in result.output
    assert not (tmp_path / "none").exists()


def test_missing_settings_are_told(home: Home) -> None:
    assert "copy deploy/slurm/dagster.yaml there" in wrong(look(home))[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run_monitoring: {enabled: true\n", "this is not a YAML file"),
        ("nux: {enabled: true}\nnux: {enabled: false}\n", "line 2: this is not a YAML file of plain values: 'nux' is given twice"),
        ("- a\n", "it is not a mapping"),
        ("run_monitoring: {enabeld: true}\n", 'unexpected config entry "enabeld"'),
        ("run_monitoring: {enabled: maybe}\n", "Invalid scalar at path root:run_monitoring:enabled"),
        ("run_launcher: {module: nowhere, class: Launcher}\n", "import module nowhere"),
    ],
)
def test_broken_settings_are_one_sentence(home: Home, text: str, words: str) -> None:
    (problem,) = wrong(look(home, text))
    assert words in problem and "Traceback" not in problem and "Stack Trace" not in problem and "\n" not in problem


def test_every_problem_of_the_settings_is_told_at_once(home: Home) -> None:
    assert len(wrong(look(home, "run_monitoring: {enabeld: true, poll_interval_seconds: often}\n"))) == 2


def test_a_password_in_broken_settings_is_not_shown(home: Home) -> None:
    database = {"hostname": "h", "db_name": "x", "username": "y", "password": [PASSWORD]}
    problems = wrong(look(home, {"storage": {"postgres": {"postgres_db": database}}}))
    assert any("password" in problem for problem in problems)


@pytest.mark.usefixtures("no_slurm")
def test_variables_that_are_not_set_are_named_and_the_database_is_not_asked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DATABASE:
        monkeypatch.delenv(f"PADOCC_DAGSTER_DB_{name}", raising=False)
    found = look(home, shipped())
    assert "PADOCC_DAGSTER_DB_PASSWORD is not set, and storage.postgres.postgres_db.password wants it: set it" in "\n".join(wrong(found))
    assert [line.verdict for line in found if line.subject == "database"] == [Verdict.NOT_CHECKED]


@pytest.mark.usefixtures("no_slurm", "database")
def test_a_host_without_slurm_and_a_silent_database_are_told_together(home: Home) -> None:
    problems = wrong(look(home, shipped()))
    assert len(problems) == 2
    assert problems[0].startswith("wrong: database: ") and "Connection refused" in problems[0] and "\n" not in problems[0]
    assert "sbatch, squeue, sacct, scontrol, scancel not found on PATH" in problems[1]


@pytest.mark.usefixtures("no_slurm", "database")
def test_each_problem_of_the_launcher_s_config_is_a_line(home: Home) -> None:
    found = look(home, shipped(poll_interval_seconds=0, sbatch_options={"export": "ALL"}))
    told = [line.text for line in found if line.subject == "run launcher"]
    assert any("poll_interval_seconds is 0" in text for text in told) and any("export is set by the launcher" in text for text in told)


@pytest.mark.usefixtures("no_slurm", "database")
def test_wrong_run_settings_and_the_missing_scheme_are_told(home: Home) -> None:
    values = shipped()
    del values["storage"]["postgres"]["postgres_db"]["scheme"], values["run_monitoring"]
    told = "\n".join(wrong(look(home, values)))
    assert "run_monitoring.enabled is left out" in told and "start_timeout_seconds is left out, which means 180: write 2592000" in told
    assert "write `scheme: postgresql+psycopg2` in postgres_db" in told


@pytest.mark.usefixtures("no_slurm")
def test_sqlite_under_a_slurm_launcher_is_wrong(home: Home) -> None:
    values = shipped()
    del values["storage"]
    assert any("SQLite serves one host only" in problem for problem in wrong(look(home, values)))


@pytest.mark.parametrize(("path", "words"), [("/proc/self", "takes no file"), ("/proc/self/stat", "is not a folder: make it")])
def test_a_folder_that_takes_no_file_is_told(path: str, words: str) -> None:
    line = check_folder("folder", Path(path), "make it")
    assert line.verdict is Verdict.WRONG and f"{path} {words}" in line.text


def test_a_log_folder_is_made_and_names_its_instance_and_nothing_of_the_check_is_left(tmp_path: Path) -> None:
    line = check_log_folder(LogFolder(tmp_path / "slurm"))
    assert line.verdict is Verdict.OK, line
    assert [path.name for path in (tmp_path / "slurm").iterdir()] == ["instance-id"]


def test_a_log_folder_that_cannot_name_its_instance_is_told(tmp_path: Path) -> None:
    (tmp_path / "instance-id").mkdir()
    line = check_log_folder(LogFolder(tmp_path))
    assert line.verdict is Verdict.WRONG and f"{tmp_path}/instance-id cannot be made or read" in line.text


def test_a_log_folder_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)  # as a network file system without a lock service does
    monkeypatch.setattr("padocc_dagster.doctor.folder.LOCK_SECONDS", 0.1)
    line = check_log_folder(LogFolder(tmp_path))
    assert line.verdict is Verdict.WRONG and f"no file in {tmp_path} can be locked" in line.text
