"""When two blocks of values are equal.

Raw values are equal element by element, NaN to NaN. Where encodings differ, or raw values do (xarray writes several missing
values as one), both sides are decoded: the same elements must be missing, packed values are unpacked in float64 and must be
equal, durations and times are brought to microseconds and must lie within 1 ms. Times are compared as dates: `standard` and
`proleptic_gregorian` agree since 15 October 1582, other calendars only with themselves.
"""

from functools import lru_cache
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import DURATIONS, Encoding

TOLERANCE = 1000.0
"""Microseconds by which two times may differ."""
GREGORIAN = -12_219_292_800_000_000.0
"""15 October 1582, in microseconds since 1970."""


def difference(source: Any, product: Any, source_encoding: Encoding, product_encoding: Encoding, raw: bool) -> str | None:
    """Say how two blocks of raw values differ; None when they are equal. `raw`: the encodings agree."""
    if source.shape != product.shape:
        return f"the file has shape {source.shape} there, the product {product.shape}"
    if raw and bool(_equal(source, product).all()):
        return None
    unequal = ~_decoded_equal(source, product, source_encoding, product_encoding)
    if not unequal.any():
        return None
    first = tuple(int(i) for i in next(zip(*unequal.nonzero(), strict=True))) if unequal.ndim else ()
    shown = [_shown(source[first]), _shown(product[first])]
    if source_encoding != product_encoding:
        shown = [f"{text} {_meaning(encoding)}" for text, encoding in zip(shown, (source_encoding, product_encoding), strict=True)]
    return f"{int(unequal.sum())} of {unequal.size} values differ, the first at {first}: {shown[0]} in the file, {shown[1]} in the product"


def join_characters(values: Any) -> Any:
    """Texts from an array of single characters, whose last dimension runs along the text."""
    import numpy as np

    length = values.shape[-1]
    return np.ascontiguousarray(values).view(f"S{length}")[..., 0] if length else np.zeros(values.shape[:-1], "S1")


def _equal(a: Any, b: Any) -> Any:
    """Where two arrays hold the same value."""
    import numpy as np

    if a.dtype.names or b.dtype.names:
        return _equal_structured(a, b)
    if a.dtype.kind in "OUT" or b.dtype.kind in "OUT" or (a.dtype.kind == "S") != (b.dtype.kind == "S"):
        return np.asarray(_texts(a) == _texts(b), dtype=bool)
    equal = np.asarray(a == b)
    for whole, real in ((a, b), (b, a)):
        if whole.dtype.kind in "iu" and real.dtype.kind == "f":
            # float64 cannot tell all 64-bit integers apart: what does not survive the way there and back is not equal.
            with np.errstate(invalid="ignore"):
                equal &= whole.astype("f8").astype(whole.dtype) == whole
    if a.dtype.kind in "fc" and b.dtype.kind in "fc":
        equal |= (a != a) & (b != b)
    return equal


def _equal_structured(a: Any, b: Any) -> Any:
    import numpy as np

    pair = []
    for values in (a, b):
        # netCDF4 reads complex numbers as a compound, h5py as complex.
        complex_names = values.dtype.names == ("r", "i")
        pair.append(values["r"] + 1j * values["i"] if complex_names and "c" in (a.dtype.kind, b.dtype.kind) else values)
    a, b = pair
    if a.dtype.names is None and b.dtype.names is None:
        return _equal(a, b)
    if a.dtype.names != b.dtype.names:
        return np.zeros(a.shape, dtype=bool)
    equal = np.ones(a.shape, dtype=bool)
    for name in a.dtype.names:
        part = _equal(a[name], b[name])
        equal &= part.reshape(*a.shape, -1).all(axis=-1) if part.ndim > a.ndim else part
    return equal


