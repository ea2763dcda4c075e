"""The graph as reviewers should see it: a change of it is a change here."""

import warnings
from typing import Any

import dagster as dg
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from padocc_dagster.definitions import defs

GRAPH = {
    "project": [],
    "scan_report": ["project"],
    "cloud_product": ["scan_report"],
    "validation_report": ["cloud_product"],
    "completed_product": ["validation_report"],
    "scan_success": ["scan_report"],
    "compute_success": ["cloud_product"],
    "validate_success": ["validation_report"],
    "group_overview": ["compute_success", "scan_success", "validate_success"],
}
CHECKS = {
    "scan_report": ["scan_succeeded"],
    "cloud_product": ["product_matches_source"],
    "validation_report": ["validation_passed"],
}
WATCHED = {"completed_product": ["sources_unchanged"]}
BY_PROJECT = ("project", "scan_report", "cloud_product", "validation_report", "completed_product")


@pytest.fixture(scope="module")
def graph() -> Any:
    return defs.resolve_asset_graph()


def test_the_graph_is_the_one_on_this_page(graph: Any) -> None:
    found = {key.to_user_string(): sorted(p.to_user_string() for p in graph.get(key).parent_keys) for key in graph.get_all_asset_keys()}
    assert found == GRAPH


def test_every_gate_is_a_blocking_check_and_every_check_has_a_result_for_each_project(graph: Any) -> None:
    blocking: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for key in graph.asset_check_keys:
        node = graph.get(key)
        assert node.partitions_def.name == "projects"
        (blocking if node.blocking else others).setdefault(key.asset_key.to_user_string(), []).append(key.name)
    assert (blocking, others) == (CHECKS, WATCHED)


@pytest.mark.parametrize("name", GRAPH)
def test_every_asset_says_what_it_is_and_whose(graph: Any, name: str) -> None:
    node = graph.get(dg.AssetKey(name))
    assert len(node.description) > 80
    assert node.owners
    assert node.kinds
    assert node.group_name == "padocc"
    assert node.partitions_def.name == ("projects" if name in BY_PROJECT else "groups")


@pytest.mark.parametrize("name", BY_PROJECT[1:])
def test_every_phase_starts_by_itself(graph: Any, name: str) -> None:
    assert graph.get(dg.AssetKey(name)).automation_condition.label == "upstream is ready"


def test_everything_that_watches_is_on_by_default() -> None:
    repository = defs.get_repository_def()
    names = {"comparisons", "inbox", "membership", "missed_repeats", "outside", "phases", "rules", "slurm_jobs"}
    assert {sensor.name for sensor in repository.sensor_defs} == names
    assert {sensor.default_status for sensor in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}


def test_catalogues_are_asked_every_night_only_where_somebody_wants_it() -> None:
    assert _schedules()["daily_selections"] is dg.DefaultScheduleStatus.STOPPED


def test_published_products_are_watched_every_hour() -> None:
    assert _schedules() == {"daily_selections": dg.DefaultScheduleStatus.STOPPED, "hourly_watch": dg.DefaultScheduleStatus.RUNNING}


def _schedules() -> dict[str, dg.DefaultScheduleStatus]:
    return {schedule.name: schedule.default_status for schedule in defs.get_repository_def().schedule_defs}
