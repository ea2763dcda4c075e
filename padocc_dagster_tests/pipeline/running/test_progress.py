"""A worker that makes no progress is stopped, with its stack on record; one that works is not, however slowly."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padocc_dagster.pipeline.running import call as calls
from padocc_dagster.pipeline.running import phases, watchdog
from padocc_dagster.pipeline.running import samples as samples_module
from padocc_dagster.pipeline.running.call import NoProgressError, WorkerDiedError, call
from padocc_dagster.pipeline.running.forked import FORK_SERVER, ForkedWorker
from padocc_dagster.pipeline.running.progress import LIMIT, Sample, has_progress, interval_seconds, limit_seconds, stall_of
from padocc_dagster.pipeline.running.samples import sample_of
from padocc_dagster.pipeline.workdir.event_log import ends_of
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.cleanup import at_work_below
from padocc_dagster_tests.conftest import fork_server_at
from padocc_dagster_tests.pipeline import stalls
from padocc_dagster_tests.pipeline.projects import Made

LIMIT_SECONDS = 2.0
WORKING_SECONDS = 2 * LIMIT_SECONDS


@pytest.fixture(scope="module")
def stalling_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with fork_server_at(tmp_path_factory.mktemp("stalls") / "socket", module=stalls.__name__):
        yield


@pytest.fixture(params=["fresh", "forked"])
def stalling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers whose operations are those of `stalls`, with a limit of seconds."""
    monkeypatch.setenv(LIMIT, str(LIMIT_SECONDS / 60))
    monkeypatch.setattr(watchdog, "SECONDS_FOR_THE_STACK", 1.0)
    monkeypatch.setattr(calls, "WORKER_MODULE", stalls.__name__)
    if request.param == "fresh":
        monkeypatch.delenv(FORK_SERVER)
    else:
        request.getfixturevalue("stalling_server")
        with calls.start() as worker:
            assert isinstance(worker, ForkedWorker)
            worker.kill()


@pytest.mark.parametrize(
    ("operation", "doing", "line"),
    [
        ("sleeps", "waiting", "in sleep_for_ever"),
        ("burns", "of processor time", "in burn_for_ever"),
        ("deadlock", "waiting", "in deadlock"),
        ("reads as GRIB", "of processor time", "in _split_file"),
        ("sleeps in a child", "waiting", "in sleep_in_a_child"),
    ],
)
def test_a_worker_without_progress_is_stopped_with_its_stack(
    stalling: None, at: Callable[[str], Made], operation: str, doing: str, line: str
) -> None:
    made = at("initialised")
    with pytest.raises(NoProgressError) as stopped:
        call(operation, root=str(made.workdir.root), project=str(made.project))
    assert stopped.value.status == "Failed-NoProgressError"
    assert doing in str(stopped.value) and LIMIT in str(stopped.value)
    assert line in stopped.value.stack
    assert "filelock" in stopped.value.stack, "the stack has all threads"
    assert "state " in stopped.value.stack, "the stack has what the kernel says"
    assert not at_work_below(os.getpid(), "sleep")


@pytest.mark.parametrize("operation", stalls.STEPS)
def test_a_worker_that_goes_on_is_left_alone(stalling: None, operation: str) -> None:
    began = time.monotonic()
    assert call(operation, seconds=WORKING_SECONDS) == "done"
    assert time.monotonic() - began >= WORKING_SECONDS


def test_nobody_waits_for_what_a_dead_worker_has_started(stalling: None) -> None:
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        call("dies")


def test_the_end_of_a_stopped_phase_is_on_record_everywhere(stalling: None, at: Callable[[str], Made]) -> None:
    made = at("initialised")
    outcome = made.run("scan")
    assert (outcome.verdict, outcome.error_class, outcome.status) == (Verdict.FAILED, "NoProgressError", "Failed-NoProgressError")
    assert made.statuses[-1] == ("scan", "Failed-NoProgressError")
    assert next(ends_of(made.workdir, made.project)).error_class == "NoProgressError"
    log = made.workdir.phase_log(made.project, "scan").read_text()
    assert "no progress for 2 s, waiting" in log and "in deadlock" in log and "state " in log
    assert any("in deadlock" in line for line in outcome.log_tail)


