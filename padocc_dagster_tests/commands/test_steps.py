"""Steps from the command line: done, told, recorded in the project's history and in Dagster's, and followed by one backfill."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.events import Faultlisted, history_of
from padocc_dagster.pipeline.groups import faultlist
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.services.home import Home
from padocc_dagster_tests.commands.conftest import Command, files_of, instance_of
from padocc_dagster_tests.pipeline.projects import Made
from padocc_dagster_tests.pipeline.standing import COMPUTED, SCANNED, standing


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    made = standing(tmp_path, {"a": {"one": SCANNED, "two": SCANNED, "three": COMPUTED}})
    Home(made).prepare()
    with instance_of(made) as instance:
        add_projects(instance, "a", ["one", "two", "three"])
    return made


def test_a_step_is_told_and_kept_with_who_and_why_in_both_histories(workdir: Workdir, command: Command) -> None:
    result = command(workdir, "faultlist", "add", "a:one", why="grid is broken")
    assert result.exit_code == 0 and "a:one: on the faultlist: grid is broken (ada;" in result.output
    assert list(faultlist(workdir, "a")) == ["one"]
    (step,) = history_of(workdir, Project("a", "one"))
    assert (step.who, step.why) == ("ada", "grid is broken") and isinstance(step, Faultlisted)
    with instance_of(workdir) as instance:
        (observed,) = instance.fetch_observations(dg.AssetKey("project"), limit=10).records
        assert observed.asset_observation.partition == "a:one" and "ada" in observed.asset_observation.description
    assert "a:one: grid is broken" in command(workdir, "faultlist", "list", why=None).output


def test_many_projects_are_computed_again_by_one_backfill_with_its_options(workdir: Workdir, command: Command) -> None:
    asked = ("recompute", "a:*", "--cloud-format", "zarr", "--new-version", "--memory", "16G", "--time", "02:00:00")
    result = command(workdir, *asked)
    assert result.exit_code == 0 and "3 project(s): backfill" in result.output, result.output
    with instance_of(workdir) as instance:
        (backfill,) = instance.get_backfills()
    assert (backfill.tags["padocc/memory"], backfill.tags["padocc/time"]) == ("16G", "02:00:00")
    assert backfill.run_config == {"ops": {"cloud_product": {"config": {"cloud_format": "zarr", "new_version": True, "thorough": False}}}}
    assert sorted(backfill.asset_backfill_data.target_subset.get_partitions_subset(dg.AssetKey("cloud_product")).get_partition_keys()) == [
        "a:one",
        "a:three",
        "a:two",
    ]


def test_what_cannot_start_is_told_and_the_others_are_done(workdir: Workdir, command: Command) -> None:
    command(workdir, "faultlist", "add", "a:two")
    result = command(workdir, "revalidate", "a:*")
    assert result.exit_code == 1
    assert "a:three: validate again" in result.output
    assert "a:one: compute has not been run" in result.stderr and "a:two: on the faultlist" in result.stderr
    with instance_of(workdir) as instance:
        assert len(instance.get_backfills()) == 1


@pytest.mark.parametrize("words", [("faultlist", "add"), ("rescan",), ("recompute", "--aggregator", "K"), ("faultlist", "remove")])
def test_a_dry_run_changes_nothing(workdir: Workdir, command: Command, words: tuple[str, ...]) -> None:
    before = files_of(workdir.root)
    result = command(workdir, *words, "a:one", "--dry-run")
    assert result.exit_code == 0 and "a:one: " in result.output and "nothing was changed" in result.output
    assert files_of(workdir.root) == before
    with instance_of(workdir) as instance:
        assert not instance.get_backfills()


def test_a_tick_makes_the_check_pass_and_untick_closes_it(at: Callable[[str], Made], command: Command) -> None:
    made = at("validated")
    append_row(made.workdir.status_log(made.project), "validate", "(K)Fatal-data_errors")
    Home(made.workdir).prepare()
    with instance_of(made.workdir) as instance:
        add_projects(instance, made.project.group, [made.project.code])
    key = str(made.project)
    assert "Fatal-data_errors is accepted" in command(made.workdir, "tick", key, why="looked at by eye").output
    checks = dg.AssetCheckKey(dg.AssetKey("validation_report"), "validation_passed")
    with instance_of(made.workdir) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("validation_report")) == {key}
        (latest,) = instance.event_log_storage.get_asset_check_execution_history(checks, limit=1)
        evaluation = latest.event.dagster_event.asset_check_evaluation_data
        assert evaluation.passed and evaluation.partition == key and "ticked by ada" in evaluation.description
    assert command(made.workdir, "untick", key).exit_code == 0
    with instance_of(made.workdir) as instance:
        (latest,) = instance.event_log_storage.get_asset_check_execution_history(checks, limit=1)
        assert not latest.event.dagster_event.asset_check_evaluation_data.passed
