"""What the headers of source files say, each file opened once: where it begins, how it packs, which of its coordinates are its own.

`order.py` orders the files by it, and `unjoinable.py` finds those that cannot be joined.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan, prod
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.netcdf3 import is_classic, pieces

LAST_DIGITS = 1e-3
"""Coordinates differ in their last digits only where they differ by less than this share of their smallest step."""
LARGEST_COORDINATE = 100_000
"""Values up to which coordinates are compared."""
EPOCH = "seconds since 1850-01-01"
SAME_CALENDAR = {"gregorian": "standard", "proleptic_gregorian": "standard", "365_day": "noleap", "366_day": "all_leap"}
"""Calendars that name the same days (`proleptic_gregorian` since 1582)."""
NOT_WRITTEN = ("month", "months", "year", "years")
"""Units of time that cftime decodes in some calendars and xarray cannot write again (`xarray/coding/times.py`)."""


class UnreadableSourceError(Exception):
    """One or more source files cannot be opened."""


class Start(NamedTuple):
    """The first value of a coordinate in a file."""

    number: float
    """As stored."""
    seconds: float | None = None
    """For a time that can be decoded: seconds since 1850 in its calendar."""
    units: str = ""
    """Of a time, as stored; empty for other coordinates."""
    calendar: str = ""
    """Of a time, in one name for each calendar."""

    @property
    def is_time(self) -> bool:
        return bool(self.units)


class Packing(NamedTuple):
    """The attributes by which integers become numbers; None where a file has none."""

    scale_factor: float | None
    add_offset: float | None


@dataclass(frozen=True)
class Header:
    """What the header of one file says."""

    path: str
    sizes: dict[str, int]
    """Dimension → length."""
    starts: dict[str, Start]
    """Coordinate along its own dimension (or along the one that the config names) → its first value."""
    packing: dict[str, Packing]
    """Variable → how it is packed, for those that are."""
    undecoded: dict[str, str]
    """Time variable → its units, for those that cannot be decoded."""
    drift: dict[str, float]
    """Coordinate → the largest difference from the first file, for those that differ in the last digits only."""
    apart: dict[str, float]
    """Coordinate → the same, for those that differ by more."""
    groups: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()
    """The names of all variables; equal sets are one object, so that 50 000 headers stay small."""


def survey(files: Sequence[str], along: str | None = None) -> list[Header]:
    """Read the headers of all files. Raises UnreadableSourceError naming every file that cannot be opened."""
    headers: list[Header] = []
    first: dict[str, Any] = {}
    unreadable = []
    for path in files:
        try:
            headers.append(_header(path, along, first))
        except Exception as error:
            unreadable.append(f"{path} ({type(error).__name__}: {error})")
    if unreadable:
        shown = "; ".join(unreadable[:10]) + (f"; and {len(unreadable) - 10} more" if len(unreadable) > 10 else "")
        raise UnreadableSourceError(f"{len(unreadable)} of {len(files)} source files cannot be read: {shown}")
    return headers


def packings(headers: Sequence[Header]) -> dict[str, dict[Packing, list[str]]]:
    """The variables that are packed differently from file to file: packing → files, the most frequent first."""
    names = dict.fromkeys(name for header in headers for name in header.packing)
    found: dict[str, dict[Packing, list[str]]] = {}
    for name in names:
        kinds: dict[Packing, list[str]] = {}
        for header in headers:
            kinds.setdefault(header.packing.get(name, Packing(None, None)), []).append(header.path)
        if len(kinds) > 1:
            found[name] = dict(sorted(kinds.items(), key=lambda item: len(item[1]), reverse=True))
    return found


def _header(path: str, along: str | None, first: dict[str, Any]) -> Header:
    """The header of a file. `first` is filled with the first file's coordinates, and compared with those of later ones."""
    import netCDF4

    _check_length(path)
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        drift, apart = _differences(dataset, first, along)
        names = dataset.dimensions if along is None else dataset.variables
        starts = {name: start for name in names if (start := _start(dataset, name, along or name)) is not None}
        return Header(
            path,
            {name: len(dimension) for name, dimension in dataset.dimensions.items()},
            starts,
            {name: _packing(variable) for name, variable in dataset.variables.items() if _is_packed(variable)},
            {name: variable.units for name, variable in dataset.variables.items() if not _is_decodable(variable)},
            drift,
            apart,
            tuple(dataset.groups),
            _shared(frozenset(dataset.variables)),
        )


