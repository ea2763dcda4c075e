"""The overview of a group, made from its projects' status logs."""

import base64
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.assets.overview import group_overview, picture
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.groups import group_states
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.resources import Padocc

ENDS = {
    "fine": ("complete", "Success"),
    "warned": ("validate", "(V>K)Warn-bypassed"),
    "failed": ("scan", "Failed-UnreadableSourceError"),
    "running": ("compute", "Pending"),
    "new": None,
}


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    workdir = Workdir(tmp_path)
    write_lines(workdir.main_list("g"), list(ENDS))
    for code, end in ENDS.items():
        if end:
            append_row(workdir.status_log(Project("g", code)), *end)
    return workdir


def test_the_overview_counts_projects_and_says_why_some_stopped_and_what_to_do(workdir: Workdir) -> None:
    result = group_overview(dg.build_asset_context(partition_key="g"), padocc=Padocc(root=str(workdir.root)))
    assert result.metadata["projects"] == 5
    assert result.metadata["stopped"] == 1
    (record,) = result.metadata["stopped projects"].records
    assert record.data["project"] == "failed"
    assert record.data["what it means"] == "source files are damaged or no NetCDF files"
    assert record.data["what to do"].startswith("replace the files named")
    assert record.data["command"] == "padocc-dagster rescan g:failed --why 'after UnreadableSourceError'"


def test_a_project_on_the_faultlist_is_shown_with_its_reason(workdir: Workdir) -> None:
    workdir.faultlist("g").write_text("fine,no time left\n")
    result = group_overview(dg.build_asset_context(partition_key="g"), padocc=Padocc(root=str(workdir.root)))
    found = {record.data["project"]: record.data for record in result.metadata["stopped projects"].records}
    assert found["fine"]["why"] == "on the faultlist: no time left"
    assert "faultlist.csv" in found["fine"]["what to do"]
    assert found["fine"]["command"] == "padocc-dagster faultlist remove g:fine --why 'after Faultlisted'"


def test_the_picture_is_an_image_that_needs_no_file(workdir: Workdir) -> None:
    head, data = picture(group_states(workdir, "g")).rstrip(")").split(",")
    assert head.endswith("data:image/png;base64")
    assert base64.b64decode(data).startswith(b"\x89PNG")
