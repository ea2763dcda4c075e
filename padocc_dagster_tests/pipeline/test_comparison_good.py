"""Good products pass, whatever they are made of and whichever way."""

import json

import pytest

from padocc_dagster.pipeline.comparison import Comparison, Request, compare
from padocc_dagster_tests.make_netcdf import Series, unsorted_names, write
from padocc_dagster_tests.make_products import KINDS, make

GOOD = {
    "netcdf4": Series(),
    "netcdf3": Series(format="NETCDF3_64BIT_OFFSET"),
    "one file": Series(lengths=(5,)),
    "two files": Series(lengths=(4, 4)),
    "one step a chunk": Series(chunk=1),
    "one chunk a file": Series(chunk=4),
    "a shorter last file": Series(lengths=(4, 4, 3), chunk=1),
    "packed integers": Series(packed=True),
    "packed integers, NetCDF3": Series(packed=True, format="NETCDF3_CLASSIC"),
    "characters": Series(characters=True),
    "a fixed field": Series(orog=True),
    "names out of order": Series(lengths=(2,) * 11, names=unsorted_names(11)),
    "chunks never written": Series(never_written=True),
    "bounds": Series(bounds=True),
    "bounds and fixed fields, NetCDF3": Series(bounds=True, orog=True, format="NETCDF3_64BIT_OFFSET"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("series", GOOD.values(), ids=GOOD.keys())
def test_a_product_that_equals_its_sources_passes(tmp_path, series, kind):
    sources = write(tmp_path / "sources", series)
    result = compare(Request(make(kind, sources, tmp_path), sources))
    assert result.problems == ()
    assert result.files_compared == result.files_total == len(sources)
    assert result.passed
    assert Comparison.from_dict(json.loads(json.dumps(result.as_dict()))) == result


SPECIAL = {
    "varying units": (Series(varying_units=True), ("kerchunk-V", "parquet", "zarr")),
    "varying units with bounds": (Series(varying_units=True, bounds=True), ("zarr",)),
    "texts": (Series(texts=True), ("kerchunk-K", "zarr")),
    "a last file shorter than a chunk": (Series(lengths=(4, 4, 3), chunk=4), ("kerchunk-K", "zarr")),
    "files of unequal length": (Series(lengths=(2, 5, 3), chunk=1), KINDS),
}


@pytest.mark.parametrize(("series", "kind"), [pytest.param(s, k, id=f"{n}-{k}") for n, (s, kinds) in SPECIAL.items() for k in kinds])
def test_a_product_that_only_some_makers_can_make_passes_too(tmp_path, series, kind):
    sources = write(tmp_path / "sources", series)
    result = compare(Request(make(kind, sources, tmp_path), sources))
    assert result.problems == ()


@pytest.mark.parametrize("kind", ("kerchunk-V", "zarr"))
def test_a_change_of_units_of_time_is_information(tmp_path, kind):
    sources = write(tmp_path / "sources", Series(varying_units=True))
    result = compare(Request(make(kind, sources, tmp_path), sources))
    assert result.passed
    assert any("time: encoding changed" in line for line in result.information)
    assert [row["compared"] for row in result.variables if row["name"] == "time"] == ["decoded"]
    assert [row["compared"] for row in result.variables if row["name"] == "tas"] == ["raw"]


@pytest.mark.parametrize("kind", ("kerchunk-V", "kerchunk-K", "parquet", "zarr"))
def test_chunks_that_are_not_stored_are_counted(tmp_path, kind):
    sources = write(tmp_path / "sources", Series(never_written=True))
    result = compare(Request(make(kind, sources, tmp_path), sources))
    row = next(row for row in result.variables if row["name"] == "sparse")
    assert result.passed
    assert (row["chunks_expected"] - row["chunks_present"] > 0) == any("sparse" in line and "not stored" in line for line in result.information)
