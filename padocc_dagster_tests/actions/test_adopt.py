"""A working directory of plain PADOCC is taken over: nothing is changed until asked, nothing is repeated, nothing is told twice."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from padocc_dagster.actions.adopt import _add_partitions
from padocc_dagster.actions.standing import PHASE_ASSETS
from padocc_dagster.automation import automation_sensor
from padocc_dagster.cli import app
from padocc_dagster.definitions import defs
from padocc_dagster.pipeline.events import history_of
from padocc_dagster.pipeline.files import read_json, write_json, write_lines
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import append_row
from padocc_dagster.pipeline.steps.adopt import find_groups
from padocc_dagster.pipeline.steps.step import StepResult
from padocc_dagster.sensors.comparisons import comparisons
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.pipeline import plain
from padocc_dagster_tests.pipeline.projects import initialised, spec
from padocc_dagster_tests.pipeline.reads import counted_reads

STANDING = {
    "fresh": {"init"},
    "scanned": {"init", "scan"},
    "given_up": {"init", "scan"},
    "failed": {"init", "scan"},
    "computed": {"init", "scan", "compute"},
    "validated": {"init", "scan", "compute", "validate"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory that PADOCC alone made."""
    root = tmp_path_factory.mktemp("plain")
    (root / "work").mkdir()
    for number, code in enumerate(plain.FAR):
        write(root / "sources" / code, Series(lat=12, lon=12), number)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-P", str(plain.__file__), str(root / "work"), str(root / "sources")]
    subprocess.run(command, check=True, env=environment, capture_output=True, cwd="/")
    return root / "work"


