"""What a group will still use, before and during its runs."""

from datetime import UTC, datetime, timedelta

import pytest

from padocc_dagster.pipeline.running.estimate import PHASES, estimate
from padocc_dagster.pipeline.running.forecast import Surveyed, summed
from padocc_dagster.pipeline.running.learning import FEWEST, Past
from padocc_dagster.pipeline.workdir.used import Used
from padocc_dagster_tests.pipeline.running.test_learning import size

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


def new(files: int = 10, scanned: bool = False) -> Surveyed:
    known = size(files)
    return Surveyed(known if scanned else known.__class__(**{**vars(known), "scanned": False, "references": 0.0}), {}, PHASES, False)


def done(seconds: float = 10.0, when: datetime = LONG_AGO, files: int = 10) -> Surveyed:
    past = Past(Used(seconds=seconds, cpu_seconds=seconds, peak_mib=200), "run", when)
    return Surveyed(size(files), dict.fromkeys(PHASES, past), (), False)


def test_before_a_run_all_is_left_and_the_error_is_not_known() -> None:
    found = summed("g", [new(), new()], at_once=2, scans_large_alone=False)
    each = sum(estimate(new().size, phase).seconds for phase in PHASES)
    assert (found.projects, found.complete, found.unscanned, found.jobs_left, found.core_hours_used) == (2, 0, 2, 2, 0)
    assert found.core_hours_left * 3600 == pytest.approx(2 * each) and found.hours_left * 3600 == pytest.approx(each)
    assert [(phase.left, phase.error) for phase in found.phases] == [(2, None)] * 4


def test_during_a_run_what_ended_foretells_the_rest_and_says_how_well() -> None:
    found = summed("g", [*[done(10.0)] * FEWEST, new(scanned=True)], at_once=1, scans_large_alone=False)
    assert found.core_hours_used * 3600 == pytest.approx(FEWEST * 40)
    assert found.core_hours_left * 3600 == pytest.approx(40, rel=0.05)
    assert all(phase.error is not None and phase.error < 0.05 for phase in found.phases)
    assert found.memory_mib == pytest.approx(200, rel=0.05)


def test_at_the_end_nothing_is_left() -> None:
    found = summed("g", [done()] * 3, at_once=2, scans_large_alone=True)
    assert (found.complete, found.jobs_left, found.core_hours_left, found.hours_left, found.memory_mib) == (3, 0, 0, 0, 0)


def test_an_empty_group_needs_nothing() -> None:
    assert summed("g", [], at_once=2, scans_large_alone=True).hours_left == 0


def test_the_longest_project_bounds_the_time_from_below() -> None:
    found = summed("g", [new(1000, scanned=True), new(10, scanned=True)], at_once=50, scans_large_alone=False)
    assert found.hours_left * 3600 == pytest.approx(sum(estimate(size(1000), phase).seconds for phase in PHASES))


def test_the_speed_of_the_last_hour_replaces_what_the_settings_allow() -> None:
    now = datetime.now(UTC)
    recent = [done(60.0, now - timedelta(seconds=10 * number)) for number in range(10)]
    found = summed("g", [*recent, new(scanned=True)], at_once=100, scans_large_alone=False)
    assert found.measured and found.at_once == pytest.approx(10 * 4 * 60 / 150, rel=0.05)
    assert not summed("g", [done(), new()], at_once=3, scans_large_alone=False).measured


def test_what_is_stopped_or_unreadable_is_counted_and_not_estimated() -> None:
    stopped, unknown = Surveyed(size(10), {}, PHASES, True), Surveyed(None, {}, PHASES, False)
    found = summed("g", [stopped, unknown], at_once=1, scans_large_alone=False)
    assert (found.stopped, found.unknown, found.jobs_left, found.core_hours_left) == (1, 1, 0, 0)


def test_a_large_project_takes_two_jobs_where_its_scan_sizes_the_rest() -> None:
    assert summed("g", [new(201), new(200)], at_once=1, scans_large_alone=True).jobs_left == 3
    assert summed("g", [new(201, scanned=True)], at_once=1, scans_large_alone=False).jobs_left == 1


def test_references_of_projects_not_scanned_are_assumed_to_be_as_many_as_in_others() -> None:
    alone = summed("g", [new()], at_once=1, scans_large_alone=False)
    beside = summed("g", [new(), done()], at_once=1, scans_large_alone=False)
    assert beside.core_hours_left > alone.core_hours_left
