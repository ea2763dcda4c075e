"""Small NetCDF files for the tests: a series of files along time, healthy or with something the pipeline must cope with."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import netCDF4
import numpy as np

LAT, LON = 4, 6


@dataclass(frozen=True)
class Series:
    """What a series of files looks like; `write` makes it."""

    lengths: tuple[int, ...] = (4, 4, 4)
    """Time steps of each file."""
    chunk: int = 2
    """Time steps of a chunk (NetCDF4 only)."""
    format: str = "NETCDF4"
    names: tuple[str, ...] = ()
    """File names in order of time; `f_000.nc`, `f_001.nc`, … when empty."""
    varying_units: bool = False
    """Each file counts its days from its own beginning."""
    orog: bool = False
    """A field without time, the same in every file."""
    orog_per_file: bool = False
    """A field without time that differs from file to file."""
    packed: bool = False
    """A variable of 16-bit integers with scale, offset and missing values."""
    characters: bool = False
    texts: bool = False
    never_written: bool = False
    """A variable of whose chunks only the last of each file was written (NetCDF4)."""
    declare_fill: bool = True
    """Whether that variable declares its `_FillValue`."""
    bounds: bool = False
    meaning: bool = False
    """Flags with meanings, a grid mapping, an auxiliary coordinate, and attributes that say what values are."""
    later_variable: bool = False
    """The last file has a variable that the others have not."""
    lat: int = LAT
    lon: int = LON
    attributes: dict[str, str] = field(default_factory=lambda: {"title": "a small series", "institution": "nowhere"})


def write(directory: Path, series: Series = Series(), seed: int = 0) -> tuple[str, ...]:
    """Write the files. Returns their absolute paths in order of time."""
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    names = series.names or tuple(f"f_{number:03d}.nc" for number in range(len(series.lengths)))
    paths, begin = [], 0
    for number, (name, length) in enumerate(zip(names, series.lengths, strict=True)):
        path = directory / name
        with netCDF4.Dataset(path, "w", format=series.format) as dataset:
            dataset.setncatts(series.attributes)
            _coordinates(dataset, series, begin, length)
            _fields(dataset, series, number, length, random)
        paths.append(str(path.resolve()))
        begin += length
    return tuple(paths)


def unsorted_names(count: int) -> tuple[str, ...]:
    """Names whose order in a glob is not their order in time: m_1, m_10, m_2, …"""
    return tuple(f"m_{number + 1}.nc" for number in range(count))


def cut_short(path: str | Path, keep: float = 0.5) -> None:
    """Damage a file by dropping its end."""
    os.truncate(path, int(os.path.getsize(path) * keep))


def make_empty(path: str | Path) -> None:
    """Leave a file of no bytes."""
    Path(path).write_bytes(b"")


def _coordinates(dataset: netCDF4.Dataset, series: Series, begin: int, length: int) -> None:
    dataset.createDimension("time", None)
    dataset.createDimension("lat", series.lat)
    dataset.createDimension("lon", series.lon)
    time = dataset.createVariable("time", "f8", ("time",), **_chunks(series, series.chunk))
    start = begin if series.varying_units else 0
    time.units = f"days since {netCDF4.num2date(start, 'days since 2000-01-01').strftime('%Y-%m-%d')}"
    time.calendar = "standard"
    time[:] = np.arange(begin, begin + length, dtype="f8") - start
    for name, size, unit in (("lat", series.lat, "degrees_north"), ("lon", series.lon, "degrees_east")):
        variable = dataset.createVariable(name, "f4", (name,))
        variable.units = unit
        variable[:] = np.linspace(-60.0, 60.0, size)
    if series.bounds:
        dataset.createDimension("bnds", 2)
        time.bounds = "time_bnds"
        bounds = dataset.createVariable("time_bnds", "f8", ("time", "bnds"), **_chunks(series, series.chunk, 2))
        bounds[:] = np.stack([time[:], time[:] + 1], axis=1)


def _fields(dataset: netCDF4.Dataset, series: Series, number: int, length: int, random: np.random.Generator) -> None:
    dimensions, shape = ("time", "lat", "lon"), (length, series.lat, series.lon)
    chunks = _chunks(series, series.chunk, series.lat, series.lon)
    tas = dataset.createVariable("tas", "f4", dimensions, **chunks)
    tas.setncatts({"units": "K", "long_name": "air temperature"})
    tas[:] = random.random(shape, dtype="f4") + 280
    if series.packed:
        pr = dataset.createVariable("pr", "i2", dimensions, fill_value=-999, **chunks)
        pr.setncatts({"units": "mm", "scale_factor": 0.5, "add_offset": 10.0})
        pr.set_auto_maskandscale(False)
        pr[:] = np.where(random.random(shape) < 0.2, -999, random.integers(-500, 1000, shape)).astype("i2")
    if series.orog or series.orog_per_file:
        orog = dataset.createVariable("orog", "f4", ("lat", "lon"))
        orog.units = "m"
        orog[:] = np.arange(series.lat * series.lon).reshape(series.lat, series.lon) + (100 * number if series.orog_per_file else 0)
    if series.characters:
        dataset.createDimension("letters", 5)
        station = dataset.createVariable("station", "S1", ("time", "letters"), **_chunks(series, series.chunk, 5))
        station[:] = np.array([list(f"s{number}-{step:02d}"[:5]) for step in range(length)], dtype="S1")
    if series.texts:
        label = dataset.createVariable("label", str, ("time",))
        label[:] = np.array([f"file {number} step {step}" for step in range(length)], dtype=object)
    if series.never_written:
        sparse = dataset.createVariable("sparse", "f4", dimensions, fill_value=-1e30 if series.declare_fill else None, **chunks)
        sparse.units = "1"
        written = min(series.chunk, length)
        sparse[length - written : length] = random.random((written, series.lat, series.lon), dtype="f4")
    if series.meaning:
        flag = dataset.createVariable("flag", "i2", dimensions, **chunks)
        flag.setncatts({"flag_values": np.array([0, 1, 2], "i2"), "flag_meanings": "good doubtful bad"})
        flag[:] = random.integers(0, 3, shape)
        pole = dataset.createVariable("rotated_pole", "i4", ())
        pole.setncatts({"grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_latitude": 39.25})
        pole[...] = 0
        area = dataset.createVariable("area", "f8", ("lat", "lon"))
        area[:] = np.arange(series.lat * series.lon).reshape(series.lat, series.lon)
        tas.setncatts(
            {"coordinates": "area", "grid_mapping": "rotated_pole", "cell_methods": "time: mean", "standard_name": "air_temperature"}
        )
        tas.positive = "up"
    if series.later_variable and number == len(series.lengths) - 1:
        dataset.createVariable("extra", "f4", dimensions, **chunks)[:] = 1.0


def _chunks(series: Series, *sizes: int) -> dict[str, tuple[int, ...]]:
    return {"chunksizes": sizes} if series.format.startswith("NETCDF4") else {}
