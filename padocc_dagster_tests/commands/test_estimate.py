"""estimate from the command line."""

import json
from collections.abc import Callable

import pytest

from padocc_dagster_tests.commands.conftest import Command, files_of
from padocc_dagster_tests.pipeline.projects import Made


@pytest.mark.parametrize("stage", ["initialised", "validated"])
def test_a_group_is_estimated_before_and_during_its_run_and_nothing_is_written(
    stage: str, at: Callable[[str], Made], command: Command
) -> None:
    made = at(stage)
    before = files_of(made.workdir.root)
    shown = command(made.workdir, "estimate", "grp", why=None)
    assert shown.exit_code == 0 and "core-hours in at most 1 jobs" in shown.output and "Too few runs have ended" in shown.output
    found = json.loads(command(made.workdir, "estimate", "grp", "--at-once", "3", "--json", why=None).output)
    assert (found["projects"], found["jobs_left"], found["stopped"], found["unknown"]) == (1, 1, 0, 0)
    by_phase = {each["phase"]: each for each in found["phases"]}
    assert by_phase["complete"]["left"] == 1 and by_phase["compute"]["done"] == (1 if stage == "validated" else 0)
    assert (found["core_hours_used"] > 0) == (stage == "validated") and found["core_hours_left"] > 0 and found["memory_mib"] > 0
    assert files_of(made.workdir.root) == before


def test_a_group_that_is_not_there_is_named_with_those_that_are(at: Callable[[str], Made], command: Command) -> None:
    result = command(at("initialised").workdir, "estimate", "other", why=None)
    assert result.exit_code == 1 and "has no group 'other': there are grp" in result.output


def test_the_settings_say_how_many_runs_work_at_once(at: Callable[[str], Made], command: Command) -> None:
    made = at("initialised")
    settings = made.workdir.root / "dagster" / "dagster.yaml"
    settings.parent.mkdir()
    settings.write_text("concurrency: {runs: {max_concurrent_runs: 7}}\n")
    assert json.loads(command(made.workdir, "estimate", "grp", "--json", why=None).output)["at_once"] == 7
    settings.write_text("concurrency: {")
    result = command(made.workdir, "estimate", "grp", why=None)
    assert result.exit_code == 1 and "dagster.yaml: line" in result.output
