"""CFA-netCDF products: good ones pass, and what their fragments may hide is found."""

import shutil
from pathlib import Path

import netCDF4
import pytest

from padocc_dagster.pipeline.comparison import Comparison, Request, compare
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster_tests.make_netcdf import Series, unsorted_names, write

GOOD = {
    "netcdf4": Series(),
    "netcdf3": Series(format="NETCDF3_64BIT_OFFSET"),
    "packed integers": Series(packed=True),
    "a fixed field": Series(orog=True),
    "a shorter last file": Series(lengths=(4, 4, 3)),
    "names out of order": Series(lengths=(2,) * 11, names=unsorted_names(11)),
}


def make(sources: tuple[str, ...], path: Path) -> Product:
    from cfapyx import CFANetCDF

    aggregation = CFANetCDF(list(sources))
    aggregation.create(updates={"aggregation_date": "2026-01-01T00:00:00Z"})
    aggregation.write(str(path))
    return Product(path, "CFA", "1.0")


@pytest.mark.parametrize("series", GOOD.values(), ids=GOOD.keys())
def test_an_aggregation_that_equals_its_sources_passes(tmp_path, series):
    sources = write(tmp_path / "sources", series)
    result = compare(Request(make(sources, tmp_path / "good.nca"), sources))
    assert result.problems == ()
    assert result.files_compared == len(sources)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> tuple[Product, tuple[str, ...]]:
    root = tmp_path_factory.mktemp("cfa")
    sources = write(root / "sources", Series(packed=True, orog=True))
    return make(sources, root / "good.nca"), sources


def uris(dataset: netCDF4.Dataset, variable: str = "tas") -> netCDF4.Variable:
    words = dataset[variable].aggregated_data.replace(":", " ").split()
    return dataset[words[words.index("uris") + 1]]


def swap(dataset: netCDF4.Dataset, sources: tuple[str, ...]) -> None:
    values = uris(dataset)[...]
    values[[0, 1]] = values[[1, 0]]
    uris(dataset)[...] = values


def identifier(dataset: netCDF4.Dataset, sources: tuple[str, ...]) -> None:
    dataset["fragment_identifiers_tas"][...] = "pr"


DAMAGES = {
    "two fragments swapped": swap,
    "a fragment in a file that is no source": lambda d, s: uris(d).__setitem__((1, 0, 0), s[0] + ".old"),
    "a fragment twice": lambda d, s: uris(d).__setitem__((1, 0, 0), s[0]),
    "a fragment of another variable": identifier,
    "a value of time changed": lambda d, s: d["time"].__setitem__(5, 99.0),
    "a value of a fixed field changed": lambda d, s: d["orog"].__setitem__((0, 0), 99.0),
    "other units": lambda d, s: d["tas"].setncattr("units", "degC"),
    "another scale": lambda d, s: d["pr"].setncattr("scale_factor", 0.5),
    "another offset": lambda d, s: d["pr"].setncattr("add_offset", 1.0),
    "units of time": lambda d, s: d["time"].setncattr("units", "days since 2000-01-02"),
    "a variable renamed": lambda d, s: d.renameVariable("tas", "tos"),
}


def damaged(good: tuple[Product, tuple[str, ...]], path: Path, change) -> Comparison:
    product, sources = good
    shutil.copy(product.path, path)
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.set_auto_maskandscale(False)
        change(dataset, sources)
    return compare(Request(Product(path, "CFA", "1.0"), sources))


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_aggregation_is_refused(good, tmp_path, change):
    assert not damaged(good, tmp_path / "bad.nca", change).passed


def test_an_attribute_alone_passes(good, tmp_path):
    result = damaged(good, tmp_path / "ok.nca", lambda dataset, _: dataset.setncattr("title", "another"))
    assert result.problems == ()
    assert any("title" in line for line in result.information)
