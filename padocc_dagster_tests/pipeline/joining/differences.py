"""Series of six files of which one differs, by kind of difference, with what no format may be expected to hold."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import netCDF4
import numpy as np

from padocc_dagster.pipeline.joining.odd import Kind
from padocc_dagster_tests.pipeline.cases import base, name

COUNT, ODD = 6, 3
SHAPE = (4, 12, 14)
GRID = ("time", "lat", "lon")
REFERENCES = ("kerchunk", "parquet")
ALL = (*REFERENCES, "zarr", "CFA")
Change = Callable[[netCDF4.Dataset, int, bool], None]


class Difference(NamedTuple):
    """How one file of six is made otherwise."""

    kind: Kind
    variable: str
    refused_by: tuple[str, ...]
    has: str
    """A part of what the odd file is said to have."""
    change: Change


def variable(odd: Mapping[str, Any], others: Mapping[str, Any], name: str = "x", dimensions: tuple[str, ...] = GRID) -> Change:
    """A variable made with these arguments of `createVariable`; those that begin with `a_` are attributes."""

    def change(dataset: netCDF4.Dataset, number: int, is_odd: bool) -> None:
        arguments = {"datatype": "f4", **(odd if is_odd else others)}
        attributes = {key[2:]: arguments.pop(key) for key in list(arguments) if key.startswith("a_")}
        shape = tuple(dataset.dimensions[dimension].size for dimension in arguments.get("dimensions", dimensions))
        chunked = {} if "time" not in arguments.get("dimensions", dimensions) else {"chunksizes": (2, *shape[1:])}
        made = dataset.createVariable(name, **{"dimensions": dimensions, **chunked, **arguments})
        made.set_auto_maskandscale(False)
        made.setncatts(attributes)
        seed = number if "time" in made.dimensions else 0
        made[...] = np.random.default_rng(seed).integers(1, 90, shape).astype(made.dtype)

    return change


def shared(odd: Mapping[str, Any], others: Mapping[str, Any]) -> Change:
    return variable(odd, others, "orog", ("lat", "lon"))


def another_size(dataset: netCDF4.Dataset, number: int, is_odd: bool) -> None:
    dataset.createDimension("z", 5 if is_odd else 4)
    variable({}, {}, dimensions=("time", "z"))(dataset, number, is_odd)


def one_only(dataset: netCDF4.Dataset, number: int, is_odd: bool) -> None:
    if is_odd:
        variable({}, {})(dataset, number, is_odd)


def coordinate_in_some(dataset: netCDF4.Dataset, number: int, is_odd: bool) -> None:
    shared({}, {})(dataset, number, is_odd)
    if not is_odd:
        dataset["tas"].coordinates = "orog"


def hours(dataset: netCDF4.Dataset, number: int, is_odd: bool) -> None:
    if is_odd:
        dataset["time"].units = "hours since 2000-01-01"
        dataset["time"][:] = dataset["time"][:] * 24


def calendar(dataset: netCDF4.Dataset, number: int, is_odd: bool) -> None:
    dataset["time"].calendar = "noleap" if is_odd else "standard"


PACKED, DEFLATED = {"datatype": "i2", "a_add_offset": 1.0}, {"zlib": True, "complevel": 1}
DIFFERENCES = {
    "present in one": Difference(Kind.VARIABLES, "x", ALL, "is present", one_only),
    "calendar": Difference(Kind.CALENDAR, "time", ALL, "calendar noleap", calendar),
    "dimensions": Difference(
        Kind.DIMENSIONS, "x", ALL, "dimensions (time, lat)", variable({"dimensions": ("time", "lat")}, {})
    ),
    "size": Difference(Kind.DIMENSIONS, "x", ALL, "5 values along z", another_size),
    "double": Difference(Kind.TYPE, "x", (*REFERENCES, "CFA"), "<f8", variable({"datatype": "f8"}, {})),
    "byte order": Difference(Kind.TYPE, "x", (*REFERENCES, "CFA"), ">f4", variable({"endian": "big"}, {})),
    "width": Difference(Kind.TYPE, "x", ALL, "<i4", variable({"datatype": "i4"}, {"datatype": "i2"})),
    "width of packed": Difference(
        Kind.TYPE, "x", (*REFERENCES, "CFA"), "<i4", variable({**PACKED, "datatype": "i4"}, PACKED)
    ),
    "double, in all files alike": Difference(Kind.TYPE, "orog", ("CFA",), "<f8", shared({"datatype": "f8"}, {})),
    "width, in all files alike": Difference(Kind.TYPE, "orog", ALL, "<i4", shared({"datatype": "i4"}, {"datatype": "i2"})),
    "shuffle": Difference(Kind.FILTERS, "x", REFERENCES, "has filters deflate 1", variable({**DEFLATED, "shuffle": False}, DEFLATED)),
    "level": Difference(Kind.FILTERS, "x", REFERENCES, "deflate 9", variable({**DEFLATED, "complevel": 9}, DEFLATED)),
    "chunks": Difference(Kind.CHUNKS, "x", REFERENCES, "chunks of 4x12x14", variable({"chunksizes": SHAPE}, {})),
    "scale": Difference(Kind.PACKING, "x", (*REFERENCES, "zarr"), "add_offset 2", variable({**PACKED, "a_add_offset": 2.0}, PACKED)),
    "units": Difference(Kind.UNITS, "x", ALL, "'hPa'", variable({"a_units": "hPa"}, {"a_units": "Pa"})),
    "spelling": Difference(Kind.UNITS, "x", ("CFA",), "'m s-1'", variable({"a_units": "m s-1"}, {"a_units": "m s**-1"})),
    "units of time": Difference(Kind.UNITS, "time", (), "hours since", hours),
    "attribute": Difference(Kind.ATTRIBUTES, "x", ALL, "lacks", variable({}, {"a_cell_methods": "time: mean"})),
    "coordinate": Difference(Kind.COORDINATES, "orog", ALL, "is no coordinate", coordinate_in_some),
    "missing value": Difference(Kind.FILL, "x", ("CFA",), "_FillValue -5", variable({"fill_value": -5.0}, {"fill_value": -9.0})),
}  # fmt: skip


def write_with(folder: Path, change: Change) -> list[str]:
    """Six files, of which number `ODD` differs."""
    for number in range(COUNT):
        dataset = base(folder / name(number), number * 4, 4)
        change(dataset, number, number == ODD)
        dataset.close()
    return [str(folder / name(number)) for number in range(COUNT)]
