"""Inputs from the field on which a product once came out wrong, was refused without a reason, or never came out: one builder a case.

    with A      a wrong product was published
    with D      the making never ended
    with E      refused though right, or refused without a way out

A builder writes the source files of its case into a folder, as few and as small as show the fault. `CASES` has them by name.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from padocc_dagster_tests.pipeline.projects import Made, initialised, spec

Builder = Callable[[Path], None]
SHUFFLED = {"zlib": True, "shuffle": True, "complevel": 2}
UNSHUFFLED = {"zlib": True, "shuffle": False, "complevel": 2}
ODD = 7
"""The number of the odd file, where one of twelve differs."""
UNIX = "seconds since 1970-01-01"


def base(
    path: Path,
    begin: int,
    count: int,
    units: str = "days since 2000-01-01",
    calendar: str | None = "standard",
    shape: tuple[int, int] = (12, 14),
    time_type: str = "f8",
    chunk: int = 2,
    filters: Mapping[str, Any] | None = None,
    step: int = 1,
    lat: np.ndarray | None = None,
    time_name: str = "time",
    form: str = "NETCDF4",
    time_chunk: int | None = None,
) -> netCDF4.Dataset:
    """One file of `count` steps with `tas` along time, lat and lon, its numbers of time from `begin * step`. Returned open, to be added to.

    `filters` are arguments of createVariable for `tas`; `chunk` is in steps, that of the times `time_chunk` if given;
    `shape` is (lat, lon).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    chunked = form == "NETCDF4"
    dataset = netCDF4.Dataset(path, "w", format=form)
    for name, size in ((time_name, None), ("lat", shape[0]), ("lon", shape[1])):
        dataset.createDimension(name, size)
    time = dataset.createVariable(time_name, time_type, (time_name,), **({"chunksizes": (time_chunk or chunk,)} if chunked else {}))
    time.units = units
    if calendar:
        time.calendar = calendar
    time[:] = np.arange(begin, begin + count) * step
    dataset.createVariable("lat", "f8", ("lat",))[:] = np.linspace(-60, 60, shape[0]) if lat is None else lat
    dataset.createVariable("lon", "f8", ("lon",))[:] = np.linspace(0, 300, shape[1])
    options = {"chunksizes": (chunk, *shape), **(filters or {})} if chunked else {}
    tas = dataset.createVariable("tas", "f4", (time_name, "lat", "lon"), **options)
    tas.units = "K"
    tas[:] = np.random.default_rng(int(begin)).random((count, *shape)) * 30 + 270
    return dataset


def name(number: int) -> str:
    """The name of a file, in order of time."""
    return f"f_{number:03d}.nc"


def series(folder: Path, count: int = 3, steps: int = 4, **options: Any) -> list[netCDF4.Dataset]:
    """Files that follow each other in time. Returned open, to be added to."""
    return [base(folder / name(number), number * steps, steps, **options) for number in range(count)]


def finished(datasets: Sequence[netCDF4.Dataset]) -> None:
    """Close the files."""
    for dataset in datasets:
        dataset.close()


def one_of_twelve(folder: Path, odd: Mapping[str, Any], usual: Mapping[str, Any] = SHUFFLED) -> None:
    """Twelve files, of which number `ODD` is written with other filters."""
    for number in range(12):
        base(folder / name(number), number * 4, 4, shape=(64, 80), chunk=4, filters=odd if number == ODD else usual).close()


def a1_one_without_shuffle(folder: Path) -> None:
    one_of_twelve(folder, UNSHUFFLED)


def a2_one_uncompressed(folder: Path) -> None:
    one_of_twelve(folder, {})


def a3_one_north_up(folder: Path) -> None:
    """A grid of two-dimensional lat and lon (80 kB each), which one file has the other way up, its data too."""
    grid = np.meshgrid(np.linspace(0, 300, 100), np.linspace(-60, 60, 100))
    for number in range(12):
        with netCDF4.Dataset(_in(folder, number), "w") as dataset:
            _dimensions(dataset, time=None, y=100, x=100)
            _times(dataset, number * 4, 4)
            flip = slice(None, None, -1 if number == ODD else 1)
            for coordinate, values in (("lon", grid[0]), ("lat", grid[1])):
                dataset.createVariable(coordinate, "f8", ("y", "x"))[:] = values[flip]
            tas = dataset.createVariable("tas", "f4", ("time", "y", "x"), chunksizes=(4, 100, 100))
            tas.setncatts({"units": "K", "coordinates": "lat lon"})
            tas[:] = np.broadcast_to(300 - np.abs(grid[1]) / 2 + number, (4, 100, 100))[:, flip]


