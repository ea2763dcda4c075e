"""What the headers of source files say, each file opened once: where it begins, what it declares, which of its coordinates are its own.

`order.py` orders the files by it, `unjoinable.py` and `preflight.py` find those that cannot be joined.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from math import isnan
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.children import Children
from padocc_dagster.pipeline.comparison.sources import Common, SourceError
from padocc_dagster.pipeline.joining.damage import check_whole, reason_of
from padocc_dagster.pipeline.joining.declared import Variables, variables_in

MOST_SHOWN = 10
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
    """One or more source files cannot be opened. `details` has their paths."""

    def __init__(self, unreadable: dict[str, str], total: int) -> None:
        shown = [f"{path} ({reason})" for path, reason in unreadable.items()]
        more = f"; and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
        super().__init__(f"{len(shown)} of {total} source files cannot be read: {'; '.join(shown[:MOST_SHOWN])}{more}")
        self.details = {"files": list(unreadable)}


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


@dataclass(frozen=True)
class Header:
    """What the header of one file says."""

    path: str
    sizes: dict[str, int]
    """Dimension → length."""
    starts: dict[str, Start]
    """Coordinate along its own dimension (or along the one that the config names) → its first value."""
    undecoded: dict[str, str]
    """Time variable → its units, for those that cannot be decoded."""
    drift: dict[str, float]
    """Coordinate → the largest difference from the first file, for those that differ in the last digits only."""
    apart: dict[str, float]
    """Coordinate → the same, for those that differ by more."""
    groups: tuple[str, ...]
    variables: Variables
    """What the file declares of all variables; equal ones are one object, so that 50 000 headers stay small."""

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.variables.declared}


@dataclass
class Survey:
    """The headers of a project's files, in the order in which they were given."""

    headers: list[Header] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Path → why, for files that cannot be opened."""


def survey(files: Sequence[str], along: str | None = None, pool: Children | None = None) -> Survey:
    """Read the headers of all files, in the processes of a pool if there is one.

    Raises SourceError for a file with something that cannot be compared. A file that cannot be opened is noted.
    """
    found, common = Survey(), Common()
    for path, (header, reason) in zip(files, _headers(files, along, common, pool), strict=True):
        if header is None:
            found.unreadable[path] = reason
        else:
            found.headers.append(replace(header, variables=common.same_part(header.variables)))
    return found


def headers_of(files: Sequence[str], along: str | None = None) -> list[Header]:
    """The headers of all files. Raises UnreadableSourceError naming every file that cannot be opened, and SourceError."""
    found = survey(files, along)
    if found.unreadable:
        raise UnreadableSourceError(found.unreadable, len(files))
    return found.headers


def _headers(files: Sequence[str], along: str | None, common: Common, pool: Children | None) -> Iterator[tuple[Header | None, str]]:
    """For each file its header, or why there is none. Files are held against the first one that can be read."""
    first: dict[str, Any] = {}
    begin, is_first_read = 0, False
    while begin < len(files) and not (pool and is_first_read):
        found = _header_or_reason(along, first, common, files[begin])
        begin, is_first_read = begin + 1, found[0] is not None
        yield found
    if pool:
        yield from pool.map(partial(_header_or_reason, along, first, Common()), files[begin:])


def _header_or_reason(along: str | None, first: dict[str, Any], common: Common, path: str) -> tuple[Header | None, str]:
    try:
        return _header(path, along, first, common), ""
    except SourceError:
        raise
    except Exception as error:
        return None, reason_of(path, error)


def _header(path: str, along: str | None, first: dict[str, Any], common: Common) -> Header:
    """The header of a file. `first` is filled with the first file's coordinates, and compared with those of later ones."""
    import netCDF4

    check_whole(path)
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        drift, apart = _differences(dataset, first, along)
        names = dataset.dimensions if along is None else dataset.variables
        starts = {name: start for name in names if (start := _start(dataset, name, along or name)) is not None}
        return Header(
            path,
            {name: len(dimension) for name, dimension in dataset.dimensions.items()},
            starts,
            {name: variable.units for name, variable in dataset.variables.items() if not _is_decodable(variable)},
            drift,
            apart,
            tuple(dataset.groups),
            common.same_part(variables_in(path, dataset, common)),
        )


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
