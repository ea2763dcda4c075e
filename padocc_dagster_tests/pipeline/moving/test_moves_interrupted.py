"""Transfer, merge, split and remove, interrupted before every change they make: each project is in one group all the time, published
products are not touched, and the same step asked for again ends as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.moving import moves
from padocc_dagster.pipeline.moving.adding import add, add_back
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.steps.choice import Choice
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.files import read_lines, write_lines
from padocc_dagster.pipeline.workdir.groups import faultlist, list_groups, project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.specs import stored_spec
from padocc_dagster.pipeline.workdir.step import By, StepResult
from padocc_dagster.pipeline.workdir.unfinished import unfinished_steps
from padocc_dagster_tests.pipeline.interrupting import interrupted_at
from padocc_dagster_tests.pipeline.projects import initialised, spec

BY = By("ada", "they belong together")
CODES = {"A": ["p", "q", "r"], "B": ["s"]}
KEPT = ("base-cfg.json", "allfiles.txt", "status_log.csv", "phase_logs", ".hidden", "k1.0a.json")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Workdir:
    """Group A of three projects, one given up, one published, in subsets; group B of one."""
    workdir = Workdir(tmp_path_factory.mktemp("original").resolve() / "A" / "work")  # the group's name is in the path as well
    for group, codes in CODES.items():
        initialised(workdir, group, *(spec(code, [f"/data/{code}.nc"]) for code in codes))
    for group, code in ((group, code) for group, codes in CODES.items() for code in codes):
        folder = workdir.project_dir(Project(group, code))
        (folder / ".hidden").write_text("a dot")
        (folder / "k1.0a.json").write_text("{}")
    workdir.faultlist("A").write_text("q,broken (ada)")
    write_lines(workdir.subset_list("A", "mine"), ["q", "r"])
    write_lines(workdir.subset_list("A", "only-p"), ["p"])
    write_lines(workdir.subset_list("B", "mine"), ["s"])
    (workdir.group_dir("A") / "errs").mkdir()
    (workdir.group_dir("A") / "errs" / "log").write_text("of SLURM")
    (workdir.completed / "A" / "p_k1.0").mkdir(parents=True)
    (workdir.completed / "A" / "p_k1.0" / "p_k1.0.json").write_text("published")
    return workdir


def fresh(original: Workdir, folder: Path) -> Workdir:
    workdir = Workdir(folder.resolve() / "A" / "work")
    shutil.copytree(original.root, workdir.root)
    for group in CODES:
        path = workdir.datasets_csv(group)
        path.write_text(path.read_text().replace(str(original.root), str(workdir.root)))
    return workdir


def whole(workdir: Workdir) -> None:
    """Each project is in exactly one group, with its files and nowhere else, and what is published is as it was."""
    where = {code: [group for group in list_groups(workdir) if code in project_codes(workdir, group)] for code in "pqrs"}
    assert all(len(groups) == 1 for groups in where.values()), where
    for code, (group,) in where.items():
        folders = list((workdir.root / "in_progress").glob(f"*/{code}"))
        assert folders == [workdir.project_dir(Project(group, code))]
        assert all((folders[0] / name).exists() for name in KEPT)
    published(workdir)


def published(workdir: Workdir) -> None:
    assert (workdir.completed / "A" / "p_k1.0" / "p_k1.0.json").read_text() == "published"
    assert [str(path.relative_to(workdir.completed)) for path in workdir.completed.rglob("*.json")] == ["A/p_k1.0/p_k1.0.json"]


def at_most_one(workdir: Workdir) -> None:
    """Of the projects being removed, each is in its group with its files, or in none."""
    for code in CODES["A"]:
        if code in project_codes(workdir, "A"):
            assert (workdir.project_dir(Project("A", code)) / ".hidden").exists()
    assert project_codes(workdir, "B") == ["s"]
    published(workdir)


def know(workdir: Workdir, group: str) -> dict[str, object]:
    """What the group's files say of projects."""
    return {
        "listed": read_lines(workdir.main_list(group)),
        "datasets": [line.split(",")[:2] for line in read_lines(workdir.datasets_csv(group))],
        "faultlist": faultlist(workdir, group),
        "specs": {code: stored_spec(workdir, Project(group, code)).code for code in read_lines(workdir.main_list(group))},
        "managed": is_managed(workdir, group),
        "subsets": {path.stem: read_lines(path) for path in workdir.main_list(group).parent.glob("*.txt") if path.stem != "main"},
    }


