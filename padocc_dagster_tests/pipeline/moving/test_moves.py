"""Transfer, merge, split, remove and add: what moves with a project, what is refused, and what it costs with many."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from padocc_dagster.pipeline.moving import moves
from padocc_dagster.pipeline.moving.adding import add, add_back
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.publishing.verify import comparison_problem
from padocc_dagster.pipeline.running.phases import initialise_group
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines, write_json, write_lines
from padocc_dagster.pipeline.workdir.groups import faultlist, list_groups, project_codes, write_subsets
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.pipeline.workdir.specs import choose, spec_of
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.pipeline.workdir.step import By, StepRefused
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec
from padocc_dagster_tests.pipeline.reads import counted_reads

BY = By("ada", "they belong together")
FILES = ["/data/x.nc"]


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    """Groups A (p, q) and B (r)."""
    workdir = Workdir(tmp_path.resolve() / "work")
    initialised(workdir, "A", spec("p", FILES), spec("q", FILES))
    initialised(workdir, "B", spec("r", FILES))
    return workdir


def everything(workdir: Workdir) -> dict[str, bytes]:
    return {
        str(path.relative_to(workdir.root)): path.read_bytes() if path.is_file() else b""
        for path in workdir.root.rglob("*")
        if "locks" not in path.parts
    }


def in_process(workdir: Workdir, group: str, specs: list, **choices: bool) -> dict[str, list[str]]:
    return initialised(workdir, group, *specs, **choices)


def test_a_comparison_holds_after_a_transfer_and_the_chain_goes_on(at: Callable[[str], Made]) -> None:
    made = at("validated")
    initialised(made.workdir, "other", spec("x", made.sources))
    before = read_json(made.workdir.comparison(made.project))
    result = moves.transfer(made.workdir, Choice(("grp:proj",)), "other", BY)
    moved = Made(made.root, Project("other", "proj"))
    assert result.done == {moved.project: "transferred from grp to other"} and not result.not_done
    assert comparison_problem(made.workdir, moved.project) is None
    assert read_json(made.workdir.comparison(moved.project)) == {**before, "product_path": str(moved.product)}
    moved.through("publish")
    moves.transfer(made.workdir, Choice(("other:proj",)), "grp", BY)
    assert moved.published() == ["proj_k1.0"] and not made.published()
    assert project_codes(made.workdir, "grp") == ["proj"] and comparison_problem(made.workdir, made.project) is None
    assert made.run("validate").passed


def test_what_a_project_is_made_from_moves_along(tmp_path: Path) -> None:
    workdir, old, new = Workdir(tmp_path.resolve()), Project("A", "p"), Project("B", "p")
    initialised(workdir, "A", spec("p", FILES, pattern=str(workdir.allfiles(old)), dropped=("lat",)))
    initialised(workdir, "B", spec("r", FILES))
    choose(workdir, old, aggregator="K")
    before = spec_of(workdir, old)
    moves.transfer(workdir, Choice(("A:p",)), "B", BY)
    assert spec_of(workdir, new) == replace(before, pattern=str(workdir.allfiles(new)))
    moves.remove(workdir, Choice(("B:p",)), BY, keep_files=True)
    assert add_back(workdir, [new], BY).done and spec_of(workdir, new).options.aggregator == "K"


def test_padocc_reads_groups_as_they_are_left(workdir: Workdir) -> None:
    from padocc import GroupOperation

    workdir.faultlist("A").write_text("q,broken")
    moves.transfer(workdir, Choice(("A:*",)), "B", BY)
    left, full = GroupOperation("A", str(workdir.root)), GroupOperation("B", str(workdir.root))
    assert list(left.proj_codes["main"].get()) == [] and list(left) == []
    assert [project.proj_code for project in full] == ["r", "p", "q"]
    assert [row[0] for row in full.datasets] == ["r", "p", "q"] and [row[0] for row in full.faultlist] == ["q"]


def test_a_transfer_asked_for_again_is_done_already(workdir: Workdir) -> None:
    moves.transfer(workdir, Choice(("A:p",)), "B", BY)
    again = moves.transfer(workdir, Choice(("A:p", "A:q")), "B", BY)
    assert again.done == {Project("B", "p"): "already in B", Project("B", "q"): "transferred from A to B"}
    assert moves.transfer(workdir, Choice(("A:*",)), "B", BY).done == {}
    moves.merge(workdir, "A", "B", BY)
    assert moves.merge(workdir, "A", "B", BY).done == {}
    moves.split(workdir, Choice(("B:p",)), "C", BY)
    assert moves.split(workdir, Choice(("B:p",)), "C", BY).done == {Project("C", "p"): "already in C"}
    moves.remove(workdir, Choice(("B:q",)), BY)
    assert moves.remove(workdir, Choice(("B:q",)), BY).done == {Project("B", "q"): "already removed"}


def test_an_old_row_of_nobody_in_the_target_does_not_count(workdir: Workdir) -> None:
    workdir.faultlist("B").write_text("p,of an earlier p")
    moves.transfer(workdir, Choice(("A:p",)), "B", BY)
    assert faultlist(workdir, "B") == {}


def test_projects_are_chosen_by_where_they_stand(workdir: Workdir) -> None:
    append_row(workdir.status_log(Project("A", "q")), "scan", "Failed-KeyError")
    result = moves.split(workdir, Choice(outcome="failed"), "broken", BY)
    assert list(result.done) == [Project("broken", "q")] and list_groups(workdir) == ["A", "B", "broken"]


def test_a_dry_run_tells_all_and_changes_nothing(workdir: Workdir) -> None:
    before = everything(workdir)
    done = [
        moves.transfer(workdir, Choice(("A:p",)), "B", BY, dry_run=True),
        moves.merge(workdir, "A", "B", BY, dry_run=True),
        moves.split(workdir, Choice(("A:p",)), "C", BY, dry_run=True),
        moves.remove(workdir, Choice(("A:p",)), BY, dry_run=True),
        add(workdir, "A", [spec("new", FILES)], BY, dry_run=True),
    ]
    assert [len(result.done) for result in done] == [1, 2, 1, 1, 1]
    assert everything(workdir) == before


def collide(workdir: Workdir) -> None:
    initialised(workdir, "B", spec("P", FILES), whole=False)


def leave_files(workdir: Workdir) -> None:
    workdir.project_dir(Project("B", "p")).mkdir(parents=True)


def damaged(workdir: Workdir) -> None:
    workdir.faultlist("B").write_bytes(b"\xff")


def headless(workdir: Workdir) -> None:
    workdir.main_list("B").unlink()


def a_file(workdir: Workdir) -> None:
    (workdir.root / "groups" / "F").write_text("")


def a_file_of_projects(workdir: Workdir) -> None:
    (workdir.root / "in_progress" / "F").write_text("")


def unsafe(workdir: Workdir) -> None:
    write_lines(workdir.main_list("A"), ["p", "q", "$(x)"])


def nothing(workdir: Workdir) -> None:
    pass


P = Choice(("A:p",))
REFUSED: list[tuple[Callable[[Workdir], None], Callable[[Workdir], object], str]] = [
    (nothing, lambda w: moves.transfer(w, Choice(("A:x",)), "B", BY), "group A has no project 'x'"),
    (nothing, lambda w: moves.transfer(w, Choice(("Z:x",)), "B", BY), "there is no group 'Z'"),
    (nothing, lambda w: moves.transfer(w, Choice(("A:$(x)",)), "B", BY), "is not safe"),
    (nothing, lambda w: moves.transfer(w, P, "Z", BY), "there is no group 'Z'"),
    (nothing, lambda w: moves.transfer(w, P, "../B", BY), "is not safe"),
    (nothing, lambda w: moves.transfer(w, P, "A", BY), "already"),
    (collide, lambda w: moves.transfer(w, P, "B", BY), "differs only in upper and lower case"),
    (leave_files, lambda w: moves.transfer(w, P, "B", BY), "working files lie in"),
    (damaged, lambda w: moves.transfer(w, P, "B", BY), "is damaged"),
    (headless, lambda w: moves.transfer(w, P, "B", BY), "main.txt is missing"),
    (a_file, lambda w: moves.transfer(w, P, "F", BY), "is a file"),
    (a_file, lambda w: moves.split(w, P, "F", BY), "is a file"),
    (a_file_of_projects, lambda w: moves.split(w, P, "F", BY), "is a file"),
    (nothing, lambda w: moves.split(w, P, "B", BY), "is there already"),
    (nothing, lambda w: moves.split(w, P, "b", BY), "only in upper and lower case"),
    (nothing, lambda w: moves.split(w, P, "a b", BY), "is not safe"),
    (headless, lambda w: moves.split(w, P, "B", BY), "no whole group"),
    (collide, lambda w: moves.merge(w, "A", "B", BY), "differs only in upper and lower case"),
    (unsafe, lambda w: moves.merge(w, "A", "B", BY), "cannot be merged as a whole"),
    (nothing, lambda w: moves.merge(w, "A", "A", BY), "into itself"),
    (nothing, lambda w: moves.merge(w, "Z", "B", BY), "there is no group 'Z'"),
    (nothing, lambda w: moves.remove(w, Choice(("A:x",)), BY), "has no project 'x'"),
    (nothing, lambda w: moves.remove(w, Choice(), BY), "no projects are chosen"),
    (nothing, lambda w: add(w, "Z", [spec("n", FILES)], BY), "there is no group 'Z'"),
    (nothing, lambda w: add(w, "A", [spec("n", FILES), spec("p", ["/y.nc"], updates={"a": "b"})], BY), "edit it"),
    (nothing, lambda w: add(w, "A", [spec("Q", FILES)], BY), "only in upper and lower case"),
    (nothing, lambda w: add_back(w, [Project("A", "x")], BY), "no working files"),
]


@pytest.mark.parametrize(("before", "step", "sentence"), REFUSED, ids=[sentence for *_, sentence in REFUSED])
def test_a_step_asked_for_wrongly_is_refused_and_changes_nothing(
    before: Callable[[Workdir], None], step: Callable[[Workdir], object], sentence: str, workdir: Workdir
) -> None:
    before(workdir)
    found = everything(workdir)
    with pytest.raises(StepRefused) as refused:
        step(workdir)
    assert sentence in str(refused.value)
    assert everything(workdir) == found


def steps_about(name: str) -> dict[str, Callable[[Workdir, bool], object]]:
    """Every step, with this name where a group's belongs."""
    return {
        "merge": lambda w, dry_run: moves.merge(w, name, "B", BY, dry_run),
        "merge into": lambda w, dry_run: moves.merge(w, "A", name, BY, dry_run),
        "transfer": lambda w, dry_run: moves.transfer(w, Choice((f"{name}:p",)), "B", BY, dry_run),
        "transfer all": lambda w, dry_run: moves.transfer(w, Choice((f"{name}:*",)), "B", BY, dry_run),
        "transfer of a group": lambda w, dry_run: moves.transfer(w, Choice(group=name), "B", BY, dry_run),
        "transfer to": lambda w, dry_run: moves.transfer(w, P, name, BY, dry_run),
        "split into": lambda w, dry_run: moves.split(w, P, name, BY, dry_run),
        "remove": lambda w, dry_run: moves.remove(w, Choice((f"{name}:p",)), BY, dry_run=dry_run),
        "add": lambda w, dry_run: add(w, name, [spec("n", FILES)], BY, dry_run, initialise_group=in_process),
        "add back": lambda w, dry_run: add_back(w, [Project(name, "p")], BY, dry_run),
    }


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("step", steps_about("x"))
def test_a_group_named_by_a_path_is_refused_before_any_lock_or_file_is_made(step: str, dry_run: bool, workdir: Workdir) -> None:
    outside = workdir.root.parent / "elsewhere"
    (outside / "proj_codes").mkdir(parents=True)
    (outside / "proj_codes" / "main.txt").write_text("p")
    before = sorted(workdir.root.parent.rglob("*"))
    for name in (str(outside), "../../elsewhere", "../elsewhere", ".", "", "a b"):
        with pytest.raises(StepRefused, match="is not safe|is empty|has '..'"):
            steps_about(name)[step](workdir, dry_run)
        assert sorted(workdir.root.parent.rglob("*")) == before