def a4_large_integers(folder: Path) -> None:
    """Integers above 2**53, and zeros, without a `_FillValue`."""
    for number, dataset in enumerate(series(folder)):
        with dataset:
            ids = dataset.createVariable("ids", "i8", ("time",), chunksizes=(2,))
            ids[:] = 2035921801712595940 + 7 * np.arange(number * 4, number * 4 + 4)
            flags = dataset.createVariable("flags", "i2", ("time", "lat", "lon"), chunksizes=(2, 12, 14))
            flags[:] = np.random.default_rng(number).integers(0, 3, (4, 12, 14))


def a5_pole_differs(folder: Path) -> None:
    for number, dataset in enumerate(series(folder)):
        with dataset:
            _pole(dataset, "i4", 39.25 if number < 2 else 42.5)


def a5_flag_meanings_differ(folder: Path) -> None:
    for number, dataset in enumerate(series(folder)):
        with dataset:
            flag = dataset.createVariable("flag", "i1", ("time", "lat", "lon"), chunksizes=(2, 12, 14), fill_value=-1)
            flag.setncatts({"flag_values": np.array([1, 2], "i1"), "flag_meanings": "good bad" if number < 2 else "bad good"})
            flag[:] = np.random.default_rng(number).integers(1, 3, (4, 12, 14))


def a5_positive_differs(folder: Path) -> None:
    for number, dataset in enumerate(series(folder)):
        with dataset:
            dataset["tas"].positive = "up" if number < 2 else "down"


def a6_auxiliary_coordinates(folder: Path) -> None:
    """Coordinates that only the attribute `coordinates` makes such."""
    for dataset in series(folder):
        with dataset:
            dataset.createVariable("area", "f4", ("lat", "lon"))[:] = np.arange(12 * 14).reshape(12, 14)
            dataset["tas"].coordinates = "area"


def a7_microseconds(folder: Path) -> None:
    """A duration in microseconds, whose chunks are alike but for less than a millisecond."""
    for number, dataset in enumerate(series(folder)):
        with dataset:
            delay = dataset.createVariable("delay", "i4", ("time", "lat", "lon"), chunksizes=(2, 12, 14))
            delay.units = "microseconds"
            delay[:] = np.random.default_rng(number).integers(1, 999, (4, 12, 14))


def d1_cdf5(folder: Path) -> None:
    for dataset in series(folder, form="NETCDF3_64BIT_DATA"):
        with dataset:
            dataset.createVariable("big", "u8", ("time",))[:] = np.arange(4) + 2**60


def d1_latin1(folder: Path) -> None:
    """A degree sign in Latin-1 among the bytes of an attribute, which is no UTF-8."""
    for number, dataset in enumerate(series(folder, form="NETCDF3_CLASSIC")):
        dataset.comment = "about 4 ?C warmer"
        dataset.close()
        content = (folder / name(number)).read_bytes()
        (folder / name(number)).write_bytes(content.replace(b"4 ?C", b"4 \xb0C"))


def e1_hours_in_seconds(folder: Path) -> None:
    """Hourly, in whole seconds since 1970, as the Climate Data Store writes ERA5 since 2024."""
    options: dict[str, Any] = {"time_type": "i8", "calendar": "proleptic_gregorian", "time_name": "valid_time"}
    for number in range(4):
        base(folder / name(number), 438288 + number * 24, 24, step=3600, units=UNIX, chunk=24, **options).close()


def e2_units_differ(folder: Path) -> None:
    for number, units in enumerate(("days since 2000-01-01", "hours since 2000-01-05 06:00", "days since 2000-01-07")):
        base(folder / name(number), 0, 4, units=units, time_type="i4").close()


