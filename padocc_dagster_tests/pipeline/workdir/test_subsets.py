"""Subsets as PADOCC's own command reads them, and plain PADOCC at work on the same groups."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from padocc_dagster.pipeline.workdir.groups import last_change, last_refresh, project_codes, write_subsets
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import append_row, read_rows
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec


def group_of(tmp_path: Path) -> Workdir:
    """Four projects: scanned, scanned, failed, scanned and given up."""
    workdir = Workdir(tmp_path / "work")
    initialised(workdir, "grp", *(spec(code, ["/data/x.nc"]) for code in ("a", "b", "c", "d")))
    for code, status in (("a", "Success"), ("b", "Success"), ("c", "Failed-ValueError"), ("d", "Success")):
        append_row(workdir.status_log(Project("grp", code)), "scan", status)
    workdir.faultlist("grp").write_text("d,no time left\n")
    return workdir


def test_a_subset_holds_what_passed_and_padocc_reads_it(tmp_path: Path) -> None:
    from padocc import GroupOperation

    workdir = group_of(tmp_path)
    assert write_subsets(workdir, "grp") == {"scan": ["a", "b"], "compute": [], "validate": []}
    group = GroupOperation("grp", str(workdir.root))
    assert list(group.proj_codes["scan-success"].get()) == ["a", "b"]
    assert group.get_project(1, repeat_id="scan-success").proj_code == "b"


def test_padoccs_own_command_works_on_the_subset_alone(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    initialised(made.workdir, "grp", spec("proj", made.sources), spec("other", made.sources))
    write_subsets(made.workdir, "grp")
    padocc = Path(sys.executable).with_name("padocc")
    command = [str(padocc), "compute", "-G", "grp", "-r", "scan-success", "-w", str(made.workdir.root)]
    environment = {name: value for name, value in os.environ.items() if name != "WORKDIR"}  # padocc ends badly when both are given
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert made.statuses[-1] == ("compute", "Success")
    assert [row.phase for row in read_rows(made.workdir.status_log(Project("grp", "other")))] == ["init"]


def test_a_subset_without_members_has_no_file(tmp_path: Path) -> None:
    workdir = group_of(tmp_path)
    write_subsets(workdir, "grp")
    for code in "ab":
        append_row(workdir.status_log(Project("grp", code)), "init", "Success")
    assert write_subsets(workdir, "grp") == {"scan": [], "compute": [], "validate": []}
    assert not workdir.subset_list("grp", "scan-success").exists()
    assert not workdir.subset_list("grp", "compute-success").exists()


def test_what_was_refreshed_is_noted_with_the_subsets(tmp_path: Path) -> None:
    workdir = group_of(tmp_path)
    assert last_refresh(workdir, "grp") == ""
    write_subsets(workdir, "grp")
    assert last_refresh(workdir, "grp") == last_change(workdir, "grp")
    append_row(workdir.status_log(Project("grp", "c")), "scan", "Success")
    assert last_refresh(workdir, "grp") != last_change(workdir, "grp")


def test_a_change_within_the_clock_s_grain_is_a_change(tmp_path: Path) -> None:
    workdir = group_of(tmp_path)
    log, before = workdir.status_log(Project("grp", "c")), last_change(workdir, "grp")
    times = [max(workdir.status_log(Project("grp", code)).stat().st_mtime_ns for code in "abcd")] * 2
    append_row(log, "scan", "Success")
    os.utime(log, ns=(times[0], times[1]))
    assert last_change(workdir, "grp") != before


def test_plain_padocc_opens_and_runs_a_group_made_here(at: Callable[[str], Made]) -> None:
    from padocc import GroupOperation

    made = at("computed")
    group = GroupOperation("grp", str(made.workdir.root))
    assert len(group) == 1
    assert [project.proj_code for project in group] == ["proj"]
    assert group["proj"].get_last_status().startswith("compute,Success")
    assert group["proj"].base_cfg["proj_code"] == "proj"
    group.run("validate", mode="kerchunk")
    assert read_rows(made.workdir.status_log(made.project))[-1].phase == "validate"
    assert read_rows(made.workdir.status_log(made.project))[-1].verdict is not None
    assert made.verified()["passed"]
    assert made.run("publish").passed


def test_a_group_that_plain_padocc_made_is_processed_here(tmp_path: Path) -> None:
    from padocc import GroupOperation

    files = write(tmp_path / "sources", Series(lat=12, lon=12))
    made = Made(tmp_path)
    made.workdir.root.mkdir()
    GroupOperation("grp", str(made.workdir.root)).init_group([f"proj,{Path(files[0]).parent}/*.nc,,"])
    assert project_codes(made.workdir, "grp") == ["proj"]
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    made.through("validate", "publish")
    assert made.published() == ["proj_k1.0"]
