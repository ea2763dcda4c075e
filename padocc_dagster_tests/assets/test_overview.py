"""The overview of a group, made from its projects' files."""

import base64
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.assets.bars import KEY, bars
from padocc_dagster.assets.overview import group_overview
from padocc_dagster.pipeline.board import read_facts
from padocc_dagster.pipeline.workdir.files import append_text, write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.resources import Padocc
from padocc_dagster_tests.pipeline.board.groups import write_group

ENDS = {
    "fine": ("complete", "Success"),
    "warned": ("validate", "(V>K)Warn-bypassed"),
    "failed": ("scan", "Failed-UnreadableSourceError"),
    "running": ("compute", "Pending"),
    "new": None,
}
SHOWN_AT_ONCE = 1000
"""Characters of Markdown from which on Dagster hides it (its `MetadataEntry`, with `expandSmallValues`)."""


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    workdir = Workdir(tmp_path)
    write_lines(workdir.main_list("g"), list(ENDS))
    for code, end in ENDS.items():
        if end:
            append_row(workdir.status_log(Project("g", code)), *end)
    return workdir


def overview(workdir: Workdir) -> dict[str, Any]:
    return dict(group_overview(dg.build_asset_context(partition_key="g"), padocc=Padocc(root=str(workdir.root))).metadata)


def test_the_overview_counts_projects_and_says_why_some_stopped_and_what_to_do(workdir: Workdir) -> None:
    found = overview(workdir)
    assert (found["projects"], found["stopped"], found["at work"]) == (5, 1, 1)
    (failure,), (project,) = found["what stopped"].records, found["stopped projects"].records
    assert failure.data["what stopped"] == "UnreadableSourceError in scan"
    assert failure.data["what it means"] == "source files are damaged or no NetCDF files"
    command = f"padocc-dagster rescan g:failed -w {workdir.root} --why 'after UnreadableSourceError'"
    assert failure.data["what to do"].startswith("replace the files named") and failure.data["what to do"].endswith(command)
    assert (project.data["project"], project.data["phase"]) == ("failed", "scan")


def test_a_project_on_the_faultlist_is_shown_with_its_reason(workdir: Workdir) -> None:
    workdir.faultlist("g").write_text("fine,no time left\n")
    found = overview(workdir)
    shown = {record.data["project"]: record.data for record in found["stopped projects"].records}
    assert shown["fine"]["why"] == "on the faultlist: no time left"
    remedies = {record.data["what stopped"]: record.data["what to do"] for record in found["what stopped"].records}
    assert "faultlist.csv" in remedies["Faultlisted in complete"]
    assert "padocc-dagster faultlist remove g:fine" in remedies["Faultlisted in complete"]


def test_the_picture_is_an_image_that_needs_no_file(workdir: Workdir) -> None:
    head, data = bars(read_facts(workdir, "g")).partition(")")[0].split(",")
    assert head.endswith("data:image/svg+xml;base64")
    assert base64.b64decode(data).startswith(b"<svg") and b">scan 0<" in base64.b64decode(data)


def test_dagster_shows_the_picture_at_once_however_many_projects_there_are_in_all_phases(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    write_lines(workdir.main_list("g"), [f"p{number:04d}" for number in range(1500)])
    statuses = ("Success", "Warn-bypassed", "Failed-KeyError", "Pending", "Skipped")
    ends = [(phase, status) for phase in ("init", "scan", "compute", "validate", "complete") for status in statuses]
    for number in range(1500):
        log = workdir.status_log(Project("g", f"p{number:04d}"))
        log.parent.mkdir(parents=True)
        log.write_text("{},{},08:00 01/03/26,".format(*ends[number % len(ends)]))
    assert len(bars(read_facts(workdir, "g"))) < SHOWN_AT_ONCE


def test_the_picture_of_a_group_without_projects_is_empty(tmp_path: Path) -> None:
    assert bars([]).startswith("![projects by phase](data:image/svg+xml")


def test_figures_are_numbers_which_dagster_plots(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    write_group(workdir, "g", {"a": ("complete", "ok"), "b": ("compute", "at work"), "c": ("scan", "KeyError"), "d": ("scan", "ok")})
    append_text(workdir.portraits("g"), '{"name": "a_k1.0", "boxes": [], "png": "", "caption": ""}\n')
    found = overview(workdir)
    figures = {name: value for name, value in found.items() if isinstance(value, int | float)}
    assert [figures[name] for name in ("published", "at work", "waiting", "stopped")] == [1, 1, 1, 1]
    assert figures["source GB scanned"] == 0.012 and figures["product GB"] == 1e-6 and figures["core-hours used"] > 0
    assert found["picture"].value.endswith(KEY)


def test_the_board_is_written_and_linked(workdir: Workdir) -> None:
    shown = overview(workdir)
    path = Path(shown["board as a file"].path)
    assert shown["board"].url == "/board/g" and path == workdir.board("g") and "UnreadableSourceError" in path.read_text()


def test_what_runs_requested_is_shown_beside_what_they_used_and_taught(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    write_group(workdir, "g", {"a": ("compute", "ok"), "b": ("compute", "ok")})
    scan, compute, whole = (record.data for record in overview(workdir)["requested and used"].records)
    assert (scan["of"], scan["ended"], scan["time used"], scan["time requested"]) == ("scan", "2", "0.2 min (0.2)", "")
    assert compute["memory used"] == "600 MiB (600)" and compute["memory requested"] == "2048 MiB (2048)"
    assert (whole["of"], whole["time used"], whole["time requested"]) == ("whole run", "0.42 min (0.42)", "60 min (60)")
