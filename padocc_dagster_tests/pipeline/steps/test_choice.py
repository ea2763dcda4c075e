"""Which projects a manual step means, and how a wrong choice is refused."""

from pathlib import Path

import pytest

from padocc_dagster.pipeline.steps.choice import Choice, chosen
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.step import StepRefused
from padocc_dagster_tests.pipeline.reads import counted_reads
from padocc_dagster_tests.pipeline.standing import FATAL, INIT, SCANNED, WARNED, standing, stopped_with


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    made = standing(tmp_path, {"a": {"one": INIT, "two": SCANNED, "three": FATAL}, "b": {"one": WARNED, "four": SCANNED}})
    stopped_with(made, "b:four", "ConcatFatalError", "chunk shapes differ")
    return made


def keys(workdir: Workdir, *projects: str, **narrowed: str) -> list[str]:
    return [str(project) for project in chosen(workdir, Choice(projects, **narrowed))]


def test_keys_and_whole_groups_are_meant_each_once_in_their_order(workdir: Workdir) -> None:
    assert keys(workdir, "a:two", "a:*", "b:four") == ["a:two", "a:one", "a:three", "b:four"]
    assert keys(workdir, group="b") == ["b:one", "b:four"]


@pytest.mark.parametrize(
    ("narrowed", "meant"),
    [
        ({"phase": "scan"}, ["a:two"]),
        ({"outcome": "failed"}, ["a:three", "b:four"]),
        ({"outcome": "failed", "group": "b"}, ["b:four"]),
        ({"error_class": "ConcatFatalError"}, ["b:four"]),
        ({"error_class": "Fatal-data_errors"}, ["a:three"]),
        ({"outcome": "warned"}, ["b:one"]),
    ],
)
def test_projects_are_found_by_where_they_stand(workdir: Workdir, narrowed: dict[str, str], meant: list[str]) -> None:
    assert keys(workdir, **narrowed) == meant


def test_a_filter_narrows_what_was_named(workdir: Workdir) -> None:
    assert keys(workdir, "a:*", outcome="failed") == ["a:three"]
    assert keys(workdir, "a:*", "b:*", group="b", phase="validate") == ["b:one"]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice(), "no projects are chosen"),
        (Choice(("a:ones",)), "group a has no project 'ones': did you mean 'one'?"),
        (Choice(("c:one",)), "there is no group 'c'"),
        (Choice(("one",)), "'one' is not a project key: write GROUP:PROJECT"),
        (Choice(("a:../b",)), "is not safe"),
        (Choice(("a;rm:one",)), "is not safe"),
        (Choice(group="../a"), "is not safe"),
        (Choice(phase="scann"), "phase is 'scann': did you mean 'scan'?"),
        (Choice(outcome="broken"), "outcome is 'broken': known are ok, warned, failed, skipped, under way"),
        (Choice(error_class="KeyError"), "none of the 5 checked has this phase, outcome or error class"),
    ],
)
def test_a_choice_that_means_nothing_is_refused_in_a_sentence(workdir: Workdir, choice: Choice, told: str) -> None:
    with pytest.raises(StepRefused, match=None) as refused:
        chosen(workdir, choice)
    assert told in str(refused.value)


def test_all_problems_are_told_at_once(workdir: Workdir) -> None:
    with pytest.raises(StepRefused) as refused:
        chosen(workdir, Choice(("a:x", "c:*", "nothing"), phase="x"))
    assert len(refused.value.problems) == 4


def test_choosing_changes_nothing(workdir: Workdir) -> None:
    before = sorted(workdir.root.rglob("*"))
    chosen(workdir, Choice(outcome="failed"))
    assert sorted(workdir.root.rglob("*")) == before and faultlist(workdir, "a") == {}


def test_many_keys_cost_one_reading_of_their_group(tmp_path: Path) -> None:
    workdir, codes = Workdir(tmp_path.resolve()), [f"p{number}" for number in range(2000)]
    write_lines(workdir.main_list("a"), codes)
    with counted_reads() as reads:
        assert len(chosen(workdir, Choice(tuple(f"a:{code}" for code in codes)))) == 2000
    assert reads["a/proj_codes/main.txt"] == 1
