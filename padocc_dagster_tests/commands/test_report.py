"""report from the command line."""

from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster_tests.commands.conftest import Command, files_of
from padocc_dagster_tests.pipeline.board.groups import write_group


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    workdir = Workdir(tmp_path / "w")
    write_group(workdir, "grp", {"one": ("complete", "ok"), "two": ("scan", "KeyError")})
    return workdir


def test_the_board_is_written_to_the_file_named_and_nowhere_else(workdir: Workdir, command: Command, tmp_path: Path) -> None:
    before, target = files_of(workdir.root), tmp_path / "mail me.html"
    shown = command(workdir, "report", "grp", "--to", str(target), why=None)
    assert shown.exit_code == 0 and f"file://{tmp_path}/mail%20me.html" in shown.output
    assert "1 of 2 published" in target.read_text()
    assert files_of(workdir.root) == before


def test_without_a_file_the_board_lies_where_the_conductor_writes_it(workdir: Workdir, command: Command) -> None:
    assert command(workdir, "report", "grp", why=None).exit_code == 0
    assert "1 of 2 published" in workdir.board("grp").read_text()


def test_a_group_that_is_not_there_and_a_file_that_cannot_be_written_are_named(workdir: Workdir, command: Command, tmp_path: Path) -> None:
    refused = command(workdir, "report", "other", why=None)
    assert refused.exit_code == 1 and "has no group 'other': there are grp" in refused.output
    (tmp_path / "file").write_text("")
    refused = command(workdir, "report", "grp", "--to", str(tmp_path / "file" / "x.html"), why=None)
    assert refused.exit_code == 1 and "file" in refused.output
