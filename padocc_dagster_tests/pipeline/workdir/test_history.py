"""Steps are kept in order, with the project, through a kill in the middle of a line, and never beside somebody who is at work."""

from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir import history
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.events import Added, Edited, PhaseRequested, Removed
from padocc_dagster.pipeline.workdir.history import note
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster_tests.pipeline.standing import INIT, standing

ONE, TWO, GONE = (Project("a", code) for code in ("one", "two", "gone"))
BY = {"who": "ada", "why": "a, b"}


def edited(changes: str, **more: str) -> Edited:
    return Edited(changes=changes, **{**BY, **more})


def test_steps_are_read_oldest_first_also_of_a_project_whose_folder_is_gone(tmp_path: Path) -> None:
    workdir = standing(tmp_path, {"a": {"one": INIT}})
    assert note(workdir, {ONE: edited("x"), GONE: Removed(**BY)}) == {}
    note(workdir, {ONE: PhaseRequested(phase="compute", choices={"aggregator": "K", "new_version": True}, who="bob", why="c")})
    told = [(step.row, step.who, str(step), step.why) for step in history_of(workdir, ONE)]
    assert told == [(1, "ada", "x", "a, b"), (1, "bob", "compute again with aggregator K, new version", "c")]
    assert history_of(workdir, GONE)[0].kind == "removed"
    assert not workdir.project_dir(GONE).exists()


def test_a_line_cut_short_costs_itself_and_no_other(tmp_path: Path) -> None:
    workdir = standing(tmp_path, {"a": {"one": INIT}})
    for what in ("first", "second"):
        note(workdir, {ONE: edited(what)})
        with open(workdir.events(ONE), "ab") as file:
            file.write(b'{"when": "2026')
    note(workdir, {ONE: edited("third")})
    assert [str(step) for step in history_of(workdir, ONE)] == ["first", "second", "third"]


def test_a_step_of_a_run_that_is_repeated_is_written_once(tmp_path: Path) -> None:
    workdir = standing(tmp_path, {"a": {"one": INIT}})
    for run in ("r1", "r1", "r2"):
        note(workdir, {ONE: edited("x", run=run)})
    note(workdir, {ONE: Added(run="r1", **BY)})
    assert [(step.kind, step.run) for step in history_of(workdir, ONE)] == [("edited", "r1"), ("edited", "r2"), ("added", "r1")]


def test_nothing_is_written_for_a_project_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LOCK_WAIT_SECONDS", 0.0)
    workdir = standing(tmp_path, {"a": {"one": INIT, "two": INIT}})
    with held(workdir.project_lock(ONE), "project a:one"):
        left = note(workdir, {ONE: edited("x"), TWO: edited("x")})
    assert list(left) == [ONE] and left[ONE].startswith("it is at work: project a:one is being worked on by another process")
    assert not history_of(workdir, ONE) and len(history_of(workdir, TWO)) == 1
