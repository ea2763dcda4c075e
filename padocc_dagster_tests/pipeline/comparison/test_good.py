"""Good products pass, whatever they are made of and whichever way."""

import json
from functools import partial

import netCDF4
import pytest
import zarr

from padocc_dagster.pipeline.comparison import Comparison, Request, compare, files
from padocc_dagster.pipeline.comparison.reading import blocks
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, unsorted_names, write
from padocc_dagster_tests.make_products import KINDS, make, stack

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
    assert max(result.files_proved, result.files_compared) == result.files_total == len(sources)
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
    assert [row["compared"] for row in result.variables if row["name"] == "tas"] in (["raw"], ["references, raw"])


@pytest.mark.parametrize("kind", ("kerchunk-V", "kerchunk-K", "parquet", "zarr"))
def test_chunks_that_are_not_stored_are_counted(tmp_path, kind):
    sources = write(tmp_path / "sources", Series(never_written=True))
    result = compare(Request(make(kind, sources, tmp_path), sources))
    row = next(row for row in result.variables if row["name"] == "sparse")
    assert result.passed
    assert (row["chunks_expected"] - row["chunks_present"] > 0) == any(
        "sparse" in line and "not stored" in line for line in result.information
    )


@pytest.mark.parametrize("kind", KINDS)
def test_large_variables_are_compared_in_blocks(tmp_path, kind, monkeypatch):
    sources = write(tmp_path / "sources", Series(packed=True, orog=True, bounds=True))
    product = make(kind, sources, tmp_path)
    monkeypatch.setattr(files, "SMALL", -1)
    monkeypatch.setattr(files, "blocks", partial(blocks, limit=60))
    assert compare(Request(product, sources)).problems == ()
    with netCDF4.Dataset(sources[1], "a") as dataset:
        dataset["orog"][-1, -1] = 4711.0
    refused = compare(Request(product, sources))
    assert any("orog" in problem and "4711.0 in the file" in problem and "block from" in problem for problem in refused.problems), (
        refused.problems
    )


def test_files_stacked_along_a_made_up_dimension_are_compared_each_in_its_place(tmp_path):
    sources = tuple(str(tmp_path / f"{name}.nc") for name in "abc")
    for number, path in enumerate(sources):
        with netCDF4.Dataset(path, "w") as dataset:
            dataset.createDimension("x", 300)
            dataset.createVariable("x", "f8", ("x",))[:] = range(300)
            dataset.createVariable("depth", "f8", ("x",))[:] = number
    stacked = Product(tmp_path / "k1.0a.json", "kerchunk", "1.0")
    stack(sources, stacked.path)
    result = compare(Request(stacked, sources))
    assert result.problems == ()
    assert [row["shape"] for row in result.variables if row["name"] == "depth"] == [[3, 300]]
    assert not compare(Request(stacked, sources[::-1])).passed
    assert not compare(Request(stacked, sources[:2])).passed
    content = json.loads(stacked.path.read_text())
    content["refs"]["depth/1.0"] = content["refs"]["depth/2.0"]
    stacked.path.write_text(json.dumps(content))
    assert not compare(Request(stacked, sources)).passed


def test_shards_are_compared_in_every_file(tmp_path):
    sources = write(tmp_path / "sources", Series(lengths=(4,) * 6, chunk=1, lat=60, lon=90))
    product = make("zarr", sources, tmp_path)
    group = zarr.open_group(str(product.path), mode="r+", use_consolidated=False)
    values, attributes = group["tas"][...], dict(group["tas"].attrs)
    names = ("time", "lat", "lon")
    how = {"chunks": (1, 60, 90), "shards": (4, 60, 90), "dimension_names": names, "attributes": attributes, "overwrite": True}
    sharded = group.create_array("tas", data=values, **how)
    zarr.consolidate_metadata(str(product.path))
    result = compare(Request(product, sources, compare=0))
    assert result.problems == ()
    assert [row["files_compared"] for row in result.variables if row["name"] == "tas"] == [6]
    sharded[9] = 0.0
    assert not compare(Request(product, sources, compare=0)).passed


def test_a_coordinate_that_does_not_rise_is_worth_knowing(tmp_path):
    sources = write(tmp_path / "sources", Series())
    order = (sources[1], sources[0], sources[2])
    result = compare(Request(make("zarr", order, tmp_path), order))
    assert result.passed
    assert any("time neither rise nor fall" in line for line in result.information)


def test_files_out_of_order_along_the_dimension_asked_for_are_refused(tmp_path):
    sources = write(tmp_path / "sources", Series())
    order = (sources[1], sources[0], sources[2])
    (told,) = compare(Request(make("zarr", order, tmp_path), order, along=("time",))).problems
    assert "time neither rise nor fall" in told and f"{sources[0]} begins" in told
    assert compare(Request(make("zarr", sources, tmp_path / "other"), sources, along=("time",))).passed


def test_files_that_begin_alike_along_the_dimension_asked_for_are_worth_knowing(tmp_path):
    sources = write(tmp_path / "sources", Series())
    for source in sources:
        with netCDF4.Dataset(source, "a") as dataset:
            dataset["time"][:] = range(4)
    result = compare(Request(make("zarr", sources, tmp_path), sources, along=("time",)))
    assert result.passed
    assert any("time neither rise nor fall" in line for line in result.information)
