"""What a comparison is requested for, and which files it reads in full."""

import random
from dataclasses import dataclass, field
from typing import Any, Literal

from padocc_dagster.pipeline.workdir.product import Product


@dataclass(frozen=True)
class Request:
    """One product, and the source files that it must equal."""

    product: Product
    sources: tuple[str, ...]
    """Absolute paths in the order of concatenation."""
    variables: tuple[str, ...] = ()
    """The variables that were to be kept (with their coordinates); empty for all."""
    dropped: tuple[str, ...] = ()
    """The variables that were to be left out: the only ones whose absence is no problem."""
    along: tuple[str, ...] = ()
    """The dimension along which the files were to be joined; empty where it may be any."""
    identical: tuple[str, ...] = ()
    """The variables declared to be the same in all files: what differs within `identical_within` is reported, and no problem."""
    identical_within: float | None = None
    """The largest difference between two values declared identical; None for the precision of single-precision numbers."""
    updates: dict[str, Any] = field(default_factory=dict)
    """Global attributes that must have these values in the product."""
    removals: tuple[str, ...] = ()
    """Global attributes that must not be in the product."""
    compare: Literal["auto", "all"] | int = "auto"
    """How many files are read in full: see `choose`."""
    seed: int = 0
    """Seed of the random sample."""
    cpus: int = 1
    """How many processes may read values at the same time."""


def choose(files: int, compare: Literal["auto", "all"] | int, seed: int, proved: bool) -> tuple[set[int], str]:
    """Choose among `files` files those whose every value is read. Returns their numbers, and how they were chosen, in words.

    `all` takes every file. `auto` takes none where the references are `proved` (one file of each kind is read all the same, see
    `plans.reading_list`), and every file otherwise. A number takes the first, the last and that many random ones.
    Raises ValueError for anything else.
    """
    if compare == "all" or (compare == "auto" and not proved):
        return set(range(files)), ""
    if compare == "auto":
        return set(), ""
    if not isinstance(compare, int) or isinstance(compare, bool) or compare < 0:
        raise ValueError(f"compare is {compare!r}: expected 'auto', 'all' or a number of files")
    between = range(1, files - 1)
    if compare >= len(between):
        return set(range(files)), ""
    return {0, files - 1} | set(random.Random(seed).sample(between, compare)), f"the first, the last and {compare} drawn with seed {seed}"
