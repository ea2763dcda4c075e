"""Where each source file lies in the product."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from padocc_dagster.pipeline.comparison.products import ProductVariable
from padocc_dagster.pipeline.comparison.sources import Header, SourceVariable

STACKED = "file_number"
"""The dimension that PADOCC makes up when files share none to join them by (`padocc/phases/compute.py:1303`)."""


@dataclass(frozen=True)
class Placement:
    """The concatenation dimension, and where each file begins along it."""

    dimension: str | None
    """None for a product of one file."""
    offsets: tuple[int, ...]
    """One more than there are files: file i takes the indices from offsets[i] to offsets[i + 1]."""

    @property
    def stacked(self) -> bool:
        return self.dimension == STACKED

    def is_empty(self, file: int) -> bool:
        """Whether the file has nothing along the dimension."""
        return self.dimension is not None and self.offsets[file] == self.offsets[file + 1]

    def axis(self, product: ProductVariable) -> int | None:
        """The axis of the product's variable along which files follow one another; None when every file holds all of it."""
        return product.dimensions.index(self.dimension) if self.dimension in product.dimensions else None

    def owners(self, start: int, stop: int) -> range:
        """The files that hold the indices from `start` to `stop` (exclusive) of the concatenation dimension."""
        if stop <= start:
            return range(0)
        return range(bisect_right(self.offsets, start) - 1, bisect_left(self.offsets, stop))

    def expected_dimensions(self, source: SourceVariable, product: ProductVariable) -> tuple[str, ...]:
        if self.stacked and STACKED in product.dimensions:
            return (STACKED, *source.dimensions)
        return source.dimensions


def place(headers: list[Header], product: dict[str, int]) -> tuple[Placement | None, list[str]]:
    """Find the concatenation dimension from the sizes of the product (`product`) and of every file.

    Returns the placement, or None and sentences that say why the files cannot be placed.
    """
    first = dict(headers[0].sizes)
    stacked = STACKED in product and STACKED not in first
    if stacked:
        joined = {STACKED: [1] * len(headers)}
    else:
        every = {d: [h.size(d) or 0 for h in headers] for d in first if d in product}
        joined = {d: sizes for d, sizes in every.items() if _is_joined(first[d], sizes, product[d])}
    problems = [
        f"dimension {d} is {product[d]} long in the product, but the {len(headers)} source file(s) together have {sum(sizes)}: "
        "files are missing from the product, or are in it twice"
        for d, sizes in joined.items()
        if sum(sizes) != product[d]
    ]
    if len(joined) > 1:
        problems.append(f"the product and the first file differ in {', '.join(joined)}: files joined along several cannot be placed")
    if not joined and len(headers) > 1:
        problems.append(f"no dimension of the product is longer than in the first file, so {len(headers)} files cannot be placed in it")
    problems += _uneven(headers, set(joined), set(product))
    if problems:
        return None, problems
    dimension = next(iter(joined), None)
    return Placement(dimension, tuple(accumulate(joined[dimension], initial=0)) if dimension else (0, 0)), []


def out_of_order(values: Any, placement: Placement) -> int | None:
    """The first file that begins, by the coordinate's values, on the wrong side of where the file before it begins; None without one.

    Files follow each other in the direction in which the values go in them. Those that begin alike are in no wrong order.
    """
    extents = [(file, first, last) for file, (first, last) in enumerate(pairwise(placement.offsets)) if last > first]
    inside = {bool(values[last - 1] > values[first]) for _, first, last in extents if values[last - 1] != values[first]}
    astray: list[int | None] = []
    for rising in inside if len(inside) == 1 else (True, False):
        steps = ((file, values[before], values[first]) for (_, before, _), (file, first, _) in pairwise(extents))
        wrong = (file for file, before, now in steps if not (now >= before if rising else now <= before))
        astray.append(next(wrong, None))
    return None if None in astray else astray[0]


def _is_joined(size: int, sizes: list[int], product: int) -> bool:
    """Whether files follow one another along the dimension: it is not as in the first, or the others are empty along it."""
    return product != size or (product == sum(sizes) and len(set(sizes)) > 1)


def _uneven(headers: list[Header], joined: set[str], product: set[str]) -> list[str]:
    """Dimensions that are not joined must be as long in every file."""
    first = dict(headers[0].sizes)
    for number, header in enumerate(headers):
        if header.sizes is headers[0].sizes:
            continue
        for dimension, size in header.sizes:
            if dimension in product - joined and first.get(dimension) != size:
                lengths = f"{first.get(dimension)} long in the first file and {size} in file {number + 1}"
                return [f"dimension {dimension} is {lengths}: they cannot be joined"]
    return []
