"""When two times, or two durations, are equal.

Both are brought to microseconds and must lie within 1 ms; where both have the same encoding, within what xarray's own rounding
loses. Times are compared as dates: `standard` and `proleptic_gregorian` agree since 15 October 1582, other calendars only with
themselves.
"""

from functools import lru_cache
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import DURATIONS, Encoding

TOLERANCE = 1000.0
"""Microseconds by which two times of different encoding may differ."""
ROUNDING, ROUNDING_CFTIME = 0.0005, 0.5
"""Microseconds that xarray may lose by decoding and writing again: half a nanosecond, with cftime half a microsecond."""
GREGORIAN = -12_219_292_800_000_000.0
"""15 October 1582, in microseconds since 1970."""
REAL_CALENDARS = {"standard", "proleptic_gregorian"}


def times_equal(a: Any, b: Any, missing: Any, ours: Encoding, theirs: Encoding) -> Any:
    """Where two arrays of times hold the same dates; what holds for missing ones means nothing."""
    import numpy as np

    ticks = [_ticks(np.where(missing, 0.0, values.astype("f8")), encoding) for values, encoding in ((a, ours), (b, theirs))]
    near = abs(ticks[0] - ticks[1]) <= TOLERANCE
    if ours.calendar == theirs.calendar:
        return near
    if {ours.calendar, theirs.calendar} == REAL_CALENDARS:
        return near & (ticks[0] >= GREGORIAN)
    return np.zeros(np.shape(near), dtype=bool)


def durations_equal(a: Any, b: Any, ours: Encoding, theirs: Encoding) -> Any:
    """Where two arrays of durations are equally long."""
    return abs(a.astype("f8") * DURATIONS[ours.units] - b.astype("f8") * DURATIONS[theirs.units]) <= TOLERANCE


def rounded_equal(a: Any, b: Any, encoding: Encoding) -> Any:
    """Where times or durations of one encoding differ by no more than what decoding and writing them again costs."""
    import numpy as np

    unit = _time_axis(encoding.units, encoding.calendar)[0] if encoding.is_time else DURATIONS[encoding.units]
    rounding = ROUNDING if encoding.is_duration or encoding.calendar in REAL_CALENDARS else ROUNDING_CFTIME
    a, b = a.astype("f8"), b.astype("f8")
    with np.errstate(invalid="ignore"):
        return abs(a - b) <= rounding / unit + 2 * np.spacing(abs(a))


def _ticks(values: Any, encoding: Encoding) -> Any:
    """Microseconds since 1970 in the variable's own calendar."""
    unit, reference = _time_axis(encoding.units, encoding.calendar)
    return values * unit + reference


@lru_cache(maxsize=4096)
def _time_axis(units: str, calendar: str) -> tuple[float, float]:
    """Length of the unit, and the reference date since 1970, in microseconds. Raises ValueError for units that are no times."""
    import cftime

    zero, one = cftime.num2date([0, 1], units, calendar, only_use_cftime_datetimes=True)
    return (one - zero).total_seconds() * 1e6, float(cftime.date2num(zero, "microseconds since 1970-01-01", calendar))
