"""A selection as it is kept with its group."""

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.sources import source_checksums
from padocc_dagster.selection import read_group_config, select_again
from padocc_dagster.selection.stac.manifest import manifest_of
from padocc_dagster_tests.pipeline.projects import initialised
from padocc_dagster_tests.selection.stac import cci, cmip6
from padocc_dagster_tests.selection.stac.records import Archive
from padocc_dagster_tests.selection.stac.selecting import SERVER, item, selection
from padocc_dagster_tests.selection.stac.static_catalogue import write_static


def manifest(*items: Any, **more: Any) -> dict[str, Any]:
    return manifest_of(selection(items, **more), {"group": "g"}, Path("/inbox/g.yaml"))


def test_it_holds_what_was_asked_and_what_was_given() -> None:
    made = item("a", updated="2025-01-01T00:00:00Z")
    made["assets"]["data0"]["file:checksum"] = "1220ab"
    found = manifest(made, item("b"), left_out={("c", "x"): "retracted"})
    assert (found["catalogue"], found["config"], found["file"], found["whole"]) == (SERVER, {"group": "g"}, "/inbox/g.yaml", True)
    assert found["left_out"] == [["c", "x", "retracted"]]
    first, second = found["projects"]["c"]["items"]
    assert (first["collection"], first["id"], first["updated"]) == ("c", "a", "2025-01-01T00:00:00Z")
    assert first["checksums"] == {"/d/a.nc": "1220ab"}
    assert "checksums" not in second and second["updated"] == ""
    assert datetime.datetime.fromisoformat(found["selected"]).tzinfo


def test_it_is_json_that_comes_back_as_it_was() -> None:
    found = manifest(item("a", v=["é"]), left_out={("c", "x"): "aggregated"})
    assert json.loads(json.dumps(found)) == found


def test_a_config_with_dates_is_json_too() -> None:
    days = {"stac": {"datetime": datetime.date(2020, 1, 1), "ids": [datetime.datetime(2020, 1, 1, 10)]}}
    found = manifest_of(selection([item()]), days, Path("/x"))
    assert found["config"] == {"stac": {"datetime": "2020-01-01", "ids": ["2020-01-01T10:00:00"]}}


def test_its_summary_is_for_a_person() -> None:
    items = [item(f"i{number}", first=number) for number in range(5)]
    left = {("c", "x"): "retracted", ("c", "y"): "aggregated", ("c", "z"): "aggregated"}
    summary = manifest(*items, left_out=left)["summary"]
    assert (summary["selected projects"], summary["selected items"], summary["first items"]) == (1, 5, "i0, i1, i2")
    assert (summary["left out, aggregated"], summary["left out, retracted"]) == (2, 1) and "not all" not in summary


@pytest.mark.parametrize(("matched", "begin"), [(250, "of 250 items that match: "), (None, "more items match: ")])
def test_a_selection_that_is_not_whole_says_so(matched: int | None, begin: str) -> None:
    assert manifest(item(), whole=False, matched=matched)["summary"]["not all"].startswith(begin)


def test_a_selection_is_made_again_from_it(tmp_path: Path) -> None:
    archive, dataset = Archive(tmp_path / "archive", str(tmp_path / "archive")), cci.Dataset()
    items = cci.written(archive, dataset)
    write_static(tmp_path / "cat", cci.collections([dataset]), items)
    (tmp_path / "g.yaml").write_text("stac:\n  catalogue: cat\n  datetime: 2000-01-01\n  projects: collection\n")
    first = read_group_config(tmp_path / "g.yaml")
    (tmp_path / "g.yaml").unlink()
    again = select_again(json.loads(json.dumps(first.manifest)))
    assert again.group == first.group == "g" and again.projects == first.projects
    assert {**again.manifest, "selected": ""} == {**first.manifest, "selected": ""}


def test_the_checksums_of_a_catalogue_go_to_the_project_with_its_files(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", str(tmp_path / "archive"))
    write_static(tmp_path / "cat", [cmip6.collection()], [cmip6.written(archive, checksum=True)])
    (tmp_path / "g.yaml").write_text("stac: {catalogue: cat}\n")
    (project,) = read_group_config(tmp_path / "g.yaml").projects
    assert list(project.checksums) == list(project.files)
    assert all(checksum.startswith("1220") for checksum in project.checksums.values())
    assert "checksums" not in project.as_dict()
    initialised(Workdir(tmp_path / "work"), "g", project)
    assert source_checksums(Workdir(tmp_path / "work"), Project("g", project.code)) == project.checksums
    initialised(Workdir(tmp_path / "work"), "g", replace(project, checksums={}), again=True)
    assert source_checksums(Workdir(tmp_path / "work"), Project("g", project.code)) == {}