def e3_scalar_character(folder: Path) -> None:
    """The grid mapping of CORDEX."""
    for dataset in series(folder):
        with dataset:
            _pole(dataset, "S1", 39.25, "rotated_latitude_longitude")


def e4_months(folder: Path) -> None:
    finished(series(folder, units="months since 1979-01-01"))


def e4_year_zero(folder: Path) -> None:
    for number in range(3):
        base(folder / name(number), 730000 + number * 4, 4, units="days since 0000-01-01 00:00:00", calendar=None).close()


def e5_bounds_without_calendar(folder: Path) -> None:
    for number, dataset in enumerate(series(folder, calendar="noleap")):
        with dataset:
            _dimensions(dataset, bnds=2)
            dataset["time"].bounds = "time_bnds"
            bounds = dataset.createVariable("time_bnds", "f8", ("time", "bnds"), chunksizes=(2, 2))
            bounds.units = "days since 2000-01-01"
            begins = np.arange(number * 4, number * 4 + 4)
            bounds[:] = np.stack([begins, begins + 1], axis=1)


def e6_latitudes_differ_a_little(folder: Path) -> None:
    exact = np.linspace(-60, 60, 12)
    for number in range(3):
        base(folder / name(number), number * 4, 4, lat=exact + (1e-12 * np.arange(1, 13) if number == 2 else 0)).close()


def e7_packing_differs(folder: Path) -> None:
    """16-bit integers with scale and offset of each file's own, as ERA5 from the old Climate Data Store."""
    for number, dataset in enumerate(series(folder)):
        with dataset:
            packed = dataset.createVariable("t2m", "i2", ("time", "lat", "lon"), chunksizes=(2, 12, 14), fill_value=-32767)
            packed.setncatts({"scale_factor": 0.01 + 0.001 * number, "add_offset": 270.0 + number, "units": "K"})
            packed.set_auto_maskandscale(False)
            packed[:] = np.random.default_rng(number).integers(-900, 900, (4, 12, 14))


def e8_two_missing_values(folder: Path) -> None:
    for number, dataset in enumerate(series(folder)):
        with dataset:
            depth = dataset.createVariable("depth", "f4", ("time", "lat", "lon"), chunksizes=(2, 12, 14), fill_value=-999.0)
            depth.missing_value = np.float32(-888.0)
            values = np.random.default_rng(number).random((4, 12, 14), dtype="f4")
            values[0, 0, :2] = -999.0, -888.0
            depth.set_auto_mask(False)
            depth[:] = values


def e9_flags_with_zeros(folder: Path) -> None:
    for number, dataset in enumerate(series(folder)):
        with dataset:
            flag = dataset.createVariable("flag", "i1", ("time", "lat", "lon"), chunksizes=(2, 12, 14))
            flag[:] = np.random.default_rng(number).integers(0, 3, (4, 12, 14))


def e10_units_spelled_otherwise(folder: Path) -> None:
    for number, dataset in enumerate(series(folder)):
        with dataset:
            dataset["tas"].units = "m s-1" if number == 1 else "m s**-1"


def e11_one_without_steps(folder: Path) -> None:
    for number, steps in enumerate((4, 0, 4)):
        base(folder / name(number), number * 4, steps).close()


def e12_szip(folder: Path) -> None:
    with_filter(folder, "szip")


def e12_scaleoffset(folder: Path) -> None:
    with_filter(folder, "scaleoffset")


def e12_fletcher32(folder: Path) -> None:
    with_filter(folder, "fletcher32")


def with_filter(folder: Path, name_of_filter: str) -> None:
    """Three files whose `tas` has a filter that netCDF4 or kerchunk knows little of, written by h5py."""
    import h5py

    options: dict[str, Any] = {
        "szip": {"compression": "szip"},
        "scaleoffset": {"scaleoffset": 3},
        "fletcher32": {"fletcher32": True, "compression": "gzip"},
    }[name_of_filter]
    finished(series(folder))
    for number in range(3):
        with h5py.File(folder / name(number), "r+") as file:
            old = file["tas"]
            attributes = {key: value for key, value in old.attrs.items() if key not in ("DIMENSION_LIST", "_Netcdf4Coordinates")}
            values = old[:]
            del file["tas"]
            new = file.create_dataset("tas", data=values, chunks=(2, 12, 14), maxshape=(None, 12, 14), **options)
            for axis, dimension in enumerate(("time", "lat", "lon")):
                new.dims[axis].attach_scale(file[dimension])
            new.attrs.update({key: value for key, value in attributes.items() if not key.startswith("_")})


