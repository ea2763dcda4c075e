"""What the conductor reports to Dagster from the files: once, also after a report was killed, and as partitions come and go."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.conductor import memory, sync, tick
from padocc_dagster.conductor.known import EVENT, closed, rows_shown, steps_shown, unchecked, unreported, unshown
from padocc_dagster.conductor.sync import Logged, report_from_files, to_report
from padocc_dagster.dagster_private import check_results
from padocc_dagster.partitions import GROUPS, PHASE_ASSETS, PHASE_CHECKS, PROJECTS, add_projects
from padocc_dagster.pipeline.running.standings import Standing, read_standing
from padocc_dagster.pipeline.workdir.events import Compared, Edited, Faultlisted, PhaseEnded, SourcesAccepted
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.resources import Padocc
from padocc_dagster_tests.conductor.conducted import COMPLETE, COMPUTED, SCAN, VALIDATED, Conducted

A, B = Project("g", "a"), Project("g", "b")
GIVEN_UP = {"who": "ada", "why": "hopeless"}


class Synced(Conducted):
    """The group, and what Dagster is made to know of it."""

    def report(self, code: str = "a") -> list[Logged]:
        """What one run logs, which is then in Dagster."""
        key = f"g:{code}"
        result = report_from_files.execute_in_process(
            instance=self.instance,
            resources={"padocc": Padocc(root=str(self.workdir.root))},
            run_config={"ops": {"report_files": {"config": {"projects": [key]}}}},
        )
        found: list[Logged] = []
        for event in result.all_events:
            if event.is_step_materialization:
                found.append(event.step_materialization_data.materialization)
            elif event.event_type_value == "ASSET_OBSERVATION":
                found.append(event.asset_observation_data.asset_observation)
            elif event.event_type_value == "ASSET_CHECK_EVALUATION":
                found.append(event.asset_check_evaluation_data)
        return found

    def standing(self, project: Project = A) -> dict[Project, Standing]:
        return {project: read_standing(self.workdir, project)}

    def reports(self) -> list[dg.RunRequest]:
        """The runs that one tick requests in order to report."""
        return [request for request in self.tick() if request.job_name == report_from_files.name]

    def check(self, phase: str) -> bool | None:
        """Whether the phase's check passed in Dagster; None where it has no result."""
        key = dg.AssetCheckKey(dg.AssetKey(PHASE_ASSETS[phase]), PHASE_CHECKS[phase])
        return check_results(self.instance, key, [str(A)]).get(str(A))


@pytest.fixture
def synced(tmp_path: Path) -> Iterator[Synced]:
    with dg.instance_for_test() as instance:
        yield Synced(tmp_path / "work", instance)


def names(events: list[Logged]) -> list[str]:
    return [event.asset_key.to_user_string() if isinstance(event, dg.AssetMaterialization) else type(event).__name__ for event in events]


def metadata(event: Logged) -> dict[str, Any]:
    return {name: value.value for name, value in event.metadata.items()}


def test_work_of_plain_padocc_is_reported_once_with_its_checks(synced: Synced) -> None:
    synced.rows("a", SCAN)
    add_projects(synced.instance, "g", ["a"])
    assert unreported(synced.instance, synced.standing()) == {A: ["init", "scan"]}
    initialised, scanned, check = synced.report()
    assert names([initialised, scanned, check]) == ["project", "scan_report", "AssetCheckEvaluation"]
    assert (metadata(initialised)["by"], metadata(scanned)["by"]) == ("padocc-dagster", "plain PADOCC")
    assert (metadata(scanned)["status row"], scanned.partition, scanned.description) == (2, "g:a", "scan: Success")
    assert isinstance(check, dg.AssetCheckEvaluation) and check.passed and check.check_name == "scan_succeeded" and check.blocking
    assert rows_shown(synced.instance, "scan", [A, B]) == {A: 2}
    assert unreported(synced.instance, synced.standing()) == {} and synced.report() == []


def test_a_phase_that_a_run_of_ours_ended_is_reported_with_that_run(synced: Synced) -> None:
    synced.rows("a", SCAN)
    synced.event("a", PhaseEnded(project="g:a", phase="scan", verdict=Verdict.OK, status="Success", run="r1", row=2))
    shown = [event for event in synced.report() if isinstance(event, dg.AssetMaterialization)]
    assert [metadata(event)["by"] for event in shown] == ["padocc-dagster", "run r1"]


def test_a_phase_that_was_done_again_is_reported_again(synced: Synced) -> None:
    synced.rows("a", SCAN)
    synced.report()
    synced.rows("a", SCAN)
    assert names(synced.report()) == ["scan_report", "AssetCheckEvaluation"]


def test_a_warning_passes_as_one(synced: Synced) -> None:
    synced.rows("a", SCAN, COMPUTED, VALIDATED)
    checks = [event for event in synced.report() if isinstance(event, dg.AssetCheckEvaluation)]
    assert [(check.check_name, check.passed, check.severity.value) for check in checks] == [
        ("scan_succeeded", True, "ERROR"),
        ("validation_passed", True, "WARN"),
    ]


