"""Faults of PADOCC 1.5.1 that give wrong products or none: here a product equals its sources or is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.make_netcdf import Series, unsorted_names
from padocc_dagster_tests.pipeline.projects import Made, make

BIG = {"lat": 12, "lon": 12}
SERIES = {
    "names whose order is not time's": Series(lengths=(4,) * 11, names=unsorted_names(11), **BIG),
    "names in reverse": Series(names=("c.nc", "b.nc", "a.nc"), **BIG),
    "NetCDF3": Series(format="NETCDF3_64BIT_OFFSET", **BIG),
    "one file": Series(lengths=(6,), **BIG),
    "two files": Series(lengths=(4, 4), **BIG),
    "a chunk a step": Series(chunk=1, **BIG),
    "units that vary by file": Series(varying_units=True, **BIG),
    "a shorter last file": Series(lengths=(4, 4, 3), **BIG),
    "a fixed field": Series(orog=True, **BIG),
}


@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES.keys())
def test_the_product_equals_its_sources(tmp_path: Path, series: Series) -> None:
    made = make(tmp_path, series)
    made.through("scan", "compute")
    assert made.verified()["problems"] == []


def test_a_fixed_field_that_differs_by_file_is_refused_for_what_is_lost(tmp_path: Path) -> None:
    made = make(tmp_path, Series(orog_per_file=True, **BIG))
    made.through("scan", "compute")
    assert "orog differs" in made.verified()["problems"][0]
    assert made.run("validate").error_class == "GateClosedError"


@pytest.mark.parametrize("aggregator", ["V", "K"])
def test_only_the_variables_asked_for_are_kept_whatever_the_aggregator(tmp_path: Path, aggregator: str) -> None:
    made = make(tmp_path, Series(packed=True, **BIG), variables=("tas",), aggregator=aggregator)
    made.through("scan", "compute")
    references = json.loads(made.product.read_text())["refs"]
    assert "tas/.zarray" in references
    assert not [key for key in references if key.startswith("pr/")]
    assert made.verified()["problems"] == []


def test_stale_caches_are_not_used(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    (made.folder / "cache").mkdir(exist_ok=True)
    one = next((made.folder / "cache").glob("[0-9].json"), None)
    for number in range(3):
        (made.folder / "cache" / f"{number}.json").write_text(one.read_text() if one else '{"version": 1, "refs": {}}')
    made.through("compute")
    assert made.verified()["problems"] == []


@pytest.mark.parametrize("asked", ["kerchunk", "zarr"])
def test_the_file_type_parq_that_a_big_scan_sets_does_not_reach_compute(at: Callable[[str], Made], asked: str) -> None:
    made = at("scanned")
    path = made.workdir.base_cfg(made.project)
    write_json(path, {**read_json(path), "override": {"cloud_type": "kerchunk", "file_type": "parq"}})
    outcome = made.run("compute", cloud_format=asked)
    assert (outcome.verdict, outcome.details["cloud_format"]) == (Verdict.OK, asked)
    assert read_json(path)["override"]["file_type"] in ("json", None)


def test_a_scan_leaves_the_format_that_was_asked_for(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lengths=(4, 4, 4), **BIG), cloud_format="zarr")
    made.through("scan")
    assert read_json(made.workdir.base_cfg(made.project))["override"] == {"cloud_type": "zarr", "file_type": None}


def test_padoccs_own_aggregator_is_never_used(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    outcome = made.through("compute")
    assert outcome.details["aggregator"] == "V"
    assert "PADOCC Aggregator" not in Path(outcome.log_path).read_text()


def test_a_run_again_does_not_stop_at_its_own_product(at: Callable[[str], Made]) -> None:
    made = at("computed")
    made.through("scan", "compute", "scan", "compute")
    assert made.verified()["problems"] == []


def test_reports_of_an_earlier_validation_are_removed(at: Callable[[str], Made]) -> None:
    made = at("computed")
    (made.folder / "data_report.json").write_text('{"variables": {"size_errors": {"tas": "stale"}}}')
    outcome = made.through("validate")
    assert "stale" not in str(outcome.details["findings"])
