"""What a config says of dimensions, dropped variables and xarray's options reaches PADOCC, and the comparison knows of it."""

from pathlib import Path
from typing import Any

import netCDF4
import pytest

from padocc_dagster.pipeline.comparison import Request, compare
from padocc_dagster.pipeline.joining.order import Ordering, concatenation_order
from padocc_dagster.pipeline.making.opening import opened_with
from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, initialised, make, spec

SERIES = Series(lengths=(4, 4, 4), lat=12, lon=12, orog_per_file=True)


def opened(made: Made) -> Any:
    import xarray

    product = product_of(made.workdir, made.project)
    engine = "zarr" if product.cloud_format == "zarr" else "kerchunk"
    return xarray.open_dataset(str(product.path), engine=engine, decode_times=False)


@pytest.mark.parametrize("options", [{"aggregator": "V"}, {"aggregator": "K"}, {"cloud_format": "zarr"}], ids=str)
def test_a_variable_that_differs_from_file_to_file_is_dropped_and_the_rest_is_published(options: dict[str, Any], tmp_path: Path) -> None:
    made = make(tmp_path, SERIES, dropped=("orog",), **options)
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    with opened(made) as product:
        assert "orog" not in product.variables and {"tas", "time", "lat", "lon"} <= set(product.variables)
    made.through("validate", "publish")


def test_a_dropped_variable_that_is_there_and_any_other_that_is_not_are_problems(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lat=12, lon=12, orog=True), dropped=("orog",))
    made.through("scan", "compute")
    product, sources = product_of(made.workdir, made.project), tuple(map(str, made.sources))
    assert compare(Request(product, sources, dropped=("orog",))).passed
    assert "variable orog of" in compare(Request(product, sources)).problems[0]
    (found,) = compare(Request(product, sources, dropped=("orog", "tas"))).problems
    assert found == "variable tas is in the product, though it was to be left out"


def without_times(made: Made) -> None:
    """Make the coordinate the same in all files, and keep the times in another variable, as in docs/nemo.md."""
    for source in made.sources:
        with netCDF4.Dataset(source, "a") as dataset:
            time = dataset["time"]
            kept = dataset.createVariable("centred", "f8", ("time",))
            kept.setncattr("units", time.units)
            kept[:] = time[:]
            time[:] = range(len(time))


@pytest.mark.parametrize("options", [{}, {"cloud_format": "zarr"}, {"cloud_format": "parquet"}], ids=str)
def test_files_whose_coordinate_tells_nothing_are_joined_along_the_dimension_named(options: dict[str, Any], tmp_path: Path) -> None:
    series = Series(lengths=(4, 4, 4), lat=12, lon=12, names=("m_2.nc", "m_3.nc", "m_1.nc"))
    made = make(tmp_path, series)
    without_times(made)
    files = spec("proj", made.sources, concat_dims=("time",), dropped=("time",), **options)
    initialised(made.workdir, "grp", files)
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    with opened(made) as product:
        assert product["tas"].shape == (12, 12, 12) and "time" not in product.variables
        assert (product["centred"].values[1:] > product["centred"].values[:-1]).all()
    made.through("validate", "publish")


def test_any_variable_along_the_dimension_named_may_order_the_files(tmp_path: Path) -> None:
    made = make(tmp_path, Series(names=("m_2.nc", "m_3.nc", "m_1.nc")))
    without_times(made)
    files = [str(path) for path in made.sources]
    assert concatenation_order(files).dimension is None
    ordering = concatenation_order(files, "time")
    assert [Path(file).name for file in ordering.files] == ["m_2.nc", "m_3.nc", "m_1.nc"]
    assert ordering.dimension == "centred"


def along_time(folder: Path, *files: dict[str, tuple[Any, str]]) -> list[str]:
    """Files m_0.nc, m_1.nc, … of variables along time: name → values, and units where there are any."""
    paths = []
    for number, variables in enumerate(files):
        paths.append(str(folder / f"m_{number}.nc"))
        with netCDF4.Dataset(paths[-1], "w") as dataset:
            dataset.createDimension("time", None)
            for name, (values, units) in variables.items():
                variable = dataset.createVariable(name, "f8", ("time",))
                variable[:] = values
                if units:
                    variable.units = units
    return paths


def order(ordering: Ordering) -> str:
    return "".join(Path(file).stem[-1] for file in ordering.files)


def test_data_never_order_the_files(tmp_path: Path) -> None:
    ordering = concatenation_order(along_time(tmp_path, *({"flux": ([x, x], "")} for x in (290, 285, 288))), "time")
    assert (order(ordering), ordering.dimension) == ("012", None)


@pytest.mark.parametrize("units", ["year", "", "days since 2000-01-01"])
def test_the_coordinate_of_the_dimension_named_orders_before_anything_else(units: str, tmp_path: Path) -> None:
    begins = ((2000, 1, 7), (1998, 3, 9), (1996, 2, 8))
    series = ({"flux": (x, ""), "time": (t, units), "centred": (c, "days since 1990-01-01")} for t, x, c in begins)
    ordering = concatenation_order(along_time(tmp_path, *series), "time")
    assert (order(ordering), ordering.dimension) == ("210", "time")


