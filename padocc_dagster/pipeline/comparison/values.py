"""When two blocks of values are equal.

Raw values are equal element by element, NaN to NaN. Where encodings differ, or raw values do (xarray writes several missing
values as one), both sides are decoded: the same elements must be missing, packed values are unpacked in float64 and must be
equal, times and durations as `times.py` says.
"""

from typing import Any

from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.times import durations_equal, is_decodable, rounded_equal, times_equal

SINGLE_PRECISION = 4 * 2.0**-23
"""What unpacking in single precision may lose, as a share of the largest number on the way."""
TEXT = "OUST"
"""NumPy's kinds of text."""


def difference(
    source: Any,
    product: Any,
    source_encoding: Encoding,
    product_encoding: Encoding,
    raw: bool,
    rewritten: bool = False,
    sides: tuple[str, str] = ("in the file", "in the product"),
) -> str | None:
    """Say how two blocks of raw values differ; None when they are equal.

    `raw`: the encodings agree. `rewritten`: the product's values were decoded and written again, so that floating-point times of the
    same encoding may have been rounded. `sides` says where each of the two is, to end a phrase.
    """
    if source.shape != product.shape:
        return f"the file has shape {source.shape} there, the product {product.shape}"
    if raw and bool(_equal(source, product).all()):
        return None
    unequal = ~_decoded_equal(source, product, source_encoding, product_encoding, raw, rewritten)
    if not unequal.any():
        return None
    first = tuple(int(i) for i in next(zip(*unequal.nonzero(), strict=True))) if unequal.ndim else ()
    shown = [_shown(source[first]), _shown(product[first])]
    if not raw:
        shown = [f"{shown[0]} {_meaning(source_encoding)}", f"{shown[1]} {_meaning(product_encoding)}"]
    count = f"{int(unequal.sum())} of {unequal.size} values differ, the first at {first}"
    return f"{count}: {shown[0]} {sides[0]}, {shown[1]} {sides[1]}"


def as_numbers(values: Any, encoding: Encoding) -> Any:
    """Raw values of a variable of numbers as float64: unpacked, NaN where missing."""
    import numpy as np

    return np.where(_missing(values, encoding, encoding.default_fill), np.nan, _numbers(values, encoding).astype("f8"))


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
    texts = [values.dtype.kind in TEXT for values in (a, b)]
    if all(texts) and (a.dtype.kind, b.dtype.kind) != ("S", "S"):
        return np.asarray(texts_of(a) == texts_of(b), dtype=bool)
    if any(texts) and not all(texts):
        return np.zeros(a.shape, dtype=bool)
    equal = np.asarray(a == b)
    for whole, real in ((a, b), (b, a)):
        if whole.dtype.kind in "iu" and real.dtype.kind == "f":
            # float64 cannot distinguish all 64-bit integers: what does not survive the way there and back is not equal.
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


def _decoded_equal(source: Any, product: Any, ours: Encoding, theirs: Encoding, raw: bool, rewritten: bool) -> Any:
    """Where two arrays mean the same."""
    if source.dtype.names or product.dtype.names:
        return _equal(source, product)
    missing = _missing(source, ours, ours.default_fill), _missing(product, theirs, ours.default_fill)
    a, b = _numbers(source, ours), _numbers(product, theirs)
    if raw and rewritten and source.dtype.kind == product.dtype.kind == "f" and (ours.is_duration or _is_date(ours)):
        same = rounded_equal(a, b, ours)
    elif not raw and _is_date(ours) and _is_date(theirs):
        same = times_equal(a, b, missing[0] | missing[1], ours, theirs)
    elif not raw and ours.is_duration and theirs.is_duration:
        same = durations_equal(a, b, ours, theirs)
    else:
        same = _equal(a, b)
        if ours.is_packed and not theirs.is_packed and product.dtype == "f4":
            same |= _equal_in_single_precision(a, b, ours.offset)
    return (missing[0] & missing[1]) | (~missing[0] & ~missing[1] & same)


def _equal_in_single_precision(unpacked: Any, product: Any, offset: float) -> Any:
    """Where numbers that the product's reader unpacked in single precision are those unpacked here in double."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return abs(unpacked - product.astype("f8")) <= SINGLE_PRECISION * np.maximum(abs(unpacked), abs(offset))


def _is_date(encoding: Encoding) -> bool:
    return encoding.is_time and is_decodable(encoding.units, encoding.calendar)


def _missing(values: Any, encoding: Encoding, default: Any) -> Any:
    """Where a value is missing: NaN, declared so, or left as NetCDF fills what nobody wrote."""
    import numpy as np

    fills = [*encoding.fills, *([] if default is None else [default])]
    if values.dtype.kind in TEXT:
        return np.isin(texts_of(values), np.array(fills, dtype=object)) if fills else np.zeros(values.shape, bool)
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


def texts_of(values: Any) -> Any:
    """Any array of texts as an array of str, without padding."""
    import numpy as np

    texts = np.empty(values.size, dtype=object)
    texts[:] = [_text(value).rstrip("\0") for value in values.ravel().tolist()]
    return texts.reshape(values.shape)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)


def _meaning(encoding: Encoding) -> str:
    """What a raw value is to be read with, for a reader who must see why equal numbers differ."""
    packed = f"* {encoding.scale:g} + {encoding.offset:g} " if (encoding.scale, encoding.offset) != (1.0, 0.0) else ""
    missing = f", missing values {list(encoding.fills)}" if encoding.fills else ""
    return f"({packed}{encoding.units or encoding.dtype}{f', {encoding.calendar}' if encoding.calendar else ''}{missing})"


def _shown(value: Any) -> str:
    text = repr(value.item() if hasattr(value, "item") else value)
    return text if len(text) <= 60 else text[:57] + "..."
