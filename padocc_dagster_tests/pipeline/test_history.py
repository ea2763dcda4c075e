"""What people did by hand is kept in order, with the project, and through a kill in the middle of a line."""

from pathlib import Path

from padocc_dagster.pipeline.layout import Project
from padocc_dagster.pipeline.steps.history import history_of, note
from padocc_dagster.pipeline.steps.step import By
from padocc_dagster_tests.pipeline.standing import INIT, standing

ONE = Project("a", "one")


def test_entries_are_read_oldest_first_also_of_a_project_whose_folder_is_gone(tmp_path: Path) -> None:
    workdir = standing(tmp_path, {"a": {"one": INIT}})
    note(workdir, {ONE: "edited", Project("a", "gone"): "removed"}, By("ada", "a, b"))
    note(workdir, {ONE: "ticked"}, By("bob", "c"))
    assert [(entry.who, entry.what, entry.why) for entry in history_of(workdir, ONE)] == [("ada", "edited", "a, b"), ("bob", "ticked", "c")]
    assert [entry.what for entry in history_of(workdir, Project("a", "gone"))] == ["removed"]


def test_a_line_cut_short_costs_itself_and_no_other(tmp_path: Path) -> None:
    workdir = standing(tmp_path, {"a": {"one": INIT}})
    for what in ("first", "second"):
        note(workdir, {ONE: what}, By("ada", "x"))
        with open(workdir.history(ONE), "ab") as file:
            file.write(b'{"when": "2026')
    note(workdir, {ONE: "third"}, By("ada", "x"))
    assert [entry.what for entry in history_of(workdir, ONE)] == ["first", "second", "third"]
