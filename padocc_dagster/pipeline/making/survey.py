"""What the headers of source files say, each file opened once: where it begins, how it packs, which of its coordinates are its own.

`order.py` orders the files by it.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import Any, NamedTuple

from padocc_dagster.pipeline.making.refusals import DifferingCoordinateError, EmptySourceError, SourcesOverlapError, SourcesRefused, some

LAST_DIGITS = 1e-3
"""Coordinates differ in their last digits only where they differ by less than this share of their smallest step."""
LARGEST_COORDINATE = 100_000
"""Values up to which coordinates are compared."""
EPOCH = "seconds since 1850-01-01"


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

    @property
    def is_time(self) -> bool:
        return bool(self.units)


class Packing(NamedTuple):
    """The attributes by which integers become numbers; None where a file has none."""

    scale_factor: float | None
    add_offset: float | None

    def __str__(self) -> str:
        return f"scale_factor {self.scale_factor}, add_offset {self.add_offset}"


@dataclass(frozen=True)
class Header:
    """What the header of one file says."""

    path: str
    sizes: dict[str, int]
    """Dimension → length."""
    starts: dict[str, Start]
    """Coordinate along its own dimension (or along the one asked for) → its first value."""
    packing: dict[str, Packing]
    """Variable → how it is packed, for those that are."""
    undecoded: dict[str, str]
    """Time variable → its units, for those that cannot be decoded."""
    drift: dict[str, float]
    """Coordinate → the largest difference from the first file, for those that differ in the last digits only."""


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


def refusal_in(headers: Sequence[Header], declared: Iterable[str]) -> SourcesRefused | None:
    """Why no product can be made of these files; None where nothing is found. `declared` are names that the config has spoken of."""
    return _twice(headers) or _empty(headers) or _drifted(headers, {*declared})


def _twice(headers: Sequence[Header]) -> SourcesOverlapError | None:
    places: dict[tuple[int, int], list[str]] = {}
    for header in headers:
        status = os.stat(header.path)
        places.setdefault((status.st_dev, status.st_ino), []).append(header.path)
    twice = [paths for paths in places.values() if len(paths) > 1]
    if not twice:
        return None
    message = (
        f"{twice[0][0]} and {twice[0][1]} are one file under two names, as a link has it ({len(twice)} file(s) are among the sources "
        "more than once). Edit the pattern so that it finds each file once"
    )
    return SourcesOverlapError(message, files=(path for paths in twice for path in paths))


def _empty(headers: Sequence[Header]) -> EmptySourceError | None:
    for name in headers[0].sizes:
        lengths = [header.sizes.get(name, 0) for header in headers]
        empty = [header.path for header, length in zip(headers, lengths, strict=True) if not length]
        if empty and any(lengths):
            message = (
                f"{some(empty)} has no values along {name}, which {len(headers) - len(empty)} other file(s) have: "
                "replace the file, or edit the pattern so that it is left out"
            )
            return EmptySourceError(message, files=empty, dimension=name)
    return None


def _drifted(headers: Sequence[Header], declared: set[str]) -> DifferingCoordinateError | None:
    for name in dict.fromkeys(name for header in headers for name in header.drift if name not in declared):
        odd = {header.path: header.drift[name] for header in headers if name in header.drift}
        message = (
            f"variable {name} differs in the last digits in {some(odd)}: by up to {max(odd.values()):.2g} from {headers[0].path}. "
            f"Declare it identical with identical_dims: [{name}], and the first file's values are taken"
        )
        return DifferingCoordinateError(message, name, odd)
    return None


def overlap_refusal(files: Sequence[str], taken: Iterable[str]) -> SourcesOverlapError:
    """Why a CFA aggregation took only some of the files: for each place along its dimensions it holds one."""
    left = [path for path in files if path not in {*taken}]
    starts = {header.path: header.starts for header in survey(files)}
    twins = [path for path in files if path not in left and starts[path] == starts[left[0]]]
    beside = f"begins where {twins[0]} begins" if twins else "is where another file is"
    message = (
        f"{len(left)} of {len(files)} source files did not get into the CFA aggregation, which holds one file for each place: "
        f"{left[0]} {beside}. Edit the pattern so that it finds one version of each file"
    )
    return SourcesOverlapError(message, files=[*left, *twins])


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

    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        names = dataset.dimensions if along is None else dataset.variables
        starts = {name: start for name in names if (start := _start(dataset, name, along or name)) is not None}
        return Header(
            path,
            {name: len(dimension) for name, dimension in dataset.dimensions.items()},
            starts,
            {name: _packing(variable) for name, variable in dataset.variables.items() if _is_packed(variable)},
            {name: variable.units for name, variable in dataset.variables.items() if not _is_decodable(variable)},
            _drift(dataset, first, along),
        )


def _start(dataset: Any, name: str, dimension: str) -> Start | None:
    variable = dataset.variables.get(name)
    if variable is None or variable.dimensions != (dimension,) or variable.size == 0 or variable.dtype.kind not in "iuf":
        return None
    value, units = float(variable[0]), str(getattr(variable, "units", ""))
    if " since " not in units:
        return None if isnan(value) else Start(value)
    calendar = str(getattr(variable, "calendar", "standard"))
    if not _decodes(units, calendar):
        return None if isnan(value) else Start(value, None, units)
    try:
        return Start(value, _seconds(value, units, calendar), units)
    except ValueError:
        if name == dimension:
            raise
        return None  # a variable beside the coordinate, which need not be a time because its units say "since"


def _seconds(value: float, units: str, calendar: str) -> float:
    import cftime

    return float(cftime.date2num(cftime.num2date(value, units, calendar), EPOCH, calendar))


@lru_cache
def _decodes(units: str, calendar: str) -> bool:
    """Whether times in these units can be decoded: not months of a calendar whose months differ, and no year 0 where there is none."""
    import cftime

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


def _drift(dataset: Any, first: dict[str, Any], along: str | None) -> dict[str, float]:
    """Coordinates that differ from the first file's in their last digits; of the first file none, whose coordinates are kept."""
    import numpy as np

    found = {}
    for name, dimension in dataset.dimensions.items():
        variable = dataset.variables.get(name)
        if variable is None or name == along or variable.dimensions != (name,) or variable.dtype.kind != "f":
            continue
        if not 1 < len(dimension) <= LARGEST_COORDINATE:
            continue
        values = np.asarray(variable[:], dtype="f8")
        before = first.setdefault(name, values)
        if before is values or before.shape != values.shape:
            continue
        difference = float(np.max(np.abs(values - before)))
        if 0 < difference < LAST_DIGITS * float(np.min(np.abs(np.diff(before)))):
            found[name] = difference
    return found