@pytest.fixture
def workdir(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workdir:
    shutil.copytree(made, tmp_path / "work")
    monkeypatch.setenv("WORKDIR", str(tmp_path / "work"))
    return Workdir(tmp_path / "work")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def adopt(instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("adopt_groups").execute_in_process(
        instance=instance,
        run_config={"ops": {"adopt": {"config": {"who": "ann", "why": "a test", **config}}}},
        raise_on_error=False,
    )


def told(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    return {(event.asset_key.to_user_string(), event.partition) for event in result.get_asset_materialization_events()}


def everything() -> set[tuple[str, str]]:
    return {(PHASE_ASSETS[phase], f"plain:{code}") for code, phases in STANDING.items() for phase in phases}


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in [root, *root.rglob("*")]}


def automated(instance: dg.DagsterInstance, cursor: str | None = None) -> tuple[set[tuple[str, str]], str]:
    context = dg.build_sensor_context(instance, cursor=cursor, repository_def=defs.get_repository_def())
    found: Any = automation_sensor(context)
    asked = {(asset.to_user_string(), request.partition_key) for request in found.run_requests for asset in request.asset_selection}
    return asked, found.cursor


def test_looking_shows_every_project_and_changes_nothing(workdir: Workdir) -> None:
    before = snapshot(workdir.root)
    shown = CliRunner().invoke(app, ["adopt", "-w", str(workdir.root)])
    assert shown.exit_code == 0, shown.output
    for words in ("6 project(s)", "1 compute failed", "1 validate warned", "mine (2)", "given_up"):
        assert words in shown.output
    assert snapshot(workdir.root) == before


def test_what_stands_is_told_and_nothing_that_is_done_or_failed_is_repeated(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    result = adopt(instance)
    assert result.success
    assert told(result) == everything()
    assert set(instance.get_dynamic_partitions("projects")) == {f"plain:{code}" for code in STANDING}
    assert instance.get_dynamic_partitions("groups") == ["plain"]
    asked, cursor = automated(instance)
    assert asked == {("scan_report", "plain:fresh"), ("cloud_product", "plain:scanned")}
    assert automated(instance, cursor)[0] == set()


def test_adopting_again_tells_nothing_twice_and_goes_on_where_it_was_killed(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    assert told(adopt(instance, dry_run=True)) == set()
    assert told(adopt(instance)) == everything()
    assert told(adopt(instance)) == set()
    append_row(workdir.status_log(Project("plain", "fresh")), "scan", "Success")
    assert told(adopt(instance)) == {("scan_report", "plain:fresh")}
    assert [entry.who for entry in history_of(workdir, Project("plain", "fresh"))] == ["ann", "ann"]


def test_a_check_that_a_killed_adoption_did_not_log_is_made_up_for(
    workdir: Workdir, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from padocc_dagster.actions import standing

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(standing, "_log_checks", killed)
        assert not adopt(instance).success
    assert told(adopt(instance)) >= {("scan_report", "plain:scanned")}
    assert ("cloud_product", "plain:scanned") in automated(instance)[0]


def test_products_of_plain_padocc_are_compared_before_anything_follows(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    adopt(instance)
    requests = compared_by_sensor(instance)
    assert {request.tags["dagster/partition"] for request in requests} == {"plain:computed", "plain:validated"}
    for request in requests:
        job = defs.resolve_job_def("compare_products")
        result = job.execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)
        assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
        assert told(result) == set()
    assert compared_by_sensor(instance) == []
    asked, _ = automated(instance)
    assert ("validation_report", "plain:computed") in asked
    assert ("completed_product", "plain:validated") in asked


def compared_by_sensor(instance: dg.DagsterInstance) -> list[Any]:
    with dg.build_sensor_context(instance, repository_def=defs.get_repository_def(), resources=dict(defs.resources)) as context:
        found: Any = comparisons(context)
    return found.run_requests


def test_damaged_projects_and_unsafe_names_are_left_out_and_said(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    workdir.base_cfg(Project("plain", "scanned")).write_text("{")
    write_lines(workdir.main_list("plain"), [*STANDING, "two words", "gone"])
    (workdir.project_dir(Project("plain", "stray"))).mkdir()
    (found,) = find_groups(workdir)
    assert {project.code for project in found.left_out} == {"scanned", "two words", "gone", "stray"}
    result = adopt(instance)
    assert not result.success
    kept = {code for code in STANDING if code != "scanned"}
    assert instance.get_materialized_partitions(dg.AssetKey("project")) == {f"plain:{code}" for code in kept}
    assert "plain:two words" not in instance.get_dynamic_partitions("projects")


def test_looking_reads_what_a_group_keeps_of_its_projects_a_few_times(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path.resolve())
    initialised(workdir, "g", *(spec(f"p{number}", ["/data/x.nc"]) for number in range(64)))
    specs = read_json(workdir.specs("g"))
    write_json(workdir.specs("g"), {**specs, "p7": {"code": "p7"}})
    with counted_reads() as reads:
        (found,) = find_groups(workdir)
    assert [project.code for project in found.left_out] == ["p7"] and len(found.projects) == 63
    assert reads["g/padocc_dagster/specs.json"] < 16 and reads["g/proj_codes/main.txt"] < 10


def test_partitions_are_added_group_by_group_in_one_pass(instance: dg.DagsterInstance) -> None:
    class Passes(dict[Project, str]):
        count = 0

        def __iter__(self) -> Iterator[Project]:
            self.count += 1
            return super().__iter__()

    done = Passes({Project(f"g{number % 5}", f"p{number}"): "" for number in range(20)})
    _add_partitions(instance, StepResult(done))
    assert done.count == 1 and len(instance.get_dynamic_partitions("projects")) == 20


def test_a_group_that_is_not_there_is_refused_with_the_known_ones(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    assert not adopt(instance, groups=["plian"]).success
    assert instance.get_dynamic_partitions("projects") == []
    shown = CliRunner().invoke(app, ["adopt", "plian", "-w", str(workdir.root)])
    assert shown.exit_code == 1
    assert "did you mean 'plain'?" in shown.output


def test_a_group_with_shepards_shpignore_is_shown_and_starts_nothing(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    (workdir.group_dir("plain") / ".shpignore").touch()
    assert told(adopt(instance)) == everything()
    assert automated(instance)[0] == set()
    assert compared_by_sensor(instance) == []


def test_projects_that_padocc_has_under_way_are_said_and_left_alone(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    append_row(workdir.status_log(Project("plain", "scanned")), "compute", "Pending")
    assert find_groups(workdir)[0].pending == ("scanned",)
    adopt(instance)
    assert automated(instance)[0] == {("scan_report", "plain:fresh")}


def test_the_command_line_adopts_into_the_working_directorys_own_instance(workdir: Workdir) -> None:
    shown = CliRunner().invoke(app, ["adopt", "plain", "--go", "--why", "a test", "-w", str(workdir.root)])
    assert shown.exit_code == 0, shown.output
    assert "6 told to Dagster" in shown.output
    with dg.DagsterInstance.from_config(str(workdir.root / "dagster")) as instance:
        assert len(instance.get_dynamic_partitions("projects")) == len(STANDING)
    assert history_of(workdir, Project("plain", "fresh"))[0].why == "a test"
