"""Whether values that are declared identical in all files are so, but for rounding."""

from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.encoding import Encoding

ROUNDING = 1e-6
"""The share of the largest value by which numbers may differ: about eight times the precision of a single-precision number."""


class Apart(NamedTuple):
    """How far two arrays are apart."""

    within: bool
    """Whether that is close enough to be the same."""
    words: str


def differs_within(source: Any, product: Any, ours: Encoding, theirs: Encoding, limit: float | None) -> Apart:
    """Measure the largest difference. `limit` is in the values' own unit; without it, `ROUNDING` of the largest value is allowed."""
    import numpy as np

    numeric = source.shape == product.shape and source.dtype.kind in "iuf" and product.dtype.kind in "iuf"
    if not numeric or (ours.units, ours.calendar, ours.scale, ours.offset) != (theirs.units, theirs.calendar, theirs.scale, theirs.offset):
        return Apart(False, "more than rounding")
    a, b = source.astype("f8"), product.astype("f8")
    missing = np.isnan(a) != np.isnan(b)
    for values, encoding in ((a, ours), (b, theirs)):
        for fill in encoding.fills:
            missing |= (values == fill) & (a != b)
    if missing.any():
        return Apart(False, "values that are missing on one side only")
    apart = float(np.nanmax(abs(a - b))) if a.size else 0.0
    allowed = limit if limit is not None else ROUNDING * float(np.nanmax(abs(a))) if a.size else 0.0
    if apart <= allowed:
        return Apart(True, f"at most {apart:.3g} (allowed are {allowed:.3g})")
    remedy = f"set `identical_within: {apart:.3g}` if the first file's values serve for all"
    return Apart(False, f"{apart:.3g} where {allowed:.3g} is allowed: {remedy}")
