"""A working directory of plain PADOCC is taken over: nothing is changed before, nothing is repeated, nothing is reported twice."""

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

from padocc_dagster.actions import adopt as adopting
from padocc_dagster.actions.adopt import ADOPT
from padocc_dagster.cli import app
from padocc_dagster.conductor.known import unchecked
from padocc_dagster.definitions import defs
from padocc_dagster.partitions import PHASE_ASSETS
from padocc_dagster.pipeline.running.standings import read_standing
from padocc_dagster.pipeline.steps.adopt import find_groups
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.events import Adopted
from padocc_dagster.pipeline.workdir.files import write_json, write_lines
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.pipeline.workdir.step import StepResult
from padocc_dagster.runs import DUE
from padocc_dagster_tests.actions.results import killed_at, refusal, take
from padocc_dagster_tests.conductor.conducted import looking_at
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


def adopt(workdir: Workdir, **config: Any) -> StepResult:
    return take(workdir, ADOPT, **config)


def reported(instance: dg.DagsterInstance, workdir: Workdir) -> set[tuple[str, str | None]]:
    """What one run reports of all projects of the group, and Dagster then knows."""
    keys = [f"plain:{code}" for code in project_codes(workdir, "plain")]
    run_config = {"ops": {"report_files": {"config": {"projects": keys}}}}
    result = defs.resolve_job_def("report_from_files").execute_in_process(instance=instance, run_config=run_config)
    return {(event.asset_key.to_user_string(), event.partition) for event in result.get_asset_materialization_events() if event.asset_key}


def everything() -> set[tuple[str, str | None]]:
    return {(PHASE_ASSETS[phase], f"plain:{code}") for code, phases in STANDING.items() for phase in phases}


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in [root, *root.rglob("*")]}


def due(instance: dg.DagsterInstance, workdir: Workdir) -> set[tuple[str, str]]:
    """The job and the project of each run that the conductor requests at its first look, and what it begins with."""
    requests = [request for request in looking_at(workdir, instance).tick() if DUE in request.tags]
    return {tuple(request.tags[DUE].split("/")[:2]) for request in requests}


def test_looking_shows_every_project_and_changes_nothing(workdir: Workdir) -> None:
    before = snapshot(workdir.root)
    shown = CliRunner().invoke(app, ["adopt", "-w", str(workdir.root)])
    assert shown.exit_code == 0, shown.output
    for words in ("6 project(s)", "1 compute failed", "1 validate warned", "mine (2)", "given_up"):
        assert words in shown.output
    assert snapshot(workdir.root) == before