@pytest.mark.parametrize("changed", [{"source": "../../elsewhere"}, {"target": "/elsewhere"}, {"folders": {"../p": 1}}])
def test_a_record_with_names_that_nobody_could_have_asked_for_is_not_carried_out(workdir: Workdir, changed: dict) -> None:
    record = {"step": "merged", "source": "A", "target": "B", "folders": {}, "who": "ada", "why": "", **changed}
    write_json(workdir.unfinished / "record.json", record)
    before = sorted(workdir.root.parent.rglob("*"))
    with pytest.raises(CorruptFileError, match="is not the record of a step"):
        finish_unfinished(workdir)
    assert [path for path in sorted(workdir.root.parent.rglob("*")) if path.parent.name != "locks"] == [
        path for path in before if path.parent.name != "locks"
    ]


def listed(workdir: Workdir, group: str, count: int) -> list[str]:
    """A group of so many projects without files."""
    codes = [f"p{number}" for number in range(count)]
    write_lines(workdir.main_list(group), codes)
    return codes


def test_many_projects_cost_a_few_readings_of_a_groups_list_and_history(
    workdir: Workdir, record_property: Callable[[str, object], None]
) -> None:
    keys = tuple(f"C:{code}" for code in listed(workdir, "C", 300))
    figures = []
    for step in ("first", "again", "back", "after that"):
        if step == "back":
            listed(workdir, "C", 300)
        with counted_reads() as reads:
            assert len(moves.remove(workdir, Choice(keys), BY).done) == 300
        figures.append((reads["C/proj_codes/main.txt"], reads["C/padocc_dagster/events.jsonl"]))
    record_property("figure", f"300 projects removed, again, and both anew: readings of the group's list and history {figures}")
    assert max(lists for lists, _ in figures) < 20 and max(histories for _, histories in figures) < 10


