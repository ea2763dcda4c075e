"""Which source files are compared in full."""

import random
from math import ceil
from typing import Literal

EVERY_FILE_UP_TO = 100
EVERY_BYTE_UP_TO = 4 << 30
FRACTION = 0.05
LEAST, MOST = 10, 100


def choose(files: int, size: int, compare: Literal["auto", "all"] | int, seed: int) -> tuple[set[int], str]:
    """Choose among `files` files of `size` bytes together. Returns their numbers, and a sentence that says how they were chosen.

    `all` takes every file. `auto` takes every file of a project of at most 100 files and 4 GiB; of a larger one the first,
    the last and a random 5 % (at least 10, at most 100). A number takes the first, the last and that many random ones.
    Raises ValueError for anything else.
    """
    if compare == "auto":
        everything = files <= EVERY_FILE_UP_TO and size <= EVERY_BYTE_UP_TO
        number = files if everything else min(max(ceil(FRACTION * files), LEAST), MOST)
    elif compare == "all":
        number = files
    elif isinstance(compare, int) and not isinstance(compare, bool) and compare >= 0:
        number = compare
    else:
        raise ValueError(f"compare is {compare!r}: expected 'auto', 'all' or a number of files")
    between = range(1, files - 1)
    if number >= len(between):
        return set(range(files)), f"all {files} source files were compared in full"
    chosen = {0, files - 1} | set(random.Random(seed).sample(between, number))
    how = f"the first, the last and {number} drawn at random with seed {seed}"
    return chosen, f"{len(chosen)} of {files} source files were compared in full: {how}"
