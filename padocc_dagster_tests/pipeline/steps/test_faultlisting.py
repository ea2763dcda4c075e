"""Projects given up on: PADOCC's own faultlist says so, with the reason and the name, and nothing of ours goes on with them."""

from pathlib import Path

import pytest

from padocc_dagster.pipeline.steps.choice import Choice, chosen
from padocc_dagster.pipeline.steps.faultlisting import give_up, take_on
from padocc_dagster.pipeline.workdir import history
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.events import Faultlisted
from padocc_dagster.pipeline.workdir.groups import faultlist, group_states, passing
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.step import By
from padocc_dagster_tests.pipeline.standing import SCANNED, standing

BY = By("ada", 'two "grids", one file')


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    return standing(tmp_path, {"a": {"one": SCANNED, "two": SCANNED}, "b": {"one": SCANNED}})


def test_the_reason_and_the_name_stand_in_two_columns_as_padocc_reads_them(workdir: Workdir) -> None:
    give_up(workdir, chosen(workdir, Choice(("a:one", "b:one"))), BY)
    from padocc.core.filehandlers import CSVFileHandler

    rows = list(CSVFileHandler(str(workdir.group_dir("a")), "faultlist"))
    assert [len(row) for row in rows] == [2] and rows[0][0] == "one"
    assert faultlist(workdir, "a")["one"].startswith("two 'grids'; one file (ada; 20")


def test_a_faultlisted_project_is_skipped_and_in_no_subset(workdir: Workdir) -> None:
    give_up(workdir, [Project("a", "one")], BY)
    states = group_states(workdir, "a")
    assert states["one"].verdict is Verdict.SKIPPED and states["two"].faultlisted is None
    assert states["one"].faultlisted == faultlist(workdir, "a")["one"]
    assert passing(workdir, "a")["scan"] == ["two"]


def test_taken_off_it_stands_where_it_stood_and_an_empty_list_has_no_file(workdir: Workdir) -> None:
    before = group_states(workdir, "a")
    give_up(workdir, [Project("a", "one")], BY)
    assert take_on(workdir, [Project("a", "one")], BY).done
    assert group_states(workdir, "a") == before and not workdir.faultlist("a").exists()


def test_both_can_be_repeated(workdir: Workdir) -> None:
    for _ in range(2):
        assert len(give_up(workdir, chosen(workdir, Choice(group="a")), BY).done) == 2
    for _ in range(2):
        assert len(take_on(workdir, chosen(workdir, Choice(group="a")), BY).done) == 2
    assert faultlist(workdir, "a") == {}


def test_a_dry_run_tells_the_same_and_writes_nothing(workdir: Workdir) -> None:
    told = give_up(workdir, [Project("a", "one")], BY, dry_run=True).done
    assert not workdir.faultlist("a").exists()
    assert give_up(workdir, [Project("a", "one")], BY).done == told


def test_both_are_events_of_the_project(workdir: Workdir) -> None:
    one = Project("a", "one")
    for by in (BY, By("bob", "again")):
        give_up(workdir, [one], by)
    for _ in range(2):
        take_on(workdir, [one], BY)
    assert [step.kind for step in history_of(workdir, one)] == ["faultlisted", "faultlisted", "unfaultlisted"]
    first, second, _ = history_of(workdir, one)
    assert isinstance(first, Faultlisted) and first.before is None
    assert isinstance(second, Faultlisted) and (second.before or "").startswith("two 'grids'; one file (ada; 20")


def test_a_project_at_work_is_given_up_too(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LOCK_WAIT_SECONDS", 0.0)
    one = Project("a", "one")
    with held(workdir.project_lock(one), f"project {one}"):
        result = give_up(workdir, chosen(workdir, Choice(group="a")), BY)
    assert list(result.done) == [one, Project("a", "two")] and list(faultlist(workdir, "a")) == ["one", "two"]
    assert [step.kind for step in history_of(workdir, one)] == ["faultlisted"]
