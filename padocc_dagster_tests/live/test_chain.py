"""From a group config in the inbox to published products, on a live instance."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
import xarray

from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import Compared
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.live.conftest import PATIENCE, Live
from padocc_dagster_tests.make_netcdf import Series, cut_short, unsorted_names

Record = Callable[[str, object], None]
SERIES = Series(lengths=(4,) * 12, names=unsorted_names(12))


def published(live: Live, group: str, name: str, suffix: str) -> Path:
    return live.workdir.completed / group / name / f"{name}{suffix}"


def equals_sources(product: Path, sources: Path, count: int) -> bool:
    engine = "zarr" if product.suffix == ".zarr" else "kerchunk"
    files = [sources / f"m_{number + 1}.nc" for number in range(count)]
    with xarray.open_dataset(str(product), engine=engine) as made:
        with xarray.open_mfdataset(files, combine="nested", concat_dim="time", data_vars="minimal") as meant:
            return all(np.array_equal(made[name].values, meant[name].values) for name in meant.variables)


@pytest.fixture(scope="module", autouse=True)
def dropped(live: Live) -> float:
    """Three configs dropped at once: a good one, one with a source file that cannot be read, and one that is rejected. Returns when."""
    refs = {"code": "refs", "pattern": live.series("refs", SERIES), "updates": {"title": "as asked"}}
    store = {"code": "store", "pattern": live.series("store", SERIES, seed=1), "options": {"cloud_format": "zarr"}}
    live.series("broken", Series())
    cut_short(live.sources / "broken" / "f_001.nc")
    live.drop("first", [refs, store])
    live.drop("second", [{"code": "broken", "pattern": f"{live.sources}/broken/*.nc"}])
    live.drop_text("bad.csv", "a;touch x,/nowhere/*.nc,,\nb,/nowhere/else/*.nc,,\n")
    return time.monotonic()


@pytest.fixture(scope="module", autouse=True)
def watches(live: Live, dropped: float) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Group → a `status --watch` of it that began before anything was read from the inbox."""
    words = [sys.executable, "-m", "padocc_dagster.cli", "status", "--watch", "-w", str(live.workdir.root)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    started = {group: subprocess.Popen([*words, group], **pipes) for group in ("first", "second", "bad")}
    try:
        yield started
    finally:
        for process in started.values():
            process.kill()


@pytest.fixture(scope="module")
def corrected(live: Live) -> bytes:
    """The three configs corrected, or changed, at once. Returns the references that are published until then."""
    live.wait("the first products", lambda: both_published(live))
    live.wait("the failure", lambda: live.state("second:broken").verdict is Verdict.FAILED)
    live.wait("the rejection", lambda: all(run.is_finished for run in rejections(live)) and rejections(live))
    before = published(live, "first", "refs_k1.0", ".json").read_bytes()
    store = {"code": "store", "pattern": f"{live.sources}/store/*.nc", "options": {"cloud_format": "zarr"}}
    live.drop("first", [{"code": "refs", "pattern": f"{live.sources}/refs/*.nc", "updates": {"title": "better"}}, store])
    live.drop("second", [{"code": "broken", "files": [f"{live.sources}/broken/f_000.nc", f"{live.sources}/broken/f_002.nc"]}])
    live.drop_text("bad.csv", f"good,{live.series('good')},,\n")
    return before


def both_published(live: Live) -> bool:
    return {live.state("first:refs").phase, live.state("first:store").phase} == {"complete"}


def rejections(live: Live) -> list[dg.DagsterRun]:
    return live.runs(**{"padocc/group_config": "bad.csv"})


def test_a_dropped_config_ends_in_published_products_that_equal_their_sources(live: Live, dropped: float, record_property: Record) -> None:
    live.wait("both products", lambda: both_published(live))
    record_property("figure", f"two projects of 12 files, from the inbox to published products: {time.monotonic() - dropped:.0f} s")
    refs, store = published(live, "first", "refs_k1.0", ".json"), published(live, "first", "store_zr1.0", ".zarr")
    assert equals_sources(refs, live.sources / "refs", 12)
    assert equals_sources(store, live.sources / "store", 12)
    assert xarray.open_dataset(str(refs), engine="kerchunk").attrs["title"] == "as asked"
    report = json.loads((refs.parent / "refs_k1.0_report.json").read_text())
    assert report["comparison"]["problems"] == []


def test_a_watch_goes_on_until_all_is_over_and_ends_with_a_status_that_says_how_the_group_ended(
    live: Live, watches: dict[str, subprocess.Popen[str]]
) -> None:
    shown = {group: process.communicate(timeout=PATIENCE)[0] for group, process in watches.items()}
    assert {group: process.returncode for group, process in watches.items()} == {"first": 0, "second": 1, "bad": 1}, shown
    before, _, after = shown["first"].partition("2 of 2 published.")
    assert before and f"Web page: {live.url}" in after  # which states it sees between depends on how fast the machine is
    assert "0 of 1 published, 1 stopped." in shown["second"] and "UnreadableSourceError" in shown["second"]
    assert "bad.csv was not accepted (3 problems)" in shown["bad"]


def test_up_reports_a_config_that_is_not_accepted(live: Live) -> None:
    output = live.process.stdout
    assert output is not None
    os.set_blocking(output.fileno(), False)
    said = bytearray()
    live.wait("the report", lambda: said.extend(output.read() or b"") or b"bad.csv was not accepted (3 problems)" in said)
    assert b"project code 'a;touch x' is not safe" in said


def test_one_run_takes_a_project_through_all_phases_once(live: Live) -> None:
    phases = [row.phase for row in live.rows("first:refs")]
    assert phases == ["init", "scan", "compute", "validate", "complete"]
    [run] = live.runs(**{"dagster/partition": "first:refs"})
    selection = sorted(key.to_user_string() for key in run.asset_selection or ())
    assert selection == ["cloud_product", "completed_product", "scan_report", "validation_report"]


def test_a_product_is_compared_once(live: Live) -> None:
    events = events_of(live.workdir, Project.parse("first:refs"))
    assert len([event for event in events if isinstance(event, Compared)]) == 1
    assert not live.instance.get_runs(dg.RunsFilter(job_name="compare_products"))


def test_the_cost_beside_padoccs_own_api_is_measured(live: Live, tmp_path: Path, record_property: Record) -> None:
    tags = {"dagster/partition": "first:refs"}
    records = live.wait("the last run", lambda: _ended(live.instance.get_run_records(dg.RunsFilter(tags=tags))))
    runs = sum(record.end_time - record.start_time for record in records)
    named_in_order = live.series("plain", Series(lengths=SERIES.lengths))  # PADOCC alone makes a wrong product of the others
    command = [sys.executable, str(Path(__file__).with_name("plain_padocc.py")), str(tmp_path), named_in_order]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    imported, worked = map(float, answer[-2:])
    record_property(
        "figure",
        f"one project of 12 files: {runs:.1f} s in its {len(records)} runs, comparison with the sources and publication included; "
        f"PADOCC's API in one process: {worked:.1f} s for scan, compute and validation, and {imported:.1f} s to import",
    )


def _ended(records: Sequence[dg.RunRecord]) -> Sequence[dg.RunRecord]:
    return records if records and all(record.end_time for record in records) else ()


def test_subsets_follow_their_members(live: Live) -> None:
    for subset in ("scan-success", "compute-success", "validate-success"):
        live.wait(subset, lambda s=subset: set(_subset(live, "first", s)) == {"refs", "store"})
    live.wait("the overview", lambda: live.instance.get_latest_materialization_event(dg.AssetKey("group_overview")))


def _subset(live: Live, group: str, subset: str) -> list[str]:
    path = live.workdir.subset_list(group, subset)
    return path.read_text().split("\n") if path.exists() else []


def test_a_project_that_fails_is_left_alone(live: Live) -> None:
    live.wait("the failure", lambda: live.state("second:broken").verdict is Verdict.FAILED)
    assert live.state("second:broken").why.startswith("UnreadableSourceError: 1 of 3 source files cannot be read")
    [run] = live.runs(**{"dagster/partition": "second:broken"})
    live.wait("its end", lambda: live.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE)


def test_a_rejected_config_shows_every_problem_and_is_not_tried_again(live: Live) -> None:
    run = live.wait("the rejection", lambda: rejections(live))[0]
    live.wait("its end", lambda: live.instance.get_run_by_id(run.run_id).is_finished)
    failure = next(record for record in live.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE))
    text = failure.dagster_event.step_failure_data.user_failure_data.description
    assert "line 1" in text and "line 2" in text and "Nothing was initialised" in text
    assert not live.workdir.group_dir("bad").exists()
    ticks = live.instance.get_ticks  # the sensor looks again, and finds nothing new
    sensor = next(state for state in live.instance.all_instigator_state() if state.instigator_name == "conductor")
    seen = len(ticks(sensor.instigator_origin_id, sensor.selector_id))
    live.wait("two more ticks", lambda: len(ticks(sensor.instigator_origin_id, sensor.selector_id)) >= seen + 2)
    assert len(rejections(live)) == 1
    assert len(live.runs(**{"dagster/partition": "second:broken"})) == 1


def test_a_changed_config_makes_a_new_version_beside_the_published_one(live: Live, corrected: bytes) -> None:
    after = published(live, "first", "refs_k1.1", ".json")
    live.wait("version 1.1", after.exists)
    assert xarray.open_dataset(str(after), engine="kerchunk").attrs["title"] == "better"
    assert published(live, "first", "refs_k1.0", ".json").read_bytes() == corrected
    assert [row.phase for row in live.rows("first:store")].count("compute") == 1


@pytest.mark.usefixtures("corrected")
@pytest.mark.parametrize("project", ["second:broken", "bad:good"])
def test_a_corrected_config_is_taken_up_and_ends_in_a_product(live: Live, project: str) -> None:
    live.wait("the corrected product", lambda: live.state(project).phase == "complete")
