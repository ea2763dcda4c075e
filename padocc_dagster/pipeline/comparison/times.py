"""When two times, or two durations, are equal.

Both are brought to microseconds. With the same unit and the same type, raw numbers must be the same, but for what xarray loses when it
decodes floating-point times and writes them again. With different units, they must be equal within what the two numbers can hold.
Times are compared as dates: `standard` and `proleptic_gregorian` agree since 15 October 1582, other calendars only with themselves.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padocc_dagster.pipeline.comparison.encoding import Encoding

DURATIONS: dict[str | None, float] = {"days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000}
DURATIONS |= {"milliseconds": 1_000, "microseconds": 1, "nanoseconds": 0.001}
"""Microseconds in each unit that xarray takes for a duration (`xarray/coding/times.py`, `TIME_UNITS`)."""
ROUNDING, ROUNDING_CFTIME = 0.001, 1.0
"""Microseconds that xarray may lose by decoding and writing again: a nanosecond, and a microsecond with cftime. Both cut off what is
smaller (`xarray/coding/times.py`, `_decode_datetime_with_pandas`)."""
UNIT_SHARE = 1e-3
"""The largest share of the smaller unit by which whole numbers in different units may differ."""
GREGORIAN = -12_219_292_800_000_000.0
"""15 October 1582, in microseconds since 1970."""
REAL_CALENDARS = {"standard", "proleptic_gregorian"}
IN_WORDS = "within the precision of the file's numbers, and a thousandth of the smaller unit"


def times_equal(a: Any, b: Any, missing: Any, ours: "Encoding", theirs: "Encoding") -> Any:
    """Where two arrays of times hold the same dates; what holds for missing ones means nothing. Raises ValueError for units of no time."""
    import numpy as np

    axes = [time_axis(encoding.units, encoding.calendar) for encoding in (ours, theirs)]
    ticks = [np.where(missing, 0, values).astype(np.longdouble) * unit + begin for values, (unit, begin) in zip((a, b), axes, strict=True)]
    near = abs(ticks[0] - ticks[1]) <= _tolerance((a, b), (axes[0][0], axes[1][0]), ours, theirs)
    if ours.calendar == theirs.calendar:
        return near
    if {ours.calendar, theirs.calendar} == REAL_CALENDARS:
        return near & (ticks[0] >= GREGORIAN)
    return np.zeros(np.shape(near), dtype=bool)


def durations_equal(a: Any, b: Any, ours: "Encoding", theirs: "Encoding") -> Any:
    """Where two arrays of durations are equally long."""
    import numpy as np

    units = DURATIONS[ours.units], DURATIONS[theirs.units]
    long = [values.astype(np.longdouble) * unit for values, unit in zip((a, b), units, strict=True)]
    return abs(long[0] - long[1]) <= _tolerance((a, b), units, ours, theirs)


def rounded_equal(a: Any, b: Any, encoding: "Encoding") -> Any:
    """Where floating-point times or durations of one encoding differ by no more than what decoding and writing them again costs."""
    import numpy as np

    unit = time_axis(encoding.units, encoding.calendar)[0] if encoding.is_time else DURATIONS[encoding.units]
    rounding = ROUNDING if encoding.is_duration or encoding.calendar in REAL_CALENDARS else ROUNDING_CFTIME
    with np.errstate(invalid="ignore"):
        return abs(a - b) <= rounding / unit + 2 * np.spacing(abs(a))


def same_axis(one: str | None, other: str | None, calendar: str | None) -> bool:
    """Whether two units of time count the same unit from the same date, however that is written."""
    try:
        return time_axis(one, calendar) == time_axis(other, calendar)
    except ValueError:
        return False


def is_decodable(units: str | None, calendar: str | None) -> bool:
    """Whether numbers in these units can be made dates: not `months since …`, for example, outside the calendar of 360 days."""
    try:
        time_axis(units, calendar)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def time_axis(units: str | None, calendar: str | None) -> tuple[float, float]:
    """Length of the unit, and the reference date since 1970, in microseconds. Raises ValueError for units that are no times."""
    import cftime

    try:
        zero, one = cftime.num2date([0, 1], units, calendar, only_use_cftime_datetimes=True)
        return (one - zero).total_seconds() * 1e6, float(cftime.date2num(zero, "microseconds since 1970-01-01", calendar))
    except (OverflowError, TypeError) as error:
        raise ValueError(f"{units!r} in the calendar {calendar!r} are no units of time: {error}") from error


def _tolerance(values: tuple[Any, Any], units: tuple[float, float], ours: "Encoding", theirs: "Encoding") -> Any:
    """Microseconds by which the two may differ: twice the precision of the file's number, and what decoding and writing costs.

    Of the product's number too, in double precision: one that was written anew in single precision may have lost seconds.
    """
    import numpy as np

    real = ours.is_duration or {ours.calendar, theirs.calendar} <= REAL_CALENDARS
    rounding = min(UNIT_SHARE * min(units), ROUNDING if real else ROUNDING_CFTIME)
    with np.errstate(invalid="ignore"):
        exact = values[0], values[1].astype("f8") if values[1].dtype.kind == "f" else values[1]
        precision = [
            2 * np.spacing(abs(v)).astype("f8") * unit if v.dtype.kind == "f" else 0.0 for v, unit in zip(exact, units, strict=True)
        ]
    return rounding + precision[0] + precision[1]
