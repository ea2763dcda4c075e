"""Chunks of the coordinates along which files follow each other, which may differ from file to file.

Both aggregators read the values of these coordinates and write them anew. PADOCC's scan refuses them all the same where their chunks
differ (`padocc/phases/scan.py:255`), as in months of 31, 28 and 31 days.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def coordinates_in_any_chunks() -> Iterator[None]:
    """For the block, PADOCC's scan does not compare the chunks of coordinates along the dimensions of concatenation."""
    from padocc.phases.scan import ScanOperation

    summarise = ScanOperation._summarise_json

    def without_coordinates(operation: Any, identifier: Any) -> Any:
        volume, count, chunks, per_variable = summarise(operation, identifier)
        combine = (operation.detail_cfg["kwargs"] or {}).get("combine_kwargs") or {}
        joined = combine.get("concat_dims") or ()
        return volume, count, {name: None if name in joined else found for name, found in chunks.items()}, per_variable

    ScanOperation._summarise_json = without_coordinates
    try:
        yield
    finally:
        ScanOperation._summarise_json = summarise
