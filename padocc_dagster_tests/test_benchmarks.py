"""The benchmarks' own parts: rows copied for many projects are such as Dagster reads, and the table says what was measured."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest
from dagster._core.events import StepMaterializationData
from sqlalchemy import create_engine

from benchmarks.control_plane import hold
from benchmarks.history import History
from benchmarks.table import table
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.services.home import first_settings

ASSET = dg.AssetKey("cloud_product")
KEYS = [f"g:p{number}" for number in range(3)]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text(first_settings(2))
    with mock.patch.dict(os.environ, DAGSTER_HOME=str(tmp_path)), dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


@pytest.fixture
def history(tmp_path: Path, instance: dg.DagsterInstance) -> History:
    return History(*(create_engine(f"sqlite:///{tmp_path / name}") for name in ("event_log.db", "history/runs.db")))


def test_a_copied_report_is_a_materialization_of_each_project(instance: dg.DagsterInstance, history: History) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, partition=KEYS[0]))
    history.copy_report(KEYS[0], KEYS[1:])
    assert instance.get_materialized_partitions(ASSET) == set(KEYS)


def test_a_copied_run_is_found_by_its_project_and_has_its_own_events(instance: dg.DagsterInstance, history: History) -> None:
    @dg.job
    def nothing() -> None:
        pass

    run = instance.create_run_for_job(nothing, tags={"dagster/partition": KEYS[0]})
    made = StepMaterializationData(dg.AssetMaterialization(ASSET, partition=KEYS[0]), [])
    event = dg.DagsterEvent(dg.DagsterEventType.ASSET_MATERIALIZATION.value, "nothing", event_specific_data=made)
    instance.report_dagster_event(event, run.run_id)
    history.copy_run(run.run_id, KEYS[0], KEYS[1:])
    for key in KEYS:
        (found,) = instance.get_runs(dg.RunsFilter(tags={"dagster/partition": key}))
        (logged,) = instance.get_records_for_run(found.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        assert logged.partition_key == key and logged.run_id == found.run_id


def test_projects_that_are_held_are_due_and_not_operable(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    keys = hold(workdir, 3)
    standings = Standings(workdir)
    standings.look()
    projects = [Project.parse(key) for key in keys]
    assert [standings.projects[project].due is not None for project in projects] == [True] * 3
    assert not any(map(standings.is_operable, projects))


def test_the_table_gives_medians_and_what_is_over_the_floor() -> None:
    floor = {"projects": 4, "wall": 8.0, "cpu_per_project": 2.0, "peak_mib": 200.0}
    local = [{**floor, "cpu_per_project": cpu, "wall": 12.0} for cpu in (3.0, 9.0, 3.5)]
    lines = table({"local": local, "floor": [floor]}).splitlines()
    assert lines[2].startswith("| floor | 4 | 2.0 | 2.0 | 0.0 | 200 |")
    assert lines[3].startswith("| local | 4 | 3.0 | 3.5 | 1.5 | 200 |")
