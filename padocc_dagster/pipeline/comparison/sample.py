"""Which source files are read in full."""

import random
from typing import Literal


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
