"""Source files in the order in which they are concatenated.

PADOCC takes files in glob order (`m_1, m_10, m_2`) and re-orders them between scan and compute while re-using what it cached by
index (`padocc/phases/compute.py:549,1187`), which gives products with files twice and files missing. Here the order is found
once, from the coordinates, before anything is cached, and PADOCC is told that it is confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any


class UnreadableSourceError(Exception):
    """One or more source files cannot be opened."""


@dataclass(frozen=True)
class Ordering:
    """Files in concatenation order, and the dimension that gave it (None: the files' own order was kept)."""

    files: tuple[str, ...]
    dimension: str | None
    note: str


def concatenation_order(files: Sequence[str], along: str | None = None) -> Ordering:
    """Order files by the first value of the one dimension coordinate that differs from file to file.

    `along` is the dimension along which they are known to follow each other: its coordinate orders them, else the times that have this
    dimension only, where they agree. Data never do. Times are compared decoded, because units may change from file to file. Every file
    is opened (headers only), so a damaged one is found here. Raises UnreadableSourceError naming every file that cannot be opened.
    """
    if any(file.endswith(".tif") for file in files):
        return Ordering(tuple(files), None, "GeoTIFF files keep the order of their names")
    starts = _starts(files, along)
    if len(files) == 1:
        return Ordering(tuple(files), None, "one file")
    candidates = [name for name in starts[0] if _distinct([start.get(name) for start in starts])]
    timelike = [name for name in candidates if starts[0][name][1]]
    chosen = [along] if along in candidates else timelike if along or len(timelike) == 1 else candidates
    orders = {name: _ordered(files, starts, name) for name in chosen}
    if (len(chosen) != 1 and not along) or len(set(orders.values())) != 1:
        found = ", ".join(candidates) or "none"
        what = f"neither the coordinate {along} nor the times along it order" if along else "no single coordinate orders"
        return Ordering(tuple(files), None, f"{what} the files (differing from file to file: {found})")
    ordered = orders[chosen[0]]
    note = "" if ordered == tuple(files) else ", which is not the order of their names"
    return Ordering(ordered, chosen[0], f"ordered by {chosen[0]}{note}")


def _ordered(files: Sequence[str], starts: list[dict[str, tuple[float, bool]]], name: str) -> tuple[str, ...]:
    """The files by their first values of a variable, which fall from file to file where they fall in the files."""
    import netCDF4

    with netCDF4.Dataset(files[0]) as dataset:
        variable = dataset[name]
        variable.set_auto_maskandscale(False)
        falls = bool(variable[-1] < variable[0])
    pairs = sorted(zip(starts, files, strict=True), key=lambda pair: pair[0][name][0], reverse=falls)
    return tuple(file for _, file in pairs)


def _starts(files: Sequence[str], along: str | None) -> list[dict[str, tuple[float, bool]]]:
    """For each file: dimension coordinate, or variable along the dimension → (first value, whether it is a time)."""
    import netCDF4

    starts, unreadable = [], []
    for file in files:
        try:
            with netCDF4.Dataset(file) as dataset:
                names = dataset.dimensions if along is None else dataset.variables
                starts.append({name: start for name in names if (start := _start(dataset, name, along or name)) is not None})
        except Exception as error:
            unreadable.append(f"{file} ({type(error).__name__}: {error})")
    if unreadable:
        shown = "; ".join(unreadable[:10]) + (f"; and {len(unreadable) - 10} more" if len(unreadable) > 10 else "")
        raise UnreadableSourceError(f"{len(unreadable)} of {len(files)} source files cannot be read: {shown}")
    return starts


def _start(dataset: Any, name: str, dimension: str) -> tuple[float, bool] | None:
    variable = dataset.variables.get(name)
    if variable is None or variable.dimensions != (dimension,) or variable.size == 0 or variable.dtype.kind not in "iuf":
        return None
    variable.set_auto_maskandscale(False)
    value = float(variable[0])
    units = getattr(variable, "units", "")
    if " since " not in str(units):
        return None if isnan(value) else (value, False)
    try:
        return _seconds(value, units, getattr(variable, "calendar", "standard")), True
    except ValueError:
        if name == dimension:
            raise
        return None  # a variable beside the coordinate, which need not be a time because its units say "since"


def _seconds(value: float, units: str, calendar: str) -> float:
    import cftime

    return float(cftime.date2num(cftime.num2date(value, units, calendar), "seconds since 1850-01-01", calendar))


def _distinct(values: list[tuple[float, bool] | None]) -> bool:
    return None not in values and len({value[0] for value in values if value}) == len(values)