def expect(workdir: Workdir, group: str, codes: str, given_up: bool, subsets: dict[str, list[str]]) -> None:
    assert know(workdir, group) == {
        "listed": list(codes),
        "datasets": [[code, str(workdir.allfiles(Project(group, code)))] for code in codes],
        "faultlist": {"q": "broken (ada)"} if given_up else {},
        "specs": {code: code for code in codes},
        "managed": True,
        "subsets": subsets,
    }


def transferred(workdir: Workdir) -> None:
    expect(workdir, "A", "r", False, {"mine": ["r"]})
    expect(workdir, "B", "spq", True, {"mine": ["s"]})
    (step,) = history_of(workdir, Project("B", "p"))
    assert (step.who, str(step), step.why) == ("ada", "transferred from A to B", BY.why)


def merged(workdir: Workdir) -> None:
    assert list_groups(workdir) == ["B"]
    assert not workdir.group_dir("A").exists() and not (workdir.root / "in_progress" / "A").exists()
    expect(workdir, "B", "spqr", True, {"mine": ["s", "q", "r"], "only-p": ["p"]})
    (log,) = workdir.merged("A", "B").glob("*/groups/errs/log")
    assert log.read_text() == "of SLURM"


def was_split(workdir: Workdir) -> None:
    expect(workdir, "A", "p", False, {"only-p": ["p"]})
    expect(workdir, "C", "qr", True, {})


def removed(workdir: Workdir) -> None:
    expect(workdir, "A", "r", False, {"mine": ["r"]})
    assert os.listdir(workdir.root / "in_progress" / "A") == ["r"]
    assert [str(step) for step in history_of(workdir, Project("A", "p"))] == ["removed"]


def kept(workdir: Workdir) -> None:
    expect(workdir, "A", "r", False, {"mine": ["r"]})
    assert all((workdir.project_dir(Project("A", "p")) / name).exists() for name in KEPT)
    assert [str(step) for step in history_of(workdir, Project("A", "p"))] == ["removed, files kept"]