def test_a_product_counts_as_equal_only_by_our_own_comparison(synced: Synced) -> None:
    synced.rows("a", SCAN, COMPUTED)
    assert "cloud_product" in names(synced.report()) and synced.check("compute") is None
    synced.rows("a", COMPUTED)
    synced.event("a", Compared(row=4, passed=True, product="x"))
    _, check = synced.report()
    assert isinstance(check, dg.AssetCheckEvaluation) and check.check_name == "product_matches_source" and check.passed
    assert metadata(check)["product fingerprint"] == "x" and synced.check("compute")


@pytest.mark.parametrize("number", range(1, 7))
def test_a_report_that_was_killed_is_repeated_for_what_is_missing(synced: Synced, number: int) -> None:
    synced.rows("a", SCAN, COMPUTED, VALIDATED, COMPLETE)
    for event in islice(to_report(synced.instance, synced.workdir, [A], ""), number):
        assert not isinstance(event, dg.AssetObservation)
        synced.instance.report_runless_asset_event(event)
    assert len(synced.reports()) == 1
    synced.report()
    assert unreported(synced.instance, synced.standing()) == unchecked(synced.instance, synced.standing()) == {}
    assert synced.report() == []
    assert (synced.check("scan"), synced.check("compute"), synced.check("validate")) == (True, None, True)
    assert [rows_shown(synced.instance, phase, [A]) for phase in PHASE_ASSETS] == [{A: row} for row in range(1, 6)]


@pytest.mark.parametrize("ends", [[("validate", "(K)Fatal-data_errors")], [VALIDATED, ("validate", "Failed-KeyError")]])
def test_a_phase_that_is_undone_or_failed_since_closes_its_check(synced: Synced, ends: list[tuple[str, str]]) -> None:
    synced.rows("a", SCAN, COMPUTED, ("validate", "Warn-ticked by ada: fine"))
    synced.report()
    assert synced.check("validate") and closed(synced.instance, synced.standing()) == {}
    synced.rows("a", *ends)
    assert closed(synced.instance, synced.standing()) == {A: ["validate"]}
    (check,) = [event for event in synced.report() if isinstance(event, dg.AssetCheckEvaluation) and not event.passed]
    assert (check.check_name, check.description) == ("validation_passed", ends[-1][1])
    assert synced.check("validate") is False and closed(synced.instance, synced.standing()) == {} and synced.report() == []


def test_a_failure_before_which_nothing_passed_closes_nothing(synced: Synced) -> None:
    synced.rows("a", ("scan", "Failed-KeyError"))
    assert names(synced.report()) == ["project"] and synced.check("scan") is None


def test_manual_steps_are_shown_once_in_their_order_with_who_and_why(synced: Synced) -> None:
    synced.report()
    synced.event("a", Faultlisted(**GIVEN_UP))
    synced.event("a", Edited(who="bob", why="mended", changes="x → y"))
    assert unshown(synced.instance, synced.standing()) == {A: None}
    first, second = synced.report()
    assert names([first, second]) == ["AssetObservation"] * 2 and first.asset_key == dg.AssetKey("project")
    assert (first.partition, first.description) == ("g:a", "on the faultlist (ada: hopeless)")
    found = metadata(second)
    assert {name: found[name] for name in ("who", "why", "what")} == {"who": "bob", "why": "mended", "what": "x → y"}
    assert found[EVENT] == synced.events(Edited)[0].when.isoformat()
    assert steps_shown(synced.instance, [A, B]) == {A: synced.events(Edited)[0].when}
    assert unshown(synced.instance, synced.standing()) == {} and synced.report() == []
    synced.event("a", Edited(who="bob", why="mended", changes="y → z"))
    assert [metadata(event)["what"] for event in synced.report()] == ["y → z"]


def test_a_report_of_steps_that_was_killed_goes_on_where_it_was(synced: Synced) -> None:
    synced.report()
    for number in range(3):
        synced.event("a", Edited(who="bob", why="mended", changes=f"x → {number}"))
    first, *_ = to_report(synced.instance, synced.workdir, [A], "")
    assert not isinstance(first, dg.AssetCheckEvaluation)
    synced.instance.report_runless_asset_event(first)
    assert [metadata(event)["what"] for event in synced.report()] == ["x → 1", "x → 2"]


def test_after_a_decision_on_what_is_published_the_check_of_its_sources_is_reported_first(synced: Synced) -> None:
    synced.report()
    add_projects(synced.instance, "g", ["a"])
    synced.event("a", SourcesAccepted(who="ada", why="moved", product="a_k1.0", files=1))
    check, shown = synced.report()
    assert isinstance(check, dg.AssetCheckEvaluation) and check.check_name == "sources_unchanged" and check.passed
    assert metadata(shown)["what"].startswith("1 changed source file(s) of a_k1.0 accepted")