def test_adding_many_projects_costs_a_few_readings_of_the_groups_list(workdir: Workdir) -> None:
    specs = [spec(f"p{number}", FILES) for number in range(300)]
    with counted_reads() as reads:
        assert len(add(workdir, "A", specs, BY, dry_run=True).done) == 300
    assert reads["A/proj_codes/main.txt"] < 10
    initialised(workdir, "C", *specs[:40])
    moves.remove(workdir, Choice(("C:*",)), BY, keep_files=True)
    with counted_reads() as reads:
        assert len(add_back(workdir, [Project("C", one.code) for one in specs[:40]], BY).done) == 40
    assert reads["C/proj_codes/main.txt"] < 10


@pytest.mark.parametrize("target", ["B", ""])
def test_a_project_at_work_holds_up_the_whole_step(target: str, workdir: Workdir) -> None:
    before = everything(workdir)
    with held(workdir.project_lock(Project("A", "q")), "project"), pytest.raises(StepRefused, match="A:q is being worked on"):
        moves.transfer(workdir, Choice(("A:*",)), target, BY) if target else moves.remove(workdir, Choice(("A:*",)), BY)
    assert everything(workdir) == before


def test_a_project_that_begins_to_work_meanwhile_stays_whole_in_its_group(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as late, held(workdir.project_lock(Project("A", "q")), "project"):
        late.setattr("padocc_dagster.pipeline.moving.problems._at_work", lambda *_: "")
        result = moves.merge(workdir, "A", "B", BY)
    assert list(result.done) == [Project("B", "p")] and "being worked on" in result.not_done[Project("A", "q")]
    assert project_codes(workdir, "A") == ["q"] and project_codes(workdir, "B") == ["r", "p"]
    assert len(read_lines(workdir.datasets_csv("B"))) == 2
    assert moves.merge(workdir, "A", "B", BY).done == {Project("B", "q"): "merged from A to B"}
    assert list_groups(workdir) == ["B"]


def test_a_project_removed_with_its_files_kept_comes_back_as_it_stood(at: Callable[[str], Made]) -> None:
    made = at("validated")
    moves.remove(made.workdir, Choice(("grp:proj",)), BY, keep_files=True)
    assert project_codes(made.workdir, "grp") == [] and write_subsets(made.workdir, "grp")["scan"] == []
    with pytest.raises(StepRefused, match="add it back"):
        add(made.workdir, "grp", [spec("proj", made.sources)], BY, initialise_group=in_process)
    assert add_back(made.workdir, [made.project], BY).done == {made.project: "added back, with the files that were kept"}
    assert add_back(made.workdir, [made.project], BY).done == {made.project: "already there"}
    assert made.statuses[-1][0] == "validate" and comparison_problem(made.workdir, made.project) is None
    assert write_subsets(made.workdir, "grp")["validate"] == ["proj"]
    assert [line.split(",")[0] for line in read_lines(made.workdir.datasets_csv("grp"))] == ["proj"]


def test_projects_are_added_and_those_that_are_there_stay(workdir: Workdir) -> None:
    specs = [spec("p", FILES), spec("new", FILES)]
    done = add(workdir, "A", specs, BY, initialise_group=initialise_group).done  # once as the job does: in a worker
    assert done == {Project("A", "p"): "already there", Project("A", "new"): "added"}
    assert project_codes(workdir, "A") == ["p", "q", "new"]
    assert set(add(workdir, "A", specs, BY, initialise_group=in_process).done.values()) == {"already there"}


def test_the_last_project_can_be_removed_and_another_added(workdir: Workdir) -> None:
    moves.remove(workdir, Choice(("B:r",)), BY)
    assert list_groups(workdir) == ["A", "B"] and os.listdir(workdir.root / "in_progress" / "B") == []
    add(workdir, "B", [spec("r", FILES)], BY, initialise_group=in_process)
    assert project_codes(workdir, "B") == ["r"]


def test_reading_ten_thousand_projects_and_moving_a_thousand_is_quick(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    workdir = Workdir(tmp_path.resolve())
    codes = [f"p{number}" for number in range(1000)]
    for code in codes:
        append_row(workdir.status_log(Project("A", code)), "init", "Success")
    write_lines(workdir.main_list("A"), codes)
    write_lines(workdir.main_list("B"), [f"q{number}" for number in range(10_000)])
    begun = time.monotonic()
    assert len(moves.merge(workdir, "A", "B", BY).done) == 1000
    moved = time.monotonic() - begun
    begun = time.process_time()
    assert len(project_codes(workdir, "B")) == 11_000
    read = time.process_time() - begun
    record_property("figure", f"1000 projects merged into a group in {moved:.1f} s; 11 000 project codes read in {read:.2f} s")
    assert moved < 20 and read < 1
