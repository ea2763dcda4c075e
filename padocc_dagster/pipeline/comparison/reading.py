"""Reading the product where one file lies in it: in blocks, so that memory stays bounded, and ahead where variables are small."""

from collections.abc import Iterator
from math import prod
from typing import Any

from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.products import ProductVariable

SMALL = 64 << 10
"""Bytes a file up to which a variable is compared in every file."""
BLOCK = 128 << 20
"""Bytes of one variable that are compared at a time."""
WINDOW = 4 << 20
"""Bytes of a small variable that are read ahead, so that a chunk that holds many files is not unpacked once a file."""

Key = tuple[slice, ...]


def blocks(shape: tuple[int, ...], itemsize: int, limit: int = BLOCK) -> Iterator[Key]:
    """Cut an array into parts of at most `limit` bytes: slabs along the first axis, along the next where a row is larger."""
    if 0 in shape:
        return
    if not shape or prod(shape) * itemsize <= limit:
        yield tuple(slice(0, size) for size in shape)
        return
    row = prod(shape[1:]) * itemsize
    rows = max(1, limit // row)
    for start in range(0, shape[0], rows):
        head = slice(start, min(start + rows, shape[0]))
        if row <= limit:
            yield (head, *(slice(0, size) for size in shape[1:]))
        else:
            yield from ((head, *rest) for rest in blocks(shape[1:], itemsize, limit))


class ProductReader:
    """Reads one variable of the product by file."""

    def __init__(self, variable: ProductVariable, placement: Placement) -> None:
        self._variable = variable
        self._placement = placement
        self._axis = placement.axis(variable)
        self._ahead: tuple[int, int, Any] = (0, 0, None)
        """First and last index (exclusive) along the axis of what was read ahead, and the values."""

    @property
    def placed(self) -> bool:
        """Whether each file has its own place in the product; otherwise the product keeps one copy for all."""
        return self._axis is not None

    @property
    def stacked(self) -> bool:
        """Whether the files follow each other along a dimension that PADOCC made up for them."""
        return self._placement.stacked

    def block(self, file: int, key: Key) -> Any:
        """The part of the product where `key` of the file's own values must be."""
        if self._axis is None:
            return self._variable.read(key)
        begin = self._placement.offsets[file]
        if self._placement.stacked:
            return self._variable.read((slice(begin, begin + 1), *key))[0]
        return self._variable.read(tuple(_moved(part, begin) if i == self._axis else part for i, part in enumerate(key)))

    def whole(self, file: int, itemsize: int) -> Any:
        """All of the product where the file lies, for small variables read in order of the files."""
        if self._axis is None:
            if self._ahead[2] is None:
                self._ahead = (0, 0, self._variable.read(tuple(slice(0, size) for size in self._variable.shape)))
            return self._ahead[2]
        begin, end = self._placement.offsets[file], self._placement.offsets[file + 1]
        if self._ahead[2] is None or not (self._ahead[0] <= begin and end <= self._ahead[1]):
            self._read_ahead(begin, end, itemsize)
        start, _, values = self._ahead
        part = values[tuple(slice(begin - start, end - start) if i == self._axis else slice(None) for i in range(values.ndim))]
        return part[0] if self._placement.stacked else part

    def _read_ahead(self, begin: int, end: int, itemsize: int) -> None:
        assert self._axis is not None  # `whole` has read the others
        shape = self._variable.shape
        row = max(1, prod(shape) // max(1, shape[self._axis]) * itemsize)
        last = min(max(end, begin + WINDOW // row), shape[self._axis])
        try:
            self._ahead = (begin, last, self._variable.read(self._along(begin, last)))
        except Exception:
            if last == end:
                raise
            # A damaged chunk further on says nothing of this file.
            self._ahead = (begin, end, self._variable.read(self._along(begin, end)))

    def _along(self, begin: int, end: int) -> Key:
        """All of the variable from one index to another (exclusive) along the axis of the files."""
        return tuple(slice(begin, end) if i == self._axis else slice(0, size) for i, size in enumerate(self._variable.shape))


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
