"""A group brought up to date from its config: added, changed, left, published, interrupted; and a thousand projects at once."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.running.due import is_due
from padocc_dagster.pipeline.workdir.files import read_json, read_lines
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.specs import stored_spec
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster_tests.pipeline.killing import in_thread, killed_at_call
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec

FILES = ["/data/a_1.nc", "/data/a_2.nc"]


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    return Workdir(tmp_path / "work")


def scans_due(workdir: Workdir, *codes: str) -> bool:
    """Whether the next thing to do for these projects is a scan."""
    return all(is_due(read_rows(workdir.status_log(Project("grp", code))), "scan") for code in codes)


def test_a_changed_config_adds_changes_and_reports_what_left(workdir: Workdir) -> None:
    first = initialised(workdir, "grp", spec("a", FILES), spec("b", FILES), spec("c", FILES))
    assert first == {"created": ["a", "b", "c"], "changed": [], "unchanged": [], "left": [], "locked": []}
    second = initialised(workdir, "grp", spec("b", FILES[:1]), spec("c", FILES), spec("d", FILES))
    assert second == {"created": ["d"], "changed": ["b"], "unchanged": ["c"], "left": ["a"], "locked": []}
    assert project_codes(workdir, "grp") == ["a", "b", "c", "d"]
    assert workdir.base_cfg(Project("grp", "a")).exists()
    assert read_lines(workdir.allfiles(Project("grp", "b"))) == FILES[:1]
    assert [line.split(",")[0] for line in read_lines(workdir.datasets_csv("grp"))] == ["a", "b", "c", "d"]
    assert len(read_lines(workdir.status_log(Project("grp", "c")))) == 1
    assert len(read_lines(workdir.status_log(Project("grp", "b")))) == 2


def test_an_initialised_group_is_managed(workdir: Workdir) -> None:
    assert not is_managed(workdir, "grp")
    initialised(workdir, "grp", spec("a", FILES))
    assert is_managed(workdir, "grp")


def test_config_dictionaries_do_not_leak_from_project_to_project(workdir: Workdir) -> None:
    special = spec("a", FILES, updates={"title": "mine"}, removals=("history",), variables=("tas",), cfa=True)
    initialised(workdir, "grp", special, spec("b", FILES))
    base = read_json(workdir.base_cfg(Project("grp", "b")))
    assert (base["updates"], base["removals"], base["keep_vars"], base["disable_CFA"]) == ({}, [], "all", True)


def test_an_initialisation_killed_at_any_write_is_completed_by_the_next(tmp_path: Path) -> None:
    specs = [spec("a", FILES), spec("b", FILES, updates={"x": "y"})]
    projects = [{**one.as_dict(), "files": list(one.files)} for one in specs]
    count = -1
    while True:
        count += 2
        workdir = Workdir(tmp_path / f"work{count}")
        killed = killed_at_call("os.replace", count, "initialise", root=str(workdir.root), group="grp", projects=projects)
        initialised(workdir, "grp", *specs)
        assert project_codes(workdir, "grp") == ["a", "b"]
        assert is_managed(workdir, "grp") and scans_due(workdir, "a", "b"), count
        assert initialised(workdir, "grp", *specs)["unchanged"] == ["a", "b"]
        for one in specs:
            assert stored_spec(workdir, Project("grp", one.code)) == one
            assert read_lines(workdir.allfiles(Project("grp", one.code))) == FILES
        if not killed:
            break
    assert count > 8


def test_a_change_killed_at_any_write_is_completed_by_the_next(tmp_path: Path) -> None:
    old, new = [spec("a", FILES)], [spec("a", FILES[:1])]
    projects = [{**one.as_dict(), "files": list(one.files)} for one in new]
    count, killed = 0, True
    while killed:
        count += 1
        workdir = Workdir(tmp_path / f"work{count}")
        initialised(workdir, "grp", *old)
        append_row(workdir.status_log(Project("grp", "a")), "scan", "Success")
        killed = killed_at_call("os.replace", count, "initialise", root=str(workdir.root), group="grp", projects=projects)
        initialised(workdir, "grp", *new)
        assert scans_due(workdir, "a"), count
        assert read_lines(workdir.allfiles(Project("grp", "a"))) == FILES[:1]
        assert initialised(workdir, "grp", *new)["unchanged"] == ["a"]
    assert count > 5


def test_a_published_project_that_changes_gets_the_next_version(at: Callable[[str], Made]) -> None:
    made = at("validated")
    made.through("publish")
    initialised(made.workdir, "grp", spec("proj", made.sources, updates={"title": "new"}))
    assert read_json(made.workdir.base_cfg(made.project))["version_no"] == "1.1"
    assert made.run("compute").error_class == "GateClosedError"
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    made.through("validate", "publish")
    assert made.published() == ["proj_k1.0", "proj_k1.1"]
    assert "new" in (made.workdir.completed / "grp" / "proj_k1.1" / "proj_k1.1.json").read_text()


def test_two_writers_of_one_group_lose_nothing_of_each_other(workdir: Workdir) -> None:
    from padocc_dagster.pipeline.running import phases

    calls = [lambda n=n: phases.initialise_group(workdir, "grp", [spec(f"p{n}", FILES)], whole=False) for n in range(4)]
    results = [in_thread(call) for call in calls]
    assert [result()["created"] for result in results] == [["p0"], ["p1"], ["p2"], ["p3"]]
    assert sorted(project_codes(workdir, "grp")) == ["p0", "p1", "p2", "p3"]
    assert scans_due(workdir, "p0", "p1", "p2", "p3")
    assert len(read_lines(workdir.datasets_csv("grp"))) == 4


def test_a_thousand_projects_are_initialised_within_a_minute(workdir: Workdir) -> None:
    specs = [spec(f"p{number:04d}", [f"/data/{number}_{part}.nc" for part in range(10)]) for number in range(1000)]
    begun = time.monotonic()
    assert len(initialised(workdir, "grp", *specs)["created"]) == 1000
    made = time.monotonic()
    assert len(initialised(workdir, "grp", *specs)["unchanged"]) == 1000
    print(f"1000 projects: made in {made - begun:.1f} s, found unchanged in {time.monotonic() - made:.1f} s")
    assert made - begun < 60
