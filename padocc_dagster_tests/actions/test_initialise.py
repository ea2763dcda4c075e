"""A group config becomes the projects of a group: in one run, all or nothing, and what became of the file is recorded."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.actions import initialise as action
from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.groups import project_codes
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.pipeline.workdir.readings import read_before, version_of
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.resources import Padocc
from padocc_dagster_tests.actions.results import QUIET, failure, killed_at

PROJECTS = 1000


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    made = Workdir(tmp_path.resolve() / "work")
    made.inbox.mkdir(parents=True)
    return made


def run(workdir: Workdir, config: Path) -> dg.ExecuteInProcessResult:
    return action.initialise_group.execute_in_process(
        resources={"padocc": Padocc(root=str(workdir.root))},
        run_config={"ops": {"initialise_projects": {"config": {"path": str(config)}}}, "loggers": QUIET},
        raise_on_error=False,
    )


def rows(workdir: Workdir, group: str = "group") -> dict[str, int]:
    """Code → how many rows its status log has."""
    return {code: len(read_rows(workdir.status_log(Project(group, code)))) for code in project_codes(workdir, group)}


def record(workdir: Workdir, name: str = "group.csv") -> dict[str, Any]:
    return dict(read_json(workdir.inbox_record(name)))


def junk(folder: Path, *names: str) -> str:
    """Files that hold no data at all: whoever opens one fails. Returns their pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"not a dataset")
    return f"{folder}/*.nc"


def test_a_thousand_projects_are_initialised_without_opening_a_data_file(
    workdir: Workdir, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    config = workdir.inbox / "large.csv"
    lines = [f"p{number},{junk(tmp_path / 'sources' / str(number), 'a.nc', 'b.nc')},," for number in range(PROJECTS)]
    config.write_text("\n".join(lines))
    begin = time.time()
    assert run(workdir, config).success
    record_property("figure", f"{PROJECTS} projects of a CSV: {time.time() - begin:.1f} s until they are initialised")
    assert len(project_codes(workdir, "large")) == PROJECTS and is_managed(workdir, "large")


def test_only_what_changed_is_initialised_again(workdir: Workdir, tmp_path: Path) -> None:
    first, second = junk(tmp_path / "one", "a.nc"), junk(tmp_path / "two", "a.nc")
    config = workdir.inbox / "group.csv"
    config.write_text(f"one,{first},,\ntwo,{second},,\n")
    for _ in range(2):
        assert run(workdir, config).success
        assert rows(workdir) == {"one": 1, "two": 1}
    junk(tmp_path / "two", "b.nc")
    config.write_text(f"one,{first},,\ntwo,{second},,\nthree,{first},,\n")
    assert run(workdir, config).success
    assert rows(workdir) == {"one": 1, "two": 2, "three": 1}


def test_a_project_that_left_the_config_stays(workdir: Workdir, tmp_path: Path) -> None:
    pattern = junk(tmp_path / "one", "a.nc")
    config = workdir.inbox / "group.csv"
    config.write_text(f"one,{pattern},,\ntwo,{pattern},,\n")
    run(workdir, config)
    config.write_text(f"one,{pattern},,\n")
    assert run(workdir, config).success
    assert rows(workdir) == {"one": 1, "two": 1}
    assert workdir.base_cfg(Project("group", "two")).exists()


def test_a_config_with_bad_lines_initialises_nothing_and_is_recorded_with_every_problem(workdir: Workdir, tmp_path: Path) -> None:
    config = workdir.inbox / "group.csv"
    config.write_text(f"one,{junk(tmp_path / 'one', 'a.nc')},,\n$(touch x),/nowhere/*.nc,,\n")
    result = run(workdir, config)
    assert not result.success and "Nothing was initialised" in str(failure(result).description)
    assert not (workdir.root / "groups").exists() and not (workdir.root / "in_progress").exists()
    found = record(workdir)
    assert (found["result"], found["version"], found["run"]) == ("rejected", version_of(config), result.run_id)
    assert {problem["line"] for problem in found["problems"]} == {2} and all(problem["problem"] for problem in found["problems"])


def test_what_was_initialised_is_recorded_by_its_version(workdir: Workdir, tmp_path: Path) -> None:
    config = workdir.inbox / "group.csv"
    config.write_text(f"one,{junk(tmp_path / 'one', 'a.nc')},,\n")
    result = run(workdir, config)
    found = record(workdir)
    assert (found["result"], found["problems"], found["run"]) == ("initialised", [], result.run_id)
    assert read_before(workdir, "group.csv") == version_of(config)


def test_a_file_elsewhere_is_initialised_and_not_recorded(workdir: Workdir, tmp_path: Path) -> None:
    config = tmp_path / "group.csv"
    config.write_text(f"one,{junk(tmp_path / 'one', 'a.nc')},,\n")
    assert run(workdir, config).success and rows(workdir) == {"one": 1}
    assert not workdir.inbox_record("group.csv").exists()


@pytest.mark.parametrize("stop", ["initialise", "record_reading"])
def test_an_initialisation_that_was_killed_is_not_on_record_and_is_finished_by_the_next(
    stop: str, workdir: Workdir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = workdir.inbox / "group.csv"
    config.write_text(f"one,{junk(tmp_path / 'one', 'a.nc')},,\n")
    killed_at(monkeypatch, action, stop, lambda: run(workdir, config))
    assert read_before(workdir, "group.csv") == ""
    assert run(workdir, config).success
    assert rows(workdir) == {"one": 1} and record(workdir)["result"] == "initialised"
