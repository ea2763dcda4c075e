"""audit, withdraw and accept from the command line."""

import json
from collections.abc import Callable

import pytest

from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster_tests.commands.conftest import Command
from padocc_dagster_tests.pipeline import sources
from padocc_dagster_tests.pipeline.projects import Made
from padocc_dagster_tests.pipeline.watch.test_watch import as_padocc_publishes


@pytest.fixture
def made(at: Callable[[str], Made]) -> Made:
    made = at("validated")
    made.through("publish")
    return made


def test_all_unchanged_ends_with_0_and_one_line(made: Made, command: Command) -> None:
    for group in ((), ("grp",)):
        result = command(made.workdir, "audit", *group, why=None)
        assert (result.exit_code, result.output) == (0, "1 published product(s) with 3 source files: 1 unchanged.\n")


def test_a_change_is_named_compared_and_ends_with_1(made: Made, command: Command) -> None:
    sources.rewritten(made.sources[1], made.sources[2])
    result = command(made.workdir, "audit", why=None)
    assert result.exit_code == 1
    assert "proj_k1.0.json: differs" in result.output and "f_001.nc was changed on" in result.output
    (product,) = json.loads(command(made.workdir, "audit", "--json", why=None).output)["products"]
    assert (product["project"], product["revision"], product["result"], product["sources"]) == ("grp:proj", "k1.0", "differs", 3)
    assert [(each["change"], each["before"]["path"]) for each in product["changes"]] == [("touched", str(made.sources[1]))]


def test_thorough_reads_all_values_and_finds_a_product_that_somebody_changed(made: Made, command: Command) -> None:
    (published,) = (made.workdir.completed / "grp").glob("*/proj_k1.0.json")
    assert command(made.workdir, "audit", "--thorough", why=None).exit_code == 0
    published.write_text(published.read_text().replace("f_001.nc", "f_002.nc"))
    assert command(made.workdir, "audit", why=None).exit_code == 0, "no byte of a product is read without --thorough"
    result = command(made.workdir, "audit", "--thorough", why=None)
    assert result.exit_code == 1 and "does not hold the bytes that were published" in result.output


def test_a_product_of_plain_padocc_is_audited_and_it_is_said_since_when(made: Made, command: Command) -> None:
    as_padocc_publishes(made, "")
    append_row(made.workdir.status_log(made.project), "complete", "Success")
    result = command(made.workdir, "audit", why=None)
    assert result.exit_code == 0 and "changes can be seen since 20" in result.output
    made.sources[0].unlink()
    result = command(made.workdir, "audit", why=None)
    assert result.exit_code == 1 and "f_000.nc is missing" in result.output


def test_a_completed_project_without_a_product_here_is_named(made: Made, command: Command) -> None:
    as_padocc_publishes(made, "").unlink()
    result = command(made.workdir, "audit", why=None)
    assert result.exit_code == 0 and "grp:proj: PADOCC's status log says complete" in result.output


def test_an_unknown_group_is_refused(made: Made, command: Command) -> None:
    result = command(made.workdir, "audit", "gpr", why=None)
    assert result.exit_code == 1 and "has no group 'gpr'" in result.stderr


def test_accept_and_withdraw_are_commands(made: Made, command: Command) -> None:
    sources.same_values(made.sources[0])
    assert command(made.workdir, "audit", why=None).exit_code == 1
    assert "accepted" in command(made.workdir, "accept", "grp:proj", why="the archive moved").output
    assert command(made.workdir, "audit", why=None).exit_code == 0
    result = command(made.workdir, "withdraw", "grp:proj", "--revision", "k1.0", why="no longer needed")
    assert result.exit_code == 0 and "proj_k1.0.WITHDRAWN.txt" in result.output
    assert "0 published product(s)" in command(made.workdir, "audit", why=None).output


def test_open_prints_the_lines_that_open_the_newest_product_and_they_are_in_its_report(made: Made, command: Command) -> None:
    lines = command(made.workdir, "open", "grp:proj", why=None).output.splitlines()
    found: dict[str, object] = {}
    exec("\n".join(lines), found)
    assert list(found["dataset"].sizes) and found["dataset"].encoding["source"]
    (report,) = (made.workdir.completed / "grp").glob("*/*_report.json")
    assert json.loads(report.read_text())["open"] == lines


def test_open_of_what_is_not_published_says_where_it_stopped(at: Callable[[str], Made], made: Made, command: Command) -> None:
    result = command(at("computed").workdir, "open", "grp:proj", why=None)
    assert result.exit_code == 1 and "padocc-dagster explain grp:proj" in result.stderr
    result = command(made.workdir, "open", "grp:proj", "--revision", "k9.9", why=None)
    assert result.exit_code == 1 and "there are k1.0" in result.stderr
