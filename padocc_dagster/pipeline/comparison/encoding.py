"""What the raw numbers of a variable mean: packing, missing values, units of time.

Source and product may say the same thing in different ways. A kerchunk product keeps the sources' bytes, but VirtualiZarr
writes coordinates anew, and a Zarr store is written anew altogether. Where the encodings agree raw values are compared;
where they do not, both sides are decoded first (`values.py`).
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from padocc_dagster.pipeline.comparison.times import DURATIONS, same_axis

BOUNDS_ATTRIBUTES = ("bounds", "climatology")
CALENDARS = {"gregorian": "standard", "365_day": "noleap", "366_day": "all_leap"}
"""Two names of one calendar (CF 4.4.1)."""
NORTH, EAST = (
    ("degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"),
    ("degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"),
)
"""UDUNITS takes all of them for the same angle; CF does not (sections 4.1 and 4.2)."""


@dataclass(frozen=True)
class Encoding:
    """How a variable's raw values are to be read, in one normal form."""

    dtype: str
    """NumPy's name of the type without byte order, or 'str' for any sort of text."""
    units: str | None = None
    calendar: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    fills: tuple[Any, ...] = ()
    """Declared missing values, as raw values. NaN needs no declaration."""
    default_fill: float | None = None
    """What NetCDF stores where nothing was written, when the variable declares no `_FillValue`."""
    unsigned: bool = False
    boolean: bool = False
    calendar_declared: bool = field(default=True, compare=False)

    @property
    def is_time(self) -> bool:
        return self.units is not None and " since " in self.units

    @property
    def is_packed(self) -> bool:
        return (self.scale, self.offset) != (1.0, 0.0)

    @property
    def is_duration(self) -> bool:
        return self.units in DURATIONS


def encoding_of(dtype: Any, attributes: dict[str, Any]) -> Encoding:
    """The encoding that a variable's type and attributes declare."""
    import numpy as np

    name = type_name(dtype)
    units = _text(attributes.get("units"))
    calendar = None
    if units is not None and " since " in units:
        calendar = (_text(attributes.get("calendar")) or "standard").lower()
        calendar = CALENDARS.get(calendar, calendar)
    numeric = name != "str" and np.dtype(dtype).kind in "iuf"
    default = None
    # One-byte types have no default missing value: every value of theirs is data (NetCDF Users' Guide, "Fill Values").
    if numeric and "_FillValue" not in attributes and np.dtype(name).itemsize > 1:
        default = _default_fill(name)
    return Encoding(
        dtype=name,
        units=units,
        calendar=calendar,
        scale=_number(attributes.get("scale_factor", 1.0)),
        offset=_number(attributes.get("add_offset", 0.0)),
        fills=_fills(name, attributes),
        default_fill=default,
        unsigned=str(attributes.get("_Unsigned", "false")).lower() == "true",
        boolean=attributes.get("dtype") == "bool" or name == "bool",
        calendar_declared="calendar" in attributes,
    )


def type_name(dtype: Any) -> str:
    """The type without its byte order; one name for every sort of text."""
    import numpy as np

    if dtype is str:
        return "str"
    dtype = np.dtype(dtype)
    if dtype.kind in "OUST":
        return "str"
    if dtype.names:
        return "{" + ", ".join(f"{part}: {type_name(dtype[part])}" for part in dtype.names) + "}"
    return str(dtype.newbyteorder("="))


def inherit(encodings: dict[str, Encoding], bounds: dict[str, str]) -> dict[str, Encoding]:
    """Give bounds of times the units and the calendar that they do not declare (CF 7.1). `bounds` maps bounds to what they bound."""
    inherited = dict(encodings)
    for name, parent in bounds.items():
        if name not in encodings or parent not in encodings or not encodings[parent].is_time:
            continue
        own, of_parent = encodings[name], encodings[parent]
        if own.units is None:
            inherited[name] = replace(own, units=of_parent.units, calendar=of_parent.calendar)
        elif own.is_time and not own.calendar_declared:
            inherited[name] = replace(own, calendar=of_parent.calendar)
    return inherited


def differences(source: Encoding, product: Encoding) -> list[str]:
    """What differs between two encodings, in words; empty when raw values may be compared."""
    found = []
    for name in ("dtype", "calendar", "scale", "offset", "unsigned", "boolean"):
        ours, theirs = getattr(source, name), getattr(product, name)
        if ours != theirs:
            found.append(f"{name} {ours!r} became {theirs!r}")
    if not _same_units(source, product):
        found.append(f"units {source.units!r} became {product.units!r}")
    # A value that NetCDF left there because nothing was written counts as missing on either side, declared or not.
    default = {source.default_fill} - {None}
    ours, theirs = set(source.fills) - default, set(product.fills) - default
    if ours != theirs:
        found.append(f"missing values {sorted(ours, key=str)} became {sorted(theirs, key=str)}")
    return found


def units_problem(source: Encoding, product: Encoding) -> str | None:
    """Say why a change of units changes the meaning of the values; None when they can be decoded to one scale."""
    if _same_units(source, product) or (source.is_time and product.is_time) or (source.is_duration and product.is_duration):
        return None
    return f"units {source.units!r} became {product.units!r}, which gives the same numbers another meaning"


def _same_units(source: Encoding, product: Encoding) -> bool:
    """Whether the same number means the same in both, however the units are written."""
    if source.units == product.units:
        return True
    if source.is_time and product.is_time:
        return source.calendar == product.calendar and same_axis(source.units, product.units, source.calendar)
    return not (source.is_duration or product.is_duration) and _same_unit(source.units, product.units)


@lru_cache(maxsize=1024)
def _same_unit(one: str | None, other: str | None) -> bool:
    """Whether a number means the same with either unit, as UDUNITS says, by which CF defines its units.

    Texts that UDUNITS does not know must be the same text.
    No unit, or an empty one, is that of a number without dimension (CF 3.1).
    """
    one, other = (one or "").strip() or "1", (other or "").strip() or "1"
    if one == other:
        return True
    if _direction(one) != _direction(other):
        return False
    from cf_units import Unit

    try:
        return bool(Unit(one) == Unit(other))
    except ValueError:
        return False


def _direction(text: str) -> str:
    lower = text.strip().lower()
    return "north" if lower in NORTH else "east" if lower in EAST else ""


def _fills(name: str, attributes: dict[str, Any]) -> tuple[Any, ...]:
    import numpy as np

    found: list[Any] = []
    for value in (attributes.get("_FillValue"), attributes.get("missing_value")):
        for item in [] if value is None else np.atleast_1d(np.asarray(value)).ravel().tolist():
            item = _one_fill(name, item)
            if item is not None and item not in found:
                found.append(item)
    return tuple(found)


def _one_fill(name: str, item: Any) -> Any:
    """A missing value in normal form; None for one that marks nothing (NaN, or an empty text)."""
    import numpy as np

    if name == "str" or isinstance(item, (str, bytes)):
        text = item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
        return text.strip("\0 ") or None
    if item != item:
        return None
    if name != "str" and name[0] == "f":
        item = float(np.dtype(name).type(item))
    return int(item) if isinstance(item, float) and item.is_integer() and abs(item) < 2**53 else item


def _default_fill(name: str) -> Any:
    import netCDF4
    import numpy as np

    code = np.dtype(name).str[1:]
    return _one_fill(name, netCDF4.default_fillvals[code]) if code in netCDF4.default_fillvals else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip()


def _number(value: Any) -> float:
    import numpy as np

    return float(np.asarray(value).ravel()[0])