STEPS: dict[str, tuple[Callable[[Workdir], StepResult], Callable[[Workdir], None], Callable[[Workdir], None]]] = {
    "transfer": (lambda workdir: moves.transfer(workdir, Choice(("A:p", "A:q")), "B", BY), whole, transferred),
    "merge": (lambda workdir: moves.merge(workdir, "A", "B", BY), whole, merged),
    "split": (lambda workdir: moves.split(workdir, Choice(("A:q", "A:r")), "C", BY), whole, was_split),
    "remove": (lambda workdir: moves.remove(workdir, Choice(("A:p", "A:q")), BY), at_most_one, removed),
    "remove-keeping-files": (lambda workdir: moves.remove(workdir, Choice(("A:p", "A:q")), BY, keep_files=True), at_most_one, kept),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_interrupted_at_any_change_and_repeated_ends_as_asked(
    name: str, original: Workdir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a kill loses nothing that was written, and it takes most of the time
    step, always, afterwards = STEPS[name]
    count, going = 0, True
    while going:
        count += 1
        workdir = fresh(original, tmp_path / str(count))
        going = interrupted_at(count, workdir.root, lambda workdir=workdir: step(workdir))
        always(workdir)
        if count % 4 == 0:  # and once more, in the repetition
            interrupted_at(count // 2, workdir.root, lambda workdir=workdir: step(workdir))
            always(workdir)
        assert not step(workdir).not_done, count
        afterwards(workdir)
        always(workdir)
        assert unfinished_steps(workdir) == []
        left = [path for path in workdir.root.rglob(".*") if path.name != ".hidden" and "locks" not in path.parts and path.is_dir()]
        assert left == []
        shutil.rmtree(workdir.root)
    assert count > 15


@pytest.mark.parametrize("name", STEPS)
def test_what_was_interrupted_is_finished_without_being_asked_for_again(name: str, original: Workdir, tmp_path: Path) -> None:
    step, always, afterwards = STEPS[name]
    for count in (6, 11, 15):
        workdir = fresh(original, tmp_path / str(count))
        assert interrupted_at(count, workdir.root, lambda workdir=workdir: step(workdir))
        (sentence,) = finish_unfinished(workdir)
        assert "project(s) of A" in sentence
        afterwards(workdir)
        assert finish_unfinished(workdir) == []


KILLED = """
import sys
from pathlib import Path
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.unfinished import unfinished_steps
from padocc_dagster_tests.pipeline.interrupting import interrupted_at
from padocc_dagster_tests.pipeline.moving.test_moves_interrupted import STEPS
name, count, root = sys.argv[1:]
workdir = Workdir(Path(root))
interrupted_at(int(count), workdir.root, lambda: STEPS[name][0](workdir), kills=True)
"""


@pytest.mark.parametrize(("name", "count"), [("transfer", 9), ("merge", 12), ("split", 7), ("remove", 5)])
def test_a_step_killed_by_the_system_and_repeated_ends_as_asked(name: str, count: int, original: Workdir, tmp_path: Path) -> None:
    step, always, afterwards = STEPS[name]
    workdir = fresh(original, tmp_path)
    command = [sys.executable, "-c", KILLED, name, str(count), str(workdir.root)]
    child = subprocess.run(command, env=clean_environment(), capture_output=True, text=True)
    assert child.returncode == -signal.SIGKILL, child.stderr
    always(workdir)
    assert not step(workdir).not_done
    afterwards(workdir)
    always(workdir)


def test_adding_interrupted_at_any_change_and_repeated_ends_as_asked(
    original: Workdir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)

    new = [spec("n", ["/data/n.nc"])]

    def both(workdir: Workdir) -> None:
        assert not add_back(workdir, [Project("A", "q")], BY).not_done
        assert not add(workdir, "A", new, BY, initialise_group=lambda w, g, s, **choices: initialised(w, g, *s, **choices)).not_done

    count, going = 0, True
    while going:
        count += 1
        workdir = fresh(original, tmp_path / str(count))
        moves.remove(workdir, Choice(("A:q",)), BY, keep_files=True)
        going = interrupted_at(count, workdir.root, lambda workdir=workdir: both(workdir))
        at_most_one(workdir)
        both(workdir)
        whole(workdir)
        assert project_codes(workdir, "A") == ["p", "r", "q", "n"]
        shutil.rmtree(workdir.root)
    assert count > 15


@pytest.mark.parametrize(("name", "survivor"), [("merge", "B"), ("transfer", "B"), ("remove", "")])
def test_a_project_made_anew_while_a_step_was_unfinished_is_not_touched(
    name: str, survivor: str, original: Workdir, tmp_path: Path
) -> None:
    step, counts = STEPS[name][0], 0
    for count in range(3, 60):
        workdir = fresh(original, tmp_path / str(count))
        if not interrupted_at(count, workdir.root, lambda workdir=workdir: step(workdir)):
            break
        if unfinished_steps(workdir) and not workdir.project_dir(Project("A", "p")).exists():
            initialised(workdir, "A", spec("p", ["/data/new.nc"]), whole=False)
            finish_unfinished(workdir)
            assert read_lines(workdir.allfiles(Project("A", "p"))) == ["/data/new.nc"]
            assert "p" in project_codes(workdir, "A")
            assert not survivor or read_lines(workdir.allfiles(Project(survivor, "p"))) == ["/data/p.nc"]
            counts += 1
        shutil.rmtree(workdir.root)
    assert counts > 5
