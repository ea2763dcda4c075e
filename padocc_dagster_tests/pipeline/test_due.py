"""Which phases start by themselves, by PADOCC's files alone."""

from pathlib import Path

import pytest

from padocc_dagster.pipeline.due import due_projects
from padocc_dagster.pipeline.files import write_json, write_lines, write_text
from padocc_dagster.pipeline.layout import Project, Workdir

KEYS = ("g:a", "g:b")


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    workdir = Workdir(tmp_path / "work")
    write_lines(workdir.main_list("g"), ["a", "b"])
    return workdir


def rows(workdir: Workdir, code: str, *ends: tuple[str, str]) -> None:
    write_lines(workdir.status_log(Project("g", code)), [f"{phase},{status},10:00 01/01/26," for phase, status in ends])


INIT, SCAN, COMPUTED, VALIDATED = ("init", "Success"), ("scan", "Success"), ("compute", "Success"), ("validate", "(K)Warn-x")


@pytest.mark.parametrize(
    ("phase", "ends"),
    [
        ("scan", [INIT]),
        ("scan", [INIT, SCAN, INIT]),
        ("scan", [INIT, ("scan", "Failed-KeyError"), INIT]),
        ("compute", [INIT, SCAN]),
        ("compute", [INIT, SCAN, COMPUTED, SCAN]),
        ("validate", [INIT, SCAN, COMPUTED]),
        ("validate", [INIT, SCAN, COMPUTED, VALIDATED, ("compute", "Failed-ProductDiffersFromSource"), COMPUTED]),
    ],
    ids=str,
)
def test_a_phase_is_due_when_what_it_builds_on_passed_and_it_was_not_tried_since(workdir: Workdir, phase: str, ends: list) -> None:
    rows(workdir, "a", *ends)
    assert due_projects(workdir, KEYS, phase) == {"g:a"}


@pytest.mark.parametrize(
    ("phase", "ends"),
    [
        ("scan", []),
        ("scan", [INIT, SCAN]),
        ("scan", [INIT, ("scan", "Failed-KeyError")]),
        ("scan", [INIT, ("scan", "Pending")]),
        ("compute", [INIT]),
        ("compute", [INIT, SCAN, ("compute", "Pending")]),
        ("compute", [INIT, SCAN, ("compute", "(V>K)Failed-KeyError")]),
        ("compute", [INIT, SCAN, COMPUTED]),
        ("compute", [INIT, SCAN, COMPUTED, INIT]),
        ("validate", [INIT, SCAN, ("compute", "SubsetDeployed")]),
        ("validate", [INIT, SCAN, COMPUTED, ("validate", "(K)Fatal-data_errors")]),
        ("validate", [INIT, SCAN, COMPUTED, SCAN]),
        ("complete", [INIT, SCAN, COMPUTED, VALIDATED, ("complete", "Success")]),
    ],
    ids=str,
)
def test_what_was_done_or_tried_or_is_being_done_is_not_started(workdir: Workdir, phase: str, ends: list) -> None:
    rows(workdir, "a", *ends)
    assert due_projects(workdir, KEYS, phase) == set()


def test_what_is_given_up_on_or_no_longer_listed_is_not_started(workdir: Workdir) -> None:
    for code in "abc":
        rows(workdir, code, INIT)
    write_text(workdir.faultlist("g"), "a,broken")
    assert due_projects(workdir, [*KEYS, "g:c", "elsewhere:a", "no key"], "scan") == {"g:b"}


def test_only_a_product_that_this_package_compared_is_published_by_itself(workdir: Workdir) -> None:
    for code in "ab":
        rows(workdir, code, INIT, SCAN, COMPUTED, VALIDATED)
    write_json(workdir.comparison(Project("g", "a")), {"passed": True})
    assert due_projects(workdir, KEYS, "complete") == {"g:a"}
