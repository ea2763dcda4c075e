"""Where the values of a variable differ, and the slice that shows it best."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import Encoding, differences
from padocc_dagster.pipeline.comparison.reading import Key, blocks
from padocc_dagster.pipeline.comparison.values import as_numbers, difference

BLOCK = 16 << 20
"""Bytes of a variable that are looked at at a time."""


@dataclass(frozen=True)
class Slice:
    """Two sides of one slice, as numbers with NaN where a value is missing."""

    source: Any
    product: Any
    dimensions: tuple[str, ...]
    """Of the slice: two, one or none."""
    where: str
    """Which slice, in words."""
    difference: str
    """How the block differs that the slice is of; empty when it does not."""
    is_readable: bool = True


def differing_slice(
    read_one: Callable[[Key], Any],
    read_other: Callable[[Key], Any],
    shape: tuple[int, ...],
    dimensions: tuple[str, ...],
    encodings: tuple[Encoding, Encoding],
    itemsize: int,
    anyway: bool = False,
    end: float = inf,
) -> Slice | None:
    """Look at block after block and take the slice that differs most from the first that differs.

    None when none does, or, with `anyway`, the first slice. The search ends when the monotonic clock shows `end`.
    """
    alike = not differences(*encodings)
    first = None
    for key in blocks(shape, itemsize, BLOCK):
        source, product = read_one(key), read_other(key)
        problem = difference(source, product, *encodings, raw=alike, rewritten=True)
        if problem:
            return _slice(source, product, key, dimensions, encodings, problem)
        first = first or ((source, product, key) if anyway else None)
        if monotonic() > end:
            break
    return _slice(*first, dimensions, encodings, "") if first else None


def _slice(source: Any, product: Any, key: Key, dimensions: tuple[str, ...], encodings: tuple[Encoding, Encoding], problem: str) -> Slice:
    import numpy as np

    one = as_numbers(source, encodings[0])
    other = as_numbers(product, encodings[1])
    if one.shape != other.shape:
        shape = tuple(map(min, one.shape, other.shape))
        one, other = (side[tuple(slice(0, size) for size in shape)] for side in (one, other))
    wide = [axis for axis in range(one.ndim) if one.shape[axis] > 1][-2:]
    unequal = ~((one == other) | (np.isnan(one) & np.isnan(other)))
    counts = unequal.sum(axis=tuple(wide)) if wide else unequal
    at = list(np.unravel_index(int(np.argmax(counts)), np.shape(counts))) if np.ndim(counts) else []
    index = tuple(slice(None) if axis in wide else at.pop(0) for axis in range(one.ndim))
    fixed = [
        f"{dimensions[axis]} {int(i) + key[axis].start}"
        for axis, i in enumerate(index)
        if not isinstance(i, slice) and one.ndim == len(dimensions) and key[axis].stop - key[axis].start > 1
    ]
    named = tuple(dimensions[axis] for axis in wide) if one.ndim == len(dimensions) else tuple("" for _ in wide)
    return Slice(one[index], other[index], named, ", ".join(fixed), problem)
