"""The overview of a group, made from its projects' status logs."""

import base64
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.assets.overview import group_overview, picture
from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import PhaseEnded
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.groups import group_states
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.pipeline.workdir.used import Requested, Used
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


def test_what_runs_requested_is_shown_beside_what_they_used_and_taught(workdir: Workdir) -> None:
    requested = Requested(wall_seconds=3600, memory_mib=2048, cpus=1)
    for code, seconds in (("fine", 60.0), ("warned", 180.0)):
        for phase, mib in (("scan", 300), ("compute", 500)):
            used = Used(seconds=seconds, cpu_seconds=seconds, peak_mib=mib, requested=requested)
            project = Project("g", code)
            record(
                workdir, project, PhaseEnded(project=str(project), phase=phase, verdict=Verdict.OK, status="Success", run=code, used=used)
            )
    result = group_overview(dg.build_asset_context(partition_key="g"), padocc=Padocc(root=str(workdir.root)))
    scan, compute, whole = (record.data for record in result.metadata["requested and used"].records)
    assert (scan["of"], scan["ended"], scan["time used"], scan["time requested"]) == ("scan", "2", "2 min (3)", "")
    assert compute["memory used"] == "500 MiB (500)" and compute["memory requested"] == "2048 MiB (2048)"
    assert (whole["of"], whole["time used"], whole["time requested"], whole["CPU hours"]) == (
        "whole run",
        "4 min (6)",
        "60 min (60)",
        "0.13",
    )
