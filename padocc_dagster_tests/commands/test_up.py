"""The options of `up`."""

from pathlib import Path

import pytest
import typer
from filelock import FileLock
from typer.testing import CliRunner

from padocc_dagster.cli import app
from padocc_dagster.commands.up import seconds_of
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.home import Home


@pytest.mark.parametrize(("text", "seconds"), [("50m", 3000), ("2h", 7200), ("600", 600), ("90s", 90), ("1d", 86400)])
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0m", "-5m", "1.5h", "50 m", "50min", "1h30m", "00:50:00", "٣m", "forever"])
def test_what_is_no_duration_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"is not a duration: write whole seconds \(600\)"):
        seconds_of(text)


@pytest.mark.parametrize("options", [["--for", "5m"], ["--until-idle", "--no-web"]])
def test_beside_another_up_one_that_cron_starts_ends_well_with_one_sentence(tmp_path: Path, options: list[str]) -> None:
    home = Home(Workdir(tmp_path))
    home.root.mkdir()
    home.write_address(None)
    with FileLock(home.lock):
        result = CliRunner().invoke(app, ["up", "-w", str(tmp_path), *options])
        assert result.exit_code == 0 and result.stderr == ""
        assert result.stdout.count("\n") == 1 and f"{tmp_path} is served already (process " in result.stdout
        assert CliRunner().invoke(app, ["up", "-w", str(tmp_path)]).exit_code == 1


@pytest.mark.parametrize("option", [["--port", "4000"], ["--host", "0.0.0.0"], ["--read-only"]])
def test_options_of_a_page_that_is_not_shown_are_refused(tmp_path: Path, option: list[str]) -> None:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["up", "-w", str(tmp_path), "--no-web", *option])
    assert result.exit_code == 2 and "--no-web shows no page: leave out --port, --host and --read-only" in result.stderr


def test_web_of_a_folder_that_was_never_served_and_a_page_for_everybody_are_refused(tmp_path: Path) -> None:
    never = CliRunner().invoke(app, ["web", "-w", str(tmp_path)])
    assert never.exit_code == 1 and f"{tmp_path} was never served: start `padocc-dagster up -w {tmp_path}` first" in never.stderr
    wide = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["web", "-w", str(tmp_path), "--host", "0.0.0.0"])
    assert wide.exit_code == 2 and "--host is for --read-only" in wide.stderr