@lru_cache(maxsize=1024)
def _shared(names: frozenset[str]) -> frozenset[str]:
    return names


def _check_length(path: str) -> None:
    """Raise ValueError for a NetCDF3 file that was cut off: the C library reads zeros there."""
    size = os.path.getsize(path)
    for name, piece in pieces(path).items() if is_classic(path) else ():
        row = prod(piece.shape[1:] if piece.step is not None else piece.shape) * int(piece.dtype[-1])
        end = piece.begin + row + (piece.step or 0) * (piece.shape[0] - 1 if piece.step is not None else 0)
        if end > size and 0 not in piece.shape:
            raise ValueError(f"it is {size} bytes long and ends within variable {name}, which takes it to {end}")


def _start(dataset: Any, name: str, dimension: str) -> Start | None:
    variable = dataset.variables.get(name)
    if variable is None or variable.dimensions != (dimension,) or variable.size == 0 or variable.dtype.kind not in "iuf":
        return None
    value, units = float(variable[0]), str(getattr(variable, "units", ""))
    if " since " not in units:
        return None if isnan(value) else Start(value)
    calendar = str(getattr(variable, "calendar", "standard"))
    named = SAME_CALENDAR.get(calendar.lower(), calendar.lower())
    if not _decodes(units, calendar):
        return None if isnan(value) else Start(value, None, units, named)
    try:
        return Start(value, _seconds(value, units, calendar), units, named)
    except ValueError:
        if name == dimension:
            raise
        return None  # a variable beside the coordinate, which need not be a time because its units say "since"


def _seconds(value: float, units: str, calendar: str) -> float:
    import cftime

    return float(cftime.date2num(cftime.num2date(value, units, calendar), EPOCH, calendar))


@lru_cache
def _decodes(units: str, calendar: str) -> bool:
    """Whether times in these units can be decoded, and written again: not months, and no year 0 in a calendar without one."""
    import cftime

    if units.split()[0].lower() in NOT_WRITTEN:
        return False
    try:
        cftime.num2date(0, units, calendar)
    except (ValueError, OverflowError):
        return False
    return True


def _is_decodable(variable: Any) -> bool:
    units = str(getattr(variable, "units", ""))
    numeric = getattr(variable.dtype, "kind", "") in ("i", "u", "f")
    return " since " not in units or not numeric or _decodes(units, str(getattr(variable, "calendar", "standard")))


def _is_packed(variable: Any) -> bool:
    return hasattr(variable, "scale_factor") or hasattr(variable, "add_offset")


def _packing(variable: Any) -> Packing:
    values = (getattr(variable, name, None) for name in Packing._fields)
    return Packing(*(None if value is None else float(value) for value in values))


def _differences(dataset: Any, first: dict[str, Any], along: str | None) -> tuple[dict[str, float], dict[str, float]]:
    """By how much coordinates differ from the first file's: those in their last digits, and the others. Of the first file, none do."""
    import numpy as np

    drift: dict[str, float] = {}
    apart: dict[str, float] = {}
    for name, dimension in dataset.dimensions.items():
        variable = dataset.variables.get(name)
        if variable is None or name == along or variable.dimensions != (name,) or variable.dtype.kind not in "iuf":
            continue
        if not 1 < len(dimension) <= LARGEST_COORDINATE:
            continue
        values = np.asarray(variable[:], dtype="f8")
        before = first.setdefault(name, values)
        if before is values or before.shape != values.shape:
            continue
        difference = float(np.max(np.abs(values - before)))
        if difference > 0:
            small = variable.dtype.kind == "f" and difference < LAST_DIGITS * float(np.min(np.abs(np.diff(before))))
            (drift if small else apart)[name] = difference
    return drift, apart