def test_the_conductor_requests_one_report_at_a_time_and_none_when_all_is_known(synced: Synced) -> None:
    synced.rows("a", SCAN)
    (request,) = synced.reports()
    assert request.run_config["ops"]["report_files"]["config"]["projects"] == ["g:a"]
    run = synced.instance.create_run_for_job(report_from_files, run_config=request.run_config)
    assert synced.reports() == []
    synced.end(run, "SUCCESS")
    assert len(synced.reports()) == 1  # it ended, and nothing is known: it was lost
    synced.report()
    assert synced.reports() == [] and not synced.memory.to_compare


def test_a_project_that_a_run_is_at_work_on_is_left_to_that_run(synced: Synced) -> None:
    (request,) = synced.due()
    run = synced.run(request, "QUEUED")
    synced.rows("a", SCAN)
    assert synced.reports() == []
    synced.end(run, "SUCCESS")
    assert len(synced.reports()) == 1


def test_projects_that_were_only_initialised_are_reported_without_a_run(synced: Synced) -> None:
    assert synced.reports() == []
    assert rows_shown(synced.instance, "init", [A]) == {A: 1}


def test_projects_that_were_only_initialised_are_reported_at_once_beside_others_that_a_run_reports(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        synced = Synced(tmp_path / "work", instance, codes="ab")
        synced.rows("a", SCAN)
        (request,) = synced.reports()
        assert request.run_config["ops"]["report_files"]["config"]["projects"] == ["g:a"]
        assert rows_shown(instance, "init", [A, B]) == {B: 1}


def test_what_a_tick_has_no_time_to_report_is_reported_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.instance_for_test() as instance:
        synced = Synced(tmp_path / "work", instance, codes="ab")
        monkeypatch.setattr(tick, "RUNLESS_SECONDS", 0.0)
        assert synced.reports() == [] and rows_shown(instance, "init", [A, B]) == {}
        monkeypatch.undo()
        assert synced.reports() == [] and rows_shown(instance, "init", [A, B]) == {A: 1, B: 1}


def test_a_step_makes_a_project_news_that_the_conductor_reports(synced: Synced) -> None:
    synced.tick()
    synced.event("a", Faultlisted(**GIVEN_UP))
    write_lines(synced.workdir.faultlist("g"), ["a,hopeless"])
    (request,) = synced.reports()
    assert request.run_config["ops"]["report_files"]["config"]["projects"] == ["g:a"]
    synced.report()
    assert synced.reports() == []


def test_a_new_process_reports_nothing_that_is_known(synced: Synced) -> None:
    synced.rows("a", SCAN)
    synced.event("a", Faultlisted(**GIVEN_UP))
    synced.report()
    for _ in range(2):
        assert synced.reports() == []
        synced.forget()
        synced.reported = 0.0


def test_partitions_are_the_projects_of_managed_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PARTITIONS_SECONDS", 0.0)
    with dg.instance_for_test() as instance:
        synced = Synced(tmp_path / "work", instance, "abc")
        synced.tick()
        assert set(instance.get_dynamic_partitions(PROJECTS)) == {"g:a", "g:b", "g:c"}
        assert instance.get_dynamic_partitions(GROUPS) == ["g"]
        write_lines(synced.workdir.main_list("g"), ["a", "d"])
        write_lines(synced.workdir.main_list("other"), ["x"])
        synced.tick()
        assert set(instance.get_dynamic_partitions(PROJECTS)) == {"g:a", "g:d"}
        manage(synced.workdir, "other")
        synced.tick()
        assert set(instance.get_dynamic_partitions(PROJECTS)) == {"g:a", "g:d", "other:x"}
        assert set(instance.get_dynamic_partitions(GROUPS)) == {"g", "other"}


def test_a_list_that_cannot_be_read_takes_no_partition_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PARTITIONS_SECONDS", 0.0)
    with dg.instance_for_test() as instance:
        synced = Synced(tmp_path / "work", instance, "ab")
        synced.tick()
        for hide in (lambda: synced.workdir.main_list("g").write_text(""), synced.workdir.main_list("g").unlink):
            hide()
            synced.tick()
            assert set(instance.get_dynamic_partitions(PROJECTS)) == {"g:a", "g:b"}


def test_many_reports_are_made_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "CHUNK", 2)
    with dg.instance_for_test() as instance:
        synced = Synced(tmp_path / "work", instance, "abcde")
        for code in "abcde":
            synced.rows(code, SCAN)
        (request,) = synced.reports()
        result = report_from_files.execute_in_process(
            instance=instance, resources={"padocc": Padocc(root=str(synced.workdir.root))}, run_config=request.run_config
        )
        assert len(result.get_asset_materialization_events()) == 10
        assert synced.reports() == []