def _decoded_equal(source: Any, product: Any, ours: Encoding, theirs: Encoding) -> Any:
    """Where two arrays mean the same."""
    if source.dtype.names or product.dtype.names:
        return _equal(source, product)
    missing = _missing(source, ours, ours.default_fill), _missing(product, theirs, ours.default_fill)
    if ours.is_time and theirs.is_time:
        same = _same_times(_ticks(source, missing[0], ours), _ticks(product, missing[1], theirs), ours.calendar, theirs.calendar)
    elif ours.units != theirs.units:
        a, b = (_numbers(v, e).astype("f8") * DURATIONS[e.units] for v, e in ((source, ours), (product, theirs)))
        same = abs(a - b) <= TOLERANCE
    else:
        same = _equal(_numbers(source, ours), _numbers(product, theirs))
    return (missing[0] & missing[1]) | (~missing[0] & ~missing[1] & same)


def _missing(values: Any, encoding: Encoding, default: Any) -> Any:
    """Where a value is missing: NaN, declared so, or left as NetCDF fills what nobody wrote."""
    import numpy as np

    fills = [*encoding.fills, *([] if default is None else [default])]
    if values.dtype.kind in "OUST":
        return np.isin(_texts(values), np.array(fills, dtype=object)) if fills else np.zeros(values.shape, bool)
    missing = np.asarray(values != values)
    for fill in fills:
        missing |= values == fill
        if encoding.unsigned and values.dtype.kind == "i":
            missing |= values.view(values.dtype.str.replace("i", "u")) == fill
    return missing


def _numbers(values: Any, encoding: Encoding) -> Any:
    """Values unpacked; those that are not packed stay as they are."""
    if values.dtype.kind not in "iufb":
        return values
    if encoding.boolean:
        return values != 0
    if encoding.unsigned and values.dtype.kind == "i":
        values = values.view(values.dtype.str.replace("i", "u"))
    if encoding.scale == 1.0 and encoding.offset == 0.0:
        return values
    return values.astype("f8") * encoding.scale + encoding.offset


def _ticks(values: Any, missing: Any, encoding: Encoding) -> Any:
    """Microseconds since 1970 in the variable's own calendar."""
    import numpy as np

    unit, reference = _time_axis(encoding.units, encoding.calendar)
    return np.where(missing, 0.0, _numbers(values, encoding).astype("f8")) * unit + reference


@lru_cache(maxsize=4096)
def _time_axis(units: str, calendar: str) -> tuple[float, float]:
    """Length of the unit, and the reference date since 1970, in microseconds. Raises ValueError for units that are no times."""
    import cftime

    zero, one = cftime.num2date([0, 1], units, calendar, only_use_cftime_datetimes=True)
    return (one - zero).total_seconds() * 1e6, float(cftime.date2num(zero, "microseconds since 1970-01-01", calendar))


def _same_times(a: Any, b: Any, ours: str | None, theirs: str | None) -> Any:
    import numpy as np

    near = abs(a - b) <= TOLERANCE
    if ours == theirs:
        return near
    if {ours, theirs} == {"standard", "proleptic_gregorian"}:
        return near & (a >= GREGORIAN)
    return np.zeros(np.shape(near), dtype=bool)


def _texts(values: Any) -> Any:
    """Any array of texts as an array of str, without padding."""
    import numpy as np

    flat = [v.decode("utf-8", "surrogateescape") if isinstance(v, bytes) else "" if v is None else str(v) for v in values.ravel().tolist()]
    texts = np.empty(len(flat), dtype=object)
    texts[:] = [text.rstrip("\0") for text in flat]
    return texts.reshape(values.shape)


def _meaning(encoding: Encoding) -> str:
    """What a raw value is to be read with, for a reader who must see why equal numbers differ."""
    packed = f"* {encoding.scale:g} + {encoding.offset:g} " if (encoding.scale, encoding.offset) != (1.0, 0.0) else ""
    missing = f", missing values {list(encoding.fills)}" if encoding.fills else ""
    return f"({packed}{encoding.units or encoding.dtype}{f', {encoding.calendar}' if encoding.calendar else ''}{missing})"


def _shown(value: Any) -> str:
    text = repr(value.item() if hasattr(value, "item") else value)
    return text if len(text) <= 60 else text[:57] + "..."
