"""Which old runs are removed, and that nothing which is decided or shown from runs changes when they are."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.batch.tags import JOB_OF
from padocc_dagster.conductor import purging
from padocc_dagster.conductor.purging import DAY, Past, days_of, past_runs, purge, removable
from padocc_dagster.runs import DUE, PARTITION
from padocc_dagster_tests.conductor.conducted import INIT, SCAN, Conducted

NOW = 1000 * DAY
DYNAMIC = dg.DynamicPartitionsDefinition(name="somethings")


@dg.asset(partitions_def=DYNAMIC)
def something() -> None:
    print("a line for the log of the step")


def past(run_id: str, days: float | None, *, subject: str = "", work: str = "", succeeded: bool = True) -> Past:
    """A run that ended so many days ago; None for one that has not ended."""
    return Past(run_id, "job", subject, work or run_id, None if days is None else NOW - days * DAY, succeeded)


def gone(*runs: Past, days: int = 90) -> str:
    """The ids of the runs that may go, given the newest first."""
    return " ".join(run.run_id for work in removable(runs, NOW - days * DAY) for run in work)


def test_old_runs_about_nothing_go_the_oldest_first() -> None:
    assert gone(past("c", 10), past("b", 100), past("a", 200)) == "a b"


def test_a_run_that_has_not_ended_stays() -> None:
    assert gone(past("b", None), past("a", 200)) == "a"


def test_the_last_run_of_a_project_stays() -> None:
    assert gone(past("b", 100, subject="g:p"), past("a", 200, subject="g:p")) == "a"
    assert gone(past("b", 100, subject="g:p"), past("a", 200, subject="g:q")) == ""


def test_failures_that_are_not_over_stay_with_the_success_before_them() -> None:
    failed = [past("d", 100, subject="g:p", succeeded=False), past("c", 110, subject="g:p", succeeded=False)]
    before = [past("b", 120, subject="g:p"), past("a", 130, subject="g:p", succeeded=False)]
    assert gone(*failed, *before) == "a"
    assert gone(past("e", 1, subject="g:p"), *failed, *before) == "a b c d"


def test_runs_of_one_work_go_together_the_newest_first() -> None:
    one, two = past("a", 200, work="w"), past("c", 100, work="w")
    assert gone(two, past("b", 150), one) == "b c a"
    assert gone(past("d", 1, work="w"), two, past("b", 150), one) == "b"


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_says_the_same_of_every_project(seed: int) -> None:
    """The last run, the failures since the last success, and how many runs each of their works had."""
    chance = random.Random(seed)
    runs = [
        past(
            str(number),
            chance.choice([None, number + chance.random()]),
            subject=chance.choice(["", "g:p", "g:q", "g"]),
            work=chance.choice(["", "v", "w", "x", "y"]),
            succeeded=chance.random() < 0.4,
        )
        for number in range(chance.randrange(60, 200))
    ]
    removed = {run for work in removable(runs, NOW - 90 * DAY) for run in work}
    left = [run for run in runs if run not in removed]
    for subject in {run.subject for run in runs} - {""}:
        before, after = ([run for run in some if run.subject == subject] for some in (runs, left))
        latest = next((at + 1 for at, run in enumerate(before) if run.succeeded), len(before))
        assert after[:latest] == before[:latest]
        for work in {run.work for run in before[:latest]}:
            assert [run for run in left if run.work == work] == [run for run in runs if run.work == work]
    assert all(run.ended is not None and run.ended < NOW - 90 * DAY for run in removed)


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("7", 7), (" 365d ", 365)])
def test_an_age_is_a_number_of_days(text: str, days: int) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1h", "d", "1.5d", "٣d", "1000000d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no age: write a number of days"):
        days_of(text)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "home").mkdir()
    with dg.instance_for_test(temp_dir=str(tmp_path / "home")) as instance:
        yield instance


def later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    now = time.time()
    monkeypatch.setattr(purging.time, "time", lambda: now + days * DAY)


def made(instance: dg.DagsterInstance, key: str, **tags: str) -> str:
    """The id of a run that made the partition."""
    instance.add_dynamic_partitions("somethings", [key])
    return dg.materialize([something], instance=instance, partition_key=key, tags=tags).run_id


def test_runs_are_removed_with_their_events_and_logs_and_what_dagster_shows_stays(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [made(instance, key) for key in ("p", "p", "q", "p")]
    logs = [Path(instance.storage_directory(), run) for run in runs]
    assert all(folder.is_dir() for folder in logs)
    later(monkeypatch, 100)
    assert sum(purge(instance, 90, dry_run=True).removed.values()) == 2 and len(list(past_runs(instance))) == 4
    found = purge(instance, 90)
    assert (sum(found.removed.values()), found.kept_old) == (2, 2)
    assert {run.run_id for run in past_runs(instance)} == set(runs[2:])
    assert [folder.exists() for folder in logs] == [False, False, True, True]
    assert not instance.all_logs(runs[0]) and instance.all_logs(runs[3])
    assert set(instance.get_materialized_partitions(something.key)) == {"p", "q"}
    assert not purge(instance, 90).removed


def test_a_run_that_recorded_what_is_shown_stays_though_a_later_one_of_its_project_succeeded(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = made(instance, "p")
    other = dg.materialize([dg.asset(name="other", partitions_def=DYNAMIC)(lambda: None)], instance=instance, partition_key="p").run_id
    later(monkeypatch, 100)
    assert not purge(instance, 90).removed
    assert {run.run_id for run in past_runs(instance)} == {shown, other}


def test_so_many_are_removed_at_once_at_most_and_the_others_next_time(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [made(instance, "p") for _ in range(4)]
    later(monkeypatch, 100)
    first = purge(instance, 90, most=2)
    assert (sum(first.removed.values()), first.left) == (2, 1)
    assert {run.run_id for run in past_runs(instance)} == set(runs[2:])
    assert sum(purge(instance, 90, most=2).removed.values()) == 1


def test_a_run_whose_job_is_not_settled_stays(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [made(instance, "p") for _ in range(3)]
    instance.add_run_tags(runs[0], {JOB_OF: runs[0], "slurm/state": "submitted"})
    later(monkeypatch, 100)
    purge(instance, 90)
    assert {run.run_id for run in past_runs(instance)} == {runs[0], runs[2]}


def test_the_conductor_requests_the_same_after_a_purge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that passed in a run long ago, then two runs whose workers died: the next request is the third."""
    with dg.instance_for_test() as instance:
        conducted = Conducted(tmp_path / "work", instance)
        (request,) = conducted.due()
        conducted.run(request, "SUCCESS")
        conducted.rows("a", SCAN)
        conducted.rows("a", INIT, SCAN)
        for _ in range(2):
            later(monkeypatch, 100)
            (request,) = conducted.due()
            run = conducted.run(request, "")
            conducted.end(run, "FAILURE", started=True)
        kept = {run.run_id for run in past_runs(instance) if not run.succeeded}
        later(monkeypatch, 1000)
        (before,) = conducted.due()
        assert purge(instance, 90).removed == {} and len(kept) == 2
        (after,) = conducted.due()
        assert (after.run_key, after.tags[DUE]) == (before.run_key, before.tags[DUE])
        assert PARTITION not in after.tags and after.partition_key == "g:a"