def test_a_stopped_comparison_leaves_its_stack_in_the_log_of_compute(stalling: None, at: Callable[[str], Made]) -> None:
    made = at("computed")
    with pytest.raises(NoProgressError):
        phases.verify(made.workdir, made.project)
    assert "in burn_for_ever" in made.workdir.phase_log(made.project, "compute").read_text()
    assert not made.workdir.comparison(made.project).exists()


def test_without_a_limit_nobody_looks() -> None:
    before = threading.active_count()
    with watchdog.Watchdog(os.getpid(), None, 0.0):
        assert threading.active_count() == before


@pytest.mark.parametrize(("text", "seconds"), [("", 1800.0), ("0", 0.0), ("0.5", 30.0), ("90", 5400.0)])
def test_the_limit_is_a_number_of_minutes(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv(LIMIT, text)
    assert limit_seconds() == seconds


@pytest.mark.parametrize("text", ["half an hour", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_refused_and_no_end_of_a_phase(
    monkeypatch: pytest.MonkeyPatch, at: Callable[[str], Made], text: str
) -> None:
    made = at("initialised")
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(ValueError, match=f"{LIMIT} is '{text}': set it to a number of minutes, or to 0 for no limit"):
        made.run("scan")
    assert made.statuses == [("init", "Success")]


def samples(works: list[object], step: float = 1.0, cpu: float = 0.0) -> list[Sample]:
    return [Sample(number * step, number * cpu, work) for number, work in enumerate(works)]


def test_any_change_ends_a_stall() -> None:
    assert stall_of(samples([1, 1, 1, 2]), 2.0).seconds == 0
    assert stall_of(samples([1, 2, 2, 2], cpu=0.5), 2.0) == stall_of(samples([2, 2, 2], cpu=0.5), 2.0)
    assert stall_of(samples([1, 2, 2, 2], cpu=0.5), 2.0).cpu_seconds == 1.0


def test_a_time_in_which_nobody_looked_counts_for_a_gap_at_most() -> None:
    assert stall_of([Sample(0, 0, 1), Sample(10_000, 0, 1)], 30.0).seconds == 30.0


def test_crumbs_read_again_and_again_are_no_progress() -> None:
    assert not has_progress(Sample(0, 0, 1, 0, 0), Sample(1, 1, 1, 400_000, 200_000))
    assert has_progress(Sample(0, 0, 1, 0, 0), Sample(1, 1, 1, 1, 5)), "a slow reader"
    assert has_progress(Sample(0, 0, 1, 0, 0), Sample(1, 1, 1, 400_000_000, 200_000)), "a fast reader"


@given(st.lists(st.booleans(), max_size=50), st.floats(0.01, 100))
def test_a_stall_is_as_long_as_the_samples_without_change_at_the_end(changes: list[bool], step: float) -> None:
    works, work = [0], 0
    for changed in changes:
        work += changed
        works.append(work)
    still = next((number for number, changed in enumerate(reversed(changes)) if changed), len(changes))
    assert stall_of(samples(works, step), step).seconds == pytest.approx(still * step)


@given(st.floats(0.1, 1e6))
def test_a_limit_is_divided_into_enough_samples(limit: float) -> None:
    assert 0 < interval_seconds(limit) <= max(limit / 2, 0.05)


def test_without_counters_processor_time_counts_in_whole_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        pid = 0
        seconds = 7.2

        def cpu_times(self) -> SimpleNamespace:
            return SimpleNamespace(user=self.seconds, system=0.5)

    monkeypatch.setattr(samples_module, "_counted", lambda pid: {})
    process = Process()
    before = sample_of([process], None)
    process.seconds = 7.4
    assert not has_progress(before, sample_of([process], None)), "a heartbeat"
    process.seconds = 8.0
    assert has_progress(before, sample_of([process], None))


def test_a_process_that_nothing_counts_for_is_no_error() -> None:
    assert samples_module._counted(-1) == {}


def test_a_file_of_the_project_that_changes_is_progress(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    before = sample_of([], tmp_path)
    assert sample_of([], tmp_path).work == before.work
    (tmp_path / "cache" / "0.json").write_text("{}")
    assert sample_of([], tmp_path).work != before.work
