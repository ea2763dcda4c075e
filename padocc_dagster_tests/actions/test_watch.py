"""The watch in Dagster: red within a round, with remedies, stored once, green again when somebody has decided."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions.jobs import op_of
from padocc_dagster.actions.published import ACCEPT, WITHDRAW
from padocc_dagster.actions.step import ManualStep
from padocc_dagster.actions.watch import ASSET, CHECK, hourly_watch
from padocc_dagster.definitions import defs
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.steps.explained import explained
from padocc_dagster.pipeline.watch.rounds import reported, watch_project
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster_tests.actions.results import failure, output, table
from padocc_dagster_tests.pipeline import sources
from padocc_dagster_tests.pipeline.conftest import at, stages  # noqa: F401 (fixtures)
from padocc_dagster_tests.pipeline.projects import Made

KEY = dg.AssetCheckKey(ASSET, CHECK)
Results = list[dg.AssetCheckEvaluation]


class Watch:
    """A published project in an instance."""

    def __init__(self, made: Made, instance: dg.DagsterInstance) -> None:
        self.made, self.instance = made, instance
        add_projects(instance, "grp", ["proj"])

    def run(self, job: str, op: str, **config: Any) -> dg.ExecuteInProcessResult:
        run_config = {"ops": {op: {"config": config}}}
        return defs.resolve_job_def(job).execute_in_process(instance=self.instance, run_config=run_config, raise_on_error=False)

    def round(self, **config: Any) -> Results:
        """Look at everything. Returns the results that were stored."""
        result = self.run("watch_published", "look_at_sources", **{"everything": True, **config})
        assert result.success
        return [event.asset_check_evaluation_data for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]

    def step(self, step: ManualStep, **config: Any) -> dg.ExecuteInProcessResult:
        """Take the step, then report what the files say, as the conductor has it done."""
        key = str(self.made.project)
        result = self.run(step.job, op_of(step), **{"projects": [key], "who": "ada", "why": "the archive moved", **config})
        assert self.run("report_from_files", "report_files", projects=[key]).success
        return result

    def latest(self) -> dg.AssetCheckEvaluation:
        (record,) = self.instance.event_log_storage.get_asset_check_execution_history(KEY, limit=1)
        return record.event.dagster_event.asset_check_evaluation_data

    def scheduled(self, when: datetime.datetime) -> list[dg.RunRequest]:
        """What a tick of the schedule asks for, evaluated as the daemon does."""
        given: dict[str, Any] = {"repository_def": defs.get_repository_def(), "resources": dict(defs.resources)}
        with dg.build_schedule_context(self.instance, scheduled_execution_time=when, **given) as context:
            ticked: Any = hourly_watch.evaluate_tick(context)
        assert ticked.run_requests or "looked at within a day" in ticked.skip_message
        return ticked.run_requests


@pytest.fixture
def watch(at: Callable[[str], Made], monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:  # noqa: F811
    made = at("validated")
    made.through("publish")
    monkeypatch.setenv("WORKDIR", str(made.workdir.root))
    with dg.instance_for_test() as instance:
        yield Watch(made, instance)


def test_what_is_unchanged_is_stored_once_and_then_nothing_more(watch: Watch) -> None:
    (first,) = watch.round()
    assert first.passed and first.partition == "grp:proj" and "3 source files of k1.0" in first.description
    assert watch.round() == [] and watch.round() == []


def test_a_source_rewritten_with_its_time_put_back_is_red_within_one_round_with_remedies(watch: Watch) -> None:
    watch.round()
    sources.rewritten(watch.made.sources[1], watch.made.sources[2])
    (red,) = watch.round()
    assert (red.passed, red.severity) == (False, dg.AssetCheckSeverity.ERROR) and not red.blocking
    assert "f_001.nc" in red.description
    offered = red.metadata["what to do"].value
    for command in ("audit grp", "accept grp:proj", "recompute grp:proj --new-version", "withdraw grp:proj"):
        assert f"padocc-dagster {command}" in offered
    assert watch.round() == []


def test_explain_shows_the_alarm_with_its_remedies(watch: Watch) -> None:
    workdir, project = watch.made.workdir, watch.made.project
    assert explained(workdir, project).watch == ()
    sources.rewritten(watch.made.sources[1], watch.made.sources[2])
    watch.round()
    found = explained(workdir, project)
    assert "proj_k1.0 on 20" in found.watch[0] and "differs" in found.watch[0]
    assert any("withdraw grp:proj" in command for _, command in found.remedies)


def test_a_result_is_bound_to_the_latest_publication_and_replaces_the_one_before(watch: Watch) -> None:
    watch.instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, partition="grp:proj"))
    watch.round()
    watch.made.sources[0].unlink()
    (red,) = watch.round()
    stored = watch.instance.get_latest_storage_id_by_partition(ASSET, dg.DagsterEventType.ASSET_MATERIALIZATION, {"grp:proj"})
    assert red.target_materialization_data.storage_id == stored["grp:proj"]
    assert not watch.latest().passed


def test_equal_values_are_a_warning_that_can_be_accepted(watch: Watch) -> None:
    sources.same_values(watch.made.sources[0])
    (warned,) = watch.round()
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "equal those of the files as they are now" in warned.description
    result = watch.step(ACCEPT)
    assert result.success and "accepted" in table(output(result)["done"])["grp:proj"]
    assert watch.latest().passed and watch.round() == []
    assert [(entry.who, entry.why) for entry in history_of(watch.made.workdir, watch.made.project)] == [
        ("ada (typed)", "the archive moved")
    ]


def test_a_change_of_values_is_not_accepted_and_withdrawing_ends_the_alarm(watch: Watch) -> None:
    sources.rewritten(watch.made.sources[1], watch.made.sources[2])
    watch.round()
    refused = failure(watch.step(ACCEPT))
    assert "does not equal its sources any more" in refused.description
    assert not watch.latest().passed
    assert watch.step(WITHDRAW, dry_run=True).success and watch.made.published() != []
    assert watch.step(WITHDRAW).success
    assert watch.latest().passed and "nothing to watch" in watch.latest().description
    assert watch.round() == []


def test_the_check_itself_looks_now(watch: Watch) -> None:
    watch.made.sources[1].unlink()
    checks = dg.Definitions(
        assets=defs.assets,
        asset_checks=defs.asset_checks,
        jobs=[dg.define_asset_job("look", selection=dg.AssetSelection.checks(KEY))],
        resources=defs.resources,
        executor=dg.in_process_executor,
    )
    result = checks.resolve_job_def("look").execute_in_process(instance=watch.instance, tags={"dagster/partition": "grp:proj"})
    (red,) = result.get_asset_check_evaluations()
    assert not red.passed and "f_001.nc is missing" in str(red.metadata["changes"].value)


def test_a_result_of_the_check_that_is_news_is_not_reported_again(watch: Watch) -> None:
    watch.round()
    watch.made.sources[1].unlink()
    looked = watch_project(watch.made.workdir, watch.made.project)
    assert looked.is_news and not looked.is_first
    reported(watch.made.workdir, [looked], 1.0)
    assert watch.round() == []


def test_the_schedule_asks_for_one_run_a_share_and_for_none_when_all_is_looked_at(watch: Watch) -> None:
    now = datetime.datetime.now(datetime.UTC)
    (request,) = watch.scheduled(now)
    assert request.run_key == f"{now:%Y-%m-%dT%H}"
    watch.round(everything=False)
    assert watch.scheduled(now) == []
    assert len(watch.scheduled(now + datetime.timedelta(days=1))) == 1


def test_one_round_at_a_time(watch: Watch) -> None:
    with held(watch.made.workdir.watch_lock, "a test"):
        assert watch.round() == []
    assert len(watch.round()) == 1


def test_products_of_groups_that_dagster_does_not_know_are_not_reported(watch: Watch, tmp_path: Path) -> None:
    watch.instance.delete_dynamic_partition("projects", "grp:proj")
    assert watch.round() == []
    add_projects(watch.instance, "grp", ["proj"])
    assert len(watch.round()) == 1