def e12_colon_in_path(folder: Path) -> None:
    for number in range(3):
        base(folder / f"f_2000-01-01T{number:02d}:00.nc", number * 4, 4).close()


def e12_small_chunks(folder: Path) -> None:
    """Chunks under 500 bytes, which kerchunk writes into the references themselves."""
    finished(series(folder, shape=(3, 4)))


def e13_one_netcdf3(folder: Path) -> None:
    base(folder / name(0), 0, 8, form="NETCDF3_CLASSIC").close()


def e13_netcdf3_fixed(folder: Path) -> None:
    """NetCDF3 without an unlimited dimension."""
    for number in range(3):
        with netCDF4.Dataset(_in(folder, number), "w", format="NETCDF3_CLASSIC") as dataset:
            _dimensions(dataset, time=4, lat=12, lon=14)
            _times(dataset, number * 4, 4)
            dataset.createVariable("lat", "f8", ("lat",))[:] = np.linspace(-60, 60, 12)
            dataset.createVariable("lon", "f8", ("lon",))[:] = np.linspace(0, 300, 14)
            tas = dataset.createVariable("tas", "f4", ("time", "lat", "lon"))
            tas[:] = np.random.default_rng(number).random((4, 12, 14)) + 280


def e14_link_beside_versions(folder: Path) -> None:
    """Two versions of each file, and a link `latest` to the newer: three files for each time."""
    for number in range(3):
        for version in ("v1", "v2"):
            base(folder / f"f_{number:03d}_{version}.nc", number * 4, 4).close()
        (folder / f"f_{number:03d}_latest.nc").symlink_to(f"f_{number:03d}_v2.nc")


def _in(folder: Path, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name(number)


def _dimensions(dataset: netCDF4.Dataset, **sizes: int | None) -> None:
    for dimension, size in sizes.items():
        dataset.createDimension(dimension, size)


def _times(dataset: netCDF4.Dataset, begin: int, count: int) -> None:
    time = dataset.createVariable("time", "f8", ("time",))
    time.setncatts({"units": "days since 2000-01-01", "calendar": "standard"})
    time[:] = np.arange(begin, begin + count)


def _pole(dataset: netCDF4.Dataset, kind: str, latitude: float, mapping: str = "rotated_pole") -> None:
    pole = dataset.createVariable(mapping, kind, ())
    pole.setncatts({"grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_latitude": latitude})
    dataset["tas"].grid_mapping = mapping


CASES: dict[str, Builder] = {
    builder.__name__: builder
    for builder in (
        a1_one_without_shuffle,
        a2_one_uncompressed,
        a3_one_north_up,
        a4_large_integers,
        a5_pole_differs,
        a5_flag_meanings_differ,
        a5_positive_differs,
        a6_auxiliary_coordinates,
        a7_microseconds,
        d1_cdf5,
        d1_latin1,
        e1_hours_in_seconds,
        e2_units_differ,
        e3_scalar_character,
        e4_months,
        e4_year_zero,
        e5_bounds_without_calendar,
        e6_latitudes_differ_a_little,
        e7_packing_differs,
        e8_two_missing_values,
        e9_flags_with_zeros,
        e10_units_spelled_otherwise,
        e11_one_without_steps,
        e12_szip,
        e12_scaleoffset,
        e12_fletcher32,
        e12_colon_in_path,
        e12_small_chunks,
        e13_one_netcdf3,
        e13_netcdf3_fixed,
        e14_link_beside_versions,
    )
}
"""Every case by its name (E15 is a rule, not an input)."""


def project_of(root: Path, case: str, **fields: Any) -> Made:
    """An initialised project of a case; `fields` are those of its config."""
    made = Made(root.resolve())
    folder = made.root / "sources"
    CASES[case](folder)
    initialised(made.workdir, made.project.group, spec(made.project.code, made.sources, pattern=f"{folder}/*.nc", **fields))
    return made