def test_several_times_along_the_dimension_order_the_files_where_they_agree(tmp_path: Path) -> None:
    since = "days since 2000-01-01"
    agree = [{"instant": (t, since), "centred": (t - 0.5, since)} for t in (9, 3, 5)]
    assert order(concatenation_order(along_time(tmp_path, *agree), "time")) == "120"
    differ = [{"instant": (t, since), "centred": (-t, since)} for t in (9, 3, 5)]
    ordering = concatenation_order(along_time(tmp_path, *differ), "time")
    assert (order(ordering), ordering.dimension) == ("012", None)


def test_what_cannot_be_read_as_a_time_beside_the_coordinate_makes_no_file_unreadable(tmp_path: Path) -> None:
    files = along_time(tmp_path, *({"time": (t, "year"), "met": (t, "hours since launch"), "nan": (float("nan"), "")} for t in (2, 1)))
    assert order(concatenation_order(files, "time")) == "10"


def test_a_coordinate_that_falls_in_the_files_falls_from_file_to_file(tmp_path: Path) -> None:
    files = along_time(tmp_path, *({"time": (values, "degrees_north")} for values in ([-30, -60], [90, 60], [30, 0])))
    assert order(concatenation_order(files, "time")) == "120"
    assert order(concatenation_order(files)) == "120"


def test_what_is_said_to_be_identical_and_is_not_is_found_by_the_comparison(tmp_path: Path) -> None:
    made = make(tmp_path, SERIES, identical_dims=("orog",))
    made.through("scan", "compute")
    combine = read_json(made.workdir.detail_cfg(made.project))["kwargs"]["combine_kwargs"]
    assert "orog" in combine["identical_dims"] and "orog" not in combine["aggregated_vars"]
    assert "variable orog differs from" in made.verified()["problems"][0]


def test_identical_dimensions_are_added_also_where_too_few_files_are_scanned(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lengths=(4, 4), lat=12, lon=12, orog_per_file=True), identical_dims=("orog",))
    made.through("scan", "compute")
    combine = read_json(made.workdir.detail_cfg(made.project))["kwargs"]["combine_kwargs"]
    assert "orog" in combine["identical_dims"] and "orog" not in combine["aggregated_vars"]


def test_a_product_joined_along_another_dimension_than_asked_is_a_problem(tmp_path: Path) -> None:
    made = make(tmp_path, Series(lat=12, lon=12))
    made.through("scan", "compute")
    product, sources = product_of(made.workdir, made.project), tuple(map(str, made.sources))
    assert compare(Request(product, sources, along=("time",))).passed
    assert compare(Request(product, sources, along=("lat",))).problems == ("the files are joined along time, not along lat",)


def test_xarray_opens_the_sources_of_a_zarr_store_as_asked(tmp_path: Path) -> None:
    """Decoded, xarray writes a time before 1970 in units of its own; as it is, the store holds what the files hold."""
    made = make(tmp_path, Series(lat=12, lon=12), cloud_format="zarr")
    for source in made.sources:
        with netCDF4.Dataset(source, "a") as dataset:
            reference = dataset.createVariable("reference", "i4")
            reference.setncatts({"units": "hours since 1970-01-01", "calendar": "360_day"})
            reference[...] = -953274
    compared = []
    for options in ({}, {"xarray": {"decode_times": False}}):
        initialised(made.workdir, "grp", spec("proj", made.sources, cloud_format="zarr", **options))
        made.through("scan", "compute")
        comparison = made.verified()
        assert comparison["problems"] == []
        compared.append(next(row["compared"] for row in comparison["variables"] if row["name"] == "reference"))
    assert compared == ["decoded", "raw"]
    made.through("validate", "publish")


def test_the_engine_is_for_sources_only_and_everything_is_as_before_afterwards() -> None:
    import xarray

    before = xarray.open_dataset, xarray.open_mfdataset
    with pytest.raises(ValueError, match="unrecognized engine 'none'"), opened_with({"engine": "none"}, (), ["/a.nc"]):
        xarray.open_dataset("/a.nc")
    with pytest.raises(OSError), opened_with({"engine": "none"}, (), ["/a.nc"]):
        xarray.open_dataset("/b.nc", engine="netcdf4")
    assert (xarray.open_dataset, xarray.open_mfdataset) == before


@pytest.mark.parametrize("fields", [{"dropped": ("snow",)}, {"concat_dims": ("level",)}, {"identical_dims": ("snow",)}], ids=str)
def test_a_name_that_the_files_do_not_have_is_refused_by_the_scan(fields: dict[str, Any], tmp_path: Path) -> None:
    made = make(tmp_path, Series(lat=12, lon=12), **fields)
    outcome = made.run("scan")
    assert outcome.error_class == "NotInSourceError"
    assert f"{next(iter(fields))} has" in outcome.message and "known are" in outcome.message
