"""References are given what the source files declare: what plain xarray reads then is what it reads from the files."""

import json

import netCDF4
import numpy as np
import pytest
import xarray

from padocc_dagster.pipeline.comparison import Request, compare
from padocc_dagster.pipeline.making.references import mend_references
from padocc_dagster_tests.make_products import make

KINDS = ("kerchunk-V", "kerchunk-K")


def write(folder, number=3, form="NETCDF4"):
    """Files with whole numbers that declare no missing value, flags, a packed variable, and an auxiliary coordinate."""
    folder.mkdir(parents=True)
    paths = []
    for part in range(number):
        path = folder / f"f_{part}.nc"
        with netCDF4.Dataset(path, "w", format=form) as dataset:
            dataset.createDimension("time", None)
            dataset.createDimension("x", 120)
            time = dataset.createVariable("time", "f8", ("time",))
            time.units = "days since 2000-01-01"
            time[:] = [2.0 * part, 2.0 * part + 1]
            wide = "i8" if form == "NETCDF4" else "i4"
            chunks = {"chunksizes": (1, 120)} if form == "NETCDF4" else {}
            ids = dataset.createVariable("ids", wide, ("time", "x"), **chunks)
            ids[:] = np.arange(240).reshape(2, 120) * (2**48 if form == "NETCDF4" else 2**20)
            flag = dataset.createVariable("flag", "i2", ("time", "x"), **chunks)
            flag.flag_values = np.array([0, 1, 2], "i2")
            flag.flag_meanings = "good  doubtful bad"
            flag.coordinates = "height"
            flag[:] = np.arange(240).reshape(2, 120) % 3
            packed = dataset.createVariable("packed", "i2", ("time", "x"), fill_value=-9, **chunks)
            packed.setncatts({"scale_factor": np.float32(0.1), "add_offset": np.float32(273.15), "missing_value": np.int16(-9)})
            packed.set_auto_maskandscale(False)
            packed[:] = np.arange(240).reshape(2, 120) - 9
            dataset.createVariable("height", "f8", ())[...] = 2.0
        paths.append(str(path.resolve()))
    return tuple(paths)


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_64BIT_OFFSET"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_files_declare_is_in_the_product_and_reads_alike(tmp_path, kind, form):
    sources = write(tmp_path / "sources", form=form)
    product = make(kind, sources, tmp_path)
    mend_references(product.path, sources, {})
    result = compare(Request(product, sources))
    assert result.problems == ()
    with xarray.open_dataset(str(product.path), engine="kerchunk") as made, xarray.open_dataset(sources[1]) as source:
        assert set(made.coords) == set(source.coords) == {"time", "height"}
        for name in ("ids", "flag"):
            assert made[name].dtype == source[name].dtype
            assert (made[name][2:4].values == source[name].values).all()
        assert list(np.atleast_1d(made.flag.attrs["flag_values"])) == [0, 1, 2]
        assert np.isnan(made.packed[2, 0]) and np.isnan(source.packed[0, 0])
        assert np.allclose(made.packed[2:4], source.packed, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_without_it_zeros_that_read_as_missing_are_refused(tmp_path, kind):
    sources = write(tmp_path / "sources")
    product = make(kind, sources, tmp_path)
    value = json.loads(product.path.read_text())
    array = json.loads(value["refs"]["ids/.zarray"])
    value["refs"]["ids/.zarray"] = json.dumps({**array, "fill_value": 0})
    product.path.write_text(json.dumps(value))
    assert any("ids" in problem for problem in compare(Request(product, sources)).problems)
