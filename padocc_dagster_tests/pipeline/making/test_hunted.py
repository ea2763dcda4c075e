"""Inputs unlike the known cases, made: published and equal to their sources, or refused with the file and the reason.

Each builder makes one thing odd in files that are otherwise alike.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import pytest

from padocc_dagster.pipeline.remedies import remedy_for
from padocc_dagster.pipeline.remedies.table import UNKNOWN
from padocc_dagster.pipeline.steps.explained import explained
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster_tests.pipeline.as_seen import unlike_sources
from padocc_dagster_tests.pipeline.cases import base, finished, name, series
from padocc_dagster_tests.pipeline.projects import Made, initialised, spec

Builder = Callable[[Path], None]
ALL = ("kerchunk", "K", "zarr")
ODD = 2
GRID = ("time", "lat", "lon")


def changed(folder: Path, change: Callable[[int, netCDF4.Dataset], None], **options: Any) -> None:
    """Four files, each changed by its number before it is closed."""
    for number, dataset in enumerate(series(folder, 4, **options)):
        with dataset:
            change(number, dataset)


def unwritten_mapping(folder: Path, kind: str) -> None:
    """A grid mapping of which only attributes were ever written, as in files of CORDEX (`S1`) and CCI (`i4`)."""

    def change(number: int, dataset: netCDF4.Dataset) -> None:
        dataset.createVariable("crs", kind, ()).grid_mapping_name = "latitude_longitude"
        dataset["tas"].grid_mapping = "crs"

    changed(folder, change)


def one_without_a_fixed_field(folder: Path) -> None:
    def change(number: int, dataset: netCDF4.Dataset) -> None:
        if number != ODD:
            dataset.createVariable("orog", "f4", ("lat", "lon"))[:] = 1.0

    changed(folder, change)


def one_with_a_variable_more(folder: Path) -> None:
    def change(number: int, dataset: netCDF4.Dataset) -> None:
        if number == ODD:
            dataset.createVariable("extra", "f4", GRID)[:] = 1.0

    changed(folder, change)


def unwritten_characters(folder: Path) -> None:
    unwritten_mapping(folder, "S1")


def unwritten_number(folder: Path) -> None:
    unwritten_mapping(folder, "i4")


def partly_written(folder: Path, kind: str, fill: Any = None, **filters: Any) -> None:
    """A variable of which netCDF never stored the last steps, and in one file none at all."""

    def change(number: int, dataset: netCDF4.Dataset) -> None:
        part = dataset.createVariable("part", kind, GRID, chunksizes=(2, 12, 14), fill_value=fill, **filters)
        if number != 1:
            part[:2] = np.random.default_rng(number).integers(1, 9, (2, 12, 14))

    changed(folder, change)


def partly_written_with_fill(folder: Path) -> None:
    partly_written(folder, "f4", -999.0)


def partly_written_numbers(folder: Path) -> None:
    partly_written(folder, "f4", zlib=True, shuffle=True)


def partly_written_integers(folder: Path) -> None:
    partly_written(folder, "i2")


def partly_written_bytes(folder: Path) -> None:
    partly_written(folder, "i1", zlib=True)


def thirds_of_days(folder: Path) -> None:
    """Times that binary numbers cannot hold exactly, and of which xarray cuts off parts of a nanosecond."""
    for number in range(4):
        base(folder / name(number), number * 4, 4, step=1 / 3, units="days since 1850-01-01").close()  # type: ignore[arg-type]


def hours_in_days(folder: Path) -> None:
    """Hourly times whose bounds have no units, of which some read a nanosecond early once they are written anew."""
    for number in range(3):
        with base(folder / name(number), number * 24, 24, step=1 / 24, units="days since 1900-01-01", chunk=24) as dataset:  # type: ignore[arg-type]
            dataset.createDimension("nv", 2)
            dataset["time"].bounds = "time_bnds"
            begins = dataset["time"][:]
            dataset.createVariable("time_bnds", "f8", ("time", "nv"), chunksizes=(24, 2))[:] = np.stack([begins, begins + 1 / 24], axis=1)


def months_of_thirty_days(folder: Path) -> None:
    finished(series(folder, 3, units="months since 1979-01-01", calendar="360_day"))


def unsigned_without_fill(folder: Path) -> None:
    """Bytes that count to 255, as in the land cover of CCI."""

    def change(number: int, dataset: netCDF4.Dataset) -> None:
        classes = dataset.createVariable("classes", "i1", GRID, chunksizes=(2, 12, 14))
        classes.set_auto_maskandscale(False)
        classes._Unsigned = "true"
        classes[:] = np.random.default_rng(number).integers(-128, 128, (4, 12, 14))

    changed(folder, change)


PUBLISHED: dict[Builder, tuple[str, ...]] = {
    unwritten_characters: ALL,
    unwritten_number: ALL,
    partly_written_with_fill: ALL,
    partly_written_numbers: ALL,
    partly_written_integers: ALL,
    partly_written_bytes: ALL,
    unsigned_without_fill: ALL,
    thirds_of_days: ALL,
    hours_in_days: ALL,
    months_of_thirty_days: ALL,
}


def made_of(root: Path, builder: Builder, form: str, **options: Any) -> Made:
    """An initialised project; `form` is an aggregator or a cloud format, `options` are others of its config."""
    made = Made(root.resolve())
    folder = made.root / "sources"
    builder(folder)
    choice = {"aggregator": form} if form == "K" else {"cloud_format": form}
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, pattern=f"{folder}/*.nc", **choice, **options))
    return made


def packed_in_single_precision(folder: Path) -> None:
    """Scale and offset in single precision, with which xarray unpacks in single precision."""

    def change(number: int, dataset: netCDF4.Dataset) -> None:
        packed = dataset.createVariable("packed", "i2", GRID, chunksizes=(2, 12, 14), fill_value=-32768)
        packed.set_auto_maskandscale(False)
        packed.setncatts({"scale_factor": np.float32(0.01), "add_offset": np.float32(273.15)})
        packed[:] = np.random.default_rng(number).integers(-900, 900, (4, 12, 14))

    changed(folder, change)


def units_of_no_dimension(folder: Path) -> None:
    changed(folder, lambda number, dataset: dataset["tas"].setncattr("units", ("1", "", " ", "1")[number]))


PUBLISHED[packed_in_single_precision] = ("CFA",)
PUBLISHED[units_of_no_dimension] = ("kerchunk",)


@pytest.mark.parametrize(("builder", "form"), [(builder, form) for builder, forms in PUBLISHED.items() for form in forms])
def test_it_is_published_and_shows_what_its_sources_show(tmp_path: Path, builder: Builder, form: str) -> None:
    made = made_of(tmp_path, builder, form)
    made.through("scan", "compute")
    assert made.verified()["problems"] == []
    opening = {"decode_times": False} if builder is months_of_thirty_days else {}
    assert unlike_sources(product_of(made.workdir, made.project), made.sources, "time", **opening) == []
    made.through("validate", "publish")
    assert len(made.published()) == 1


def another_calendar(folder: Path) -> None:
    for number in range(4):
        base(folder / name(number), 400 + number * 4, 4, calendar="noleap" if number == ODD else "standard").close()


def other_latitudes(folder: Path) -> None:
    for number in range(4):
        base(folder / name(number), number * 4, 4, lat=np.linspace(-60, 60, 12) + (0.05 if number == ODD else 0)).close()


def turned_round(folder: Path) -> None:
    for number in range(4):
        base(folder / name(number), number * 4, 4, lat=np.linspace(60, -60, 12) if number == ODD else None).close()


def with_group(folder: Path) -> None:
    changed(folder, lambda number, dataset: dataset.createGroup("meta") if number == ODD else None)


def cut_off(folder: Path) -> None:
    """A NetCDF3 file that ends within its data, where the C library reads zeros."""
    finished(series(folder, 4, form="NETCDF3_CLASSIC"))
    content = (folder / name(ODD)).read_bytes()
    (folder / name(ODD)).write_bytes(content[: len(content) * 2 // 3])


def without_bounds(folder: Path) -> None:
    """One file has no bounds of its times, nor their dimension."""

    def change(number: int, dataset: netCDF4.Dataset) -> None:
        if number != ODD:
            dataset.createDimension("nv", 2)
            dataset.createVariable("time_bnds", "f8", ("time", "nv"))[:] = np.arange(8).reshape(4, 2)

    changed(folder, change)


REFUSED = {
    another_calendar: ("DifferingCalendarError", "time"),
    other_latitudes: ("DifferingGridError", "lat"),
    turned_round: ("DifferingGridError", "lat"),
    with_group: ("GroupsInSourceError", ""),
    without_bounds: ("DifferingVariablesError", "time_bnds"),
    one_without_a_fixed_field: ("DifferingVariablesError", "orog"),
    one_with_a_variable_more: ("DifferingVariablesError", "extra"),
    cut_off: ("UnreadableSourceError", ""),
}


@pytest.mark.parametrize("form", ["kerchunk", "zarr", "CFA"])
@pytest.mark.parametrize("builder", REFUSED)
def test_the_scan_refuses_it_and_names_the_file(tmp_path: Path, builder: Builder, form: str) -> None:
    made = made_of(tmp_path, builder, form)
    outcome = made.run("scan")
    error_class, variable = REFUSED[builder]
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, error_class), outcome
    assert outcome.details.get("variable", "") == variable
    assert str(made.sources[ODD]) in outcome.message
    assert not any(str(path) in outcome.message for path in made.sources[1:] if path != made.sources[ODD])
    assert remedy_for(outcome.status) is not UNKNOWN


def other_wkt(folder: Path) -> None:
    """A grid mapping as GDAL writes it, without `grid_mapping_name`."""

    def change(number: int, dataset: netCDF4.Dataset) -> None:
        crs = dataset.createVariable("crs", "i4", ())
        crs.crs_wkt = 'GEOGCS["WGS 72"]' if number == ODD else 'GEOGCS["WGS 84"]'
        crs[...] = 0
        dataset["tas"].grid_mapping = "crs"

    changed(folder, change)


@pytest.mark.parametrize(("builder", "variable"), [(other_wkt, "crs")])
def test_it_is_refused_and_the_file_is_named(tmp_path: Path, builder: Builder, variable: str) -> None:
    made = made_of(tmp_path, builder, "kerchunk")
    outcome = made.run("scan")
    assert (outcome.error_class, outcome.details["variable"]) == ("DifferingMeaningError", variable)
    assert outcome.details["files"] == [str(made.sources[ODD])] and str(made.sources[ODD]) in outcome.message


def nearly_the_same_grid(folder: Path) -> None:
    """Two-dimensional latitudes that differ in their last digits in one file."""

    def change(number: int, dataset: netCDF4.Dataset) -> None:
        latitude = dataset.createVariable("latitude", "f8", ("lat", "lon"))
        latitude[:] = np.linspace(-60, 60, 168).reshape(12, 14) + (1e-12 if number == ODD else 0)
        dataset["tas"].coordinates = "latitude"

    changed(folder, change)


def years_in_single_precision(folder: Path) -> None:
    """Hours of each year, which single precision holds to the second; hours of many years it does not."""
    for number in range(3):
        options: dict[str, Any] = {"units": f"hours since 20{number:02d}-01-01", "time_type": "f4", "step": 1.1}
        base(folder / name(number), 0, 4, **options).close()


def one_with_another_orography(folder: Path) -> None:
    def change(number: int, dataset: netCDF4.Dataset) -> None:
        dataset.createVariable("orog", "f4", ("lat", "lon"))[:] = 100.0 if number == ODD else 1.0

    changed(folder, change)


def test_a_zarr_store_of_files_that_differ_in_what_it_has_once_is_refused_by_name_with_a_remedy_that_works(tmp_path: Path) -> None:
    made = made_of(tmp_path / "refused", one_with_another_orography, "zarr")
    made.through("scan")
    outcome = made.run("compute")
    assert (outcome.verdict, outcome.error_class) == (Verdict.FAILED, "DifferingSharedVariableError"), outcome
    assert "orog" in outcome.message and str(made.sources[ODD]) in outcome.message
    assert outcome.details["variable"] == "orog"
    assert "dropped=[orog]" in words_of_remedies(made)[0]
    without = made_of(tmp_path / "without", one_with_another_orography, "zarr", dropped=("orog",))
    without.through("scan", "compute")
    assert without.verified()["problems"] == []


@pytest.mark.parametrize("builder", [one_without_a_fixed_field, one_with_a_variable_more])
def test_the_first_remedy_for_a_variable_of_some_files_only_works(tmp_path: Path, builder: Builder) -> None:
    made = made_of(tmp_path / "refused", builder, "kerchunk")
    assert made.run("scan").verdict is Verdict.FAILED
    variable = REFUSED[builder][1]
    assert f"dropped=[{variable}]" in words_of_remedies(made)[0]
    without = made_of(tmp_path / "without", builder, "kerchunk", dropped=(variable,))
    without.through("scan", "compute")
    assert without.verified()["problems"] == []
    without.through("validate")


@pytest.mark.parametrize("form", ["kerchunk", "zarr"])
def test_times_that_lost_seconds_in_the_product_are_refused(tmp_path: Path, form: str) -> None:
    made = made_of(tmp_path, years_in_single_precision, form)
    made.through("scan", "compute")
    unlike = unlike_sources(product_of(made.workdir, made.project), made.sources, "time")
    assert made.verified()["passed"] is (unlike == [])


def words_of_remedies(made: Made) -> list[list[str]]:
    return [shlex.split(command) for _, command in explained(made.workdir, made.project).remedies]


@pytest.mark.parametrize("form", ["kerchunk", "zarr"])
def test_the_first_remedy_for_a_grid_that_differs_in_its_last_digits_works(tmp_path: Path, form: str) -> None:
    made = made_of(tmp_path / "refused", nearly_the_same_grid, form)
    made.through("scan", "compute")
    assert not made.verified()["passed"]
    assert "identical_dims=[latitude]" in words_of_remedies(made)[0]
    declared = made_of(tmp_path / "declared", nearly_the_same_grid, form, identical_dims=("latitude",))
    declared.through("scan", "compute")
    assert declared.verified()["problems"] == []
    declared.through("validate", "publish")


def other_units(folder: Path) -> None:
    changed(folder, lambda number, dataset: dataset["tas"].setncattr("units", "degC" if number == ODD else "K"))


def other_methods(folder: Path) -> None:
    changed(folder, lambda number, dataset: dataset["tas"].setncattr("cell_methods", "time: maximum" if number == ODD else "time: mean"))


@pytest.mark.parametrize("form", ["kerchunk", "zarr"])
@pytest.mark.parametrize("builder", [other_units, other_methods])
def test_where_only_leaving_files_out_helps_that_is_the_first_remedy(tmp_path: Path, builder: Builder, form: str) -> None:
    made = made_of(tmp_path, builder, form)
    assert made.run("scan").error_class == "DifferingMeaningError"
    first, *others = words_of_remedies(made)
    assert any(word.startswith("pattern=") for word in first)
    assert not any("recompute" in words or "cloud_format" in " ".join(words) for words in others)


def test_texts_that_crash_the_reader_of_cfa_are_refused_for_it_alone(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        def change(number: int, dataset: netCDF4.Dataset) -> None:
            label = dataset.createVariable("label", str, ("time",))
            for step in range(4):
                label[step] = f"{number}-{step}"

        changed(folder, change)

    made = made_of(tmp_path, build, "CFA")
    outcome = made.run("scan")
    assert (outcome.error_class, outcome.details["variable"]) == ("TextsInAggregationError", "label")
    assert "cloud_format=zarr" in words_of_remedies(made)[0]
    zarr = made_of(tmp_path / "zarr", build, "zarr")
    zarr.through("scan", "compute")
    assert zarr.verified()["problems"] == []
    assert zarr.run("compute", cloud_format="CFA").error_class == "TextsInAggregationError"


def test_a_chunk_written_without_its_filters_is_named_and_the_first_remedy_works(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        finished(series(folder, 4, filters={"zlib": True, "shuffle": True}))
        with h5py.File(folder / name(ODD), "r+") as file:
            file["tas"].id.write_direct_chunk((0, 0, 0), file["tas"][:2].tobytes(), filter_mask=3)

    made = made_of(tmp_path, build, "kerchunk")
    made.through("scan", "compute")
    problem = made.verified()["problems"][0]
    assert "without some of its filters" in problem and str(made.sources[ODD]) in problem
    assert "zarr" in words_of_remedies(made)[0]
    assert made.run("compute", cloud_format="zarr").passed
    assert made.verified()["problems"] == []


@pytest.mark.parametrize("form", ["kerchunk", "K"])
def test_a_fill_value_of_hdf5_alone_is_read_as_the_files_read(tmp_path: Path, form: str) -> None:
    """HDF5 knows what it fills up with, and no attribute says it. VirtualiZarr joins the chunks of such files wrongly, and is refused."""

    def build(folder: Path) -> None:
        finished(series(folder, 4))
        for number in range(4):
            with h5py.File(folder / name(number), "r+") as file:
                part = file.create_dataset("part", (4, 12, 14), "i4", chunks=(2, 12, 14), maxshape=(None, 12, 14), fillvalue=7)
                if number != 1:
                    part[:2] = np.random.default_rng(number).integers(1, 6, (2, 12, 14))
                for axis, dimension in enumerate(GRID):
                    part.dims[axis].attach_scale(file[dimension])

    made = made_of(tmp_path, build, form)
    made.through("scan", "compute")
    unlike = unlike_sources(product_of(made.workdir, made.project), made.sources, "time")
    assert made.verified()["passed"] is (unlike == [])
    assert form == "kerchunk" or unlike == []
