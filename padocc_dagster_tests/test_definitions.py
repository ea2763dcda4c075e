"""The graph as reviewers should see it: a change of it is a change here."""

import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from padocc_dagster.actions.jobs import STEPS, op_of
    from padocc_dagster.actions.redo import RESCAN
    from padocc_dagster.actions.step import ManualStep
    from padocc_dagster.definitions import defs
    from padocc_dagster.pipeline.workdir.layout import Workdir
    from padocc_dagster.pipeline.workdir.step import StepRefused

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
    assert (node.group_name, node.partitions_def.name) == (
        ("pipeline", "projects") if name in BY_PROJECT else ("subsets_and_overview", "groups")
    )


def test_nothing_but_the_conductor_starts_a_phase(graph: Any) -> None:
    assert not any(graph.get(key).automation_condition for key in graph.get_all_asset_keys())


def test_everything_that_watches_is_on_by_default() -> None:
    repository = defs.get_repository_def()
    on, off = dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED
    assert {sensor.name: sensor.default_status for sensor in repository.sensor_defs} == {"conductor": on, "notices": off}


def test_a_run_of_the_conductors_has_all_phases() -> None:
    job = defs.resolve_job_def("advance_project")
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == set(BY_PROJECT[1:])


def test_every_job_says_what_it_does() -> None:
    jobs = [job for job in defs.get_repository_def().get_all_jobs() if not job.name.startswith("__")]
    names = {"advance_project", "compare_products", "finish_interrupted_steps", "initialise_group", "refresh_group"}
    assert {job.name for job in jobs} == {step.job for step in STEPS} | names | {"purge_runs", "report_from_files", "watch_published"}
    assert all(len(job.description or "") > 30 for job in jobs)


def test_jobs_that_only_the_conductor_needs_say_so() -> None:
    repository = defs.get_repository_def()
    internal = {job.name for job in repository.get_all_jobs() if (job.description or "").startswith("Internal: ")}
    assert internal == {"advance_project", "compare_products", "finish_interrupted_steps", "refresh_group", "report_from_files"}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.job)
def test_the_launchpad_opens_with_a_config_that_is_valid_and_changes_nothing(step: ManualStep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKDIR", "/nowhere")
    job = defs.get_repository_def().get_job(step.job)
    assert job.run_config == {"ops": {op_of(step): {"config": step.example}}}
    assert dg.validate_run_config(job, job.run_config)
    config = step.config.model_validate(step.example)
    assert config.dry_run and not any(field.is_required() for name, field in step.config.model_fields.items() if name not in step.example)


def test_words_of_the_example_are_refused_where_a_name_and_a_reason_are_kept() -> None:
    config = RESCAN.config.model_validate({**RESCAN.example, "dry_run": False})
    with pytest.raises(StepRefused, match="who is 'YOUR NAME' still"):
        RESCAN.take(Workdir(Path("/nowhere")), config)


def test_catalogues_are_searched_every_night_only_where_somebody_wants_it() -> None:
    assert _schedules()["daily_selections"] is dg.DefaultScheduleStatus.STOPPED


def test_published_products_are_watched_every_hour() -> None:
    on, off = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
    assert _schedules() == {"daily_selections": off, "hourly_watch": on, "nightly_purge": off}


def _schedules() -> dict[str, dg.DefaultScheduleStatus]:
    return {schedule.name: schedule.default_status for schedule in defs.get_repository_def().schedule_defs}