def test_a_group_that_nobody_adopted_is_left_alone(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    assert due(instance, workdir) == set()
    assert instance.get_dynamic_partitions("projects") == []


def test_what_is_done_is_reported_and_nothing_that_is_done_or_failed_is_repeated(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    result = adopt(workdir)
    assert {str(project) for project in result.done} == {f"plain:{code}" for code in STANDING}
    assert due(instance, workdir) == {
        ("plain:fresh", "scan"),
        ("plain:scanned", "compute"),
        ("plain:computed", "compare"),
        ("plain:validated", "compare"),
    }
    assert set(instance.get_dynamic_partitions("projects")) == {f"plain:{code}" for code in STANDING}
    assert instance.get_dynamic_partitions("groups") == ["plain"]
    assert reported(instance, workdir) == everything()
    assert reported(instance, workdir) == set()


def test_adopting_again_records_nothing_twice(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    before = snapshot(workdir.root)
    adopt(workdir, dry_run=True)
    assert {path: found for path, found in snapshot(workdir.root).items() if "lock" not in path} == before
    adopt(workdir)
    adopt(workdir)
    (step,) = history_of(workdir, Project("plain", "fresh"))
    assert isinstance(step, Adopted) and (step.who, step.state) == ("Ann", "init ok")


def test_a_group_whose_adoption_was_killed_is_adopted_when_that_is_repeated(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(monkeypatch, adopting, "manage", lambda: adopt(workdir))
    assert not is_managed(workdir, "plain")
    adopt(workdir)
    assert is_managed(workdir, "plain")


def test_products_of_plain_padocc_are_compared_before_anything_follows(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    adopt(workdir)
    reported(instance, workdir)
    requests = [request for request in looking_at(workdir, instance).tick() if request.job_name == "compare_products"]
    assert {request.tags["dagster/partition"] for request in requests} == {"plain:computed", "plain:validated"}
    for request in requests:
        job = defs.resolve_job_def("compare_products")
        result = job.execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)
        assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
        project = Project.parse(request.tags["dagster/partition"])
        assert unchecked(instance, {project: read_standing(workdir, project)}) == {}
    found = due(instance, workdir)
    assert ("plain:computed", "validate") in found and ("plain:validated", "complete") in found


def test_damaged_projects_and_unsafe_names_are_left_out_and_said(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    workdir.base_cfg(Project("plain", "scanned")).write_text("{")
    write_lines(workdir.main_list("plain"), [*STANDING, "two words", "gone"])
    (workdir.project_dir(Project("plain", "stray"))).mkdir()
    (found,) = find_groups(workdir)
    assert {project.code for project in found.left_out} == {"scanned", "two words", "gone", "stray"}
    result = adopt(workdir)
    assert {project.code for project in result.not_done} == {"scanned", "two words", "gone", "stray"}
    assert {project.code for project in result.done} == {code for code in STANDING if code != "scanned"}
    due(instance, workdir)
    assert "plain:two words" not in instance.get_dynamic_partitions("projects")


def test_looking_reads_what_a_group_keeps_of_its_projects_a_few_times(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path.resolve())
    initialised(workdir, "g", *(spec(f"p{number}", ["/data/x.nc"]) for number in range(64)))
    write_json(workdir.spec(Project("g", "p7")), {"code": "p7"})
    with counted_reads() as reads:
        (found,) = find_groups(workdir)
    assert [project.code for project in found.left_out] == ["p7"] and len(found.projects) == 63
    assert reads["g/proj_codes/main.txt"] < 10 and reads["p9/padocc_dagster/spec.json"] < 10


def test_a_group_that_is_not_there_is_refused_with_the_known_ones(workdir: Workdir) -> None:
    assert "did you mean 'plain'?" in refusal(workdir, ADOPT, groups=["plian"])
    shown = CliRunner().invoke(app, ["adopt", "plian", "-w", str(workdir.root)])
    assert shown.exit_code == 1
    assert "did you mean 'plain'?" in shown.output


def test_a_group_with_shepards_shpignore_is_shown_and_starts_nothing(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    (workdir.group_dir("plain") / ".shpignore").touch()
    adopt(workdir)
    assert due(instance, workdir) == set()
    assert reported(instance, workdir) == everything()


def test_projects_that_padocc_has_under_way_are_said_and_left_alone(workdir: Workdir, instance: dg.DagsterInstance) -> None:
    append_row(workdir.status_log(Project("plain", "scanned")), "compute", "Pending")
    assert find_groups(workdir)[0].pending == ("scanned",)
    adopt(workdir)
    assert due(instance, workdir) == {("plain:fresh", "scan"), ("plain:computed", "compare"), ("plain:validated", "compare")}


def test_the_command_line_adopts_and_makes_no_instance(workdir: Workdir) -> None:
    shown = CliRunner().invoke(app, ["adopt", "plain", "--go", "--why", "a test", "-w", str(workdir.root)])
    assert shown.exit_code == 0, shown.output
    assert "plain:validated: validate warned" in shown.output
    assert f"6 project(s). Nothing follows until an instance serves {workdir.root}" in shown.output
    assert is_managed(workdir, "plain") and not (workdir.root / "dagster").exists()
    assert history_of(workdir, Project("plain", "fresh"))[0].why == "a test"
