"""Chunks of one size along every dimension, which a Zarr store must have.

PADOCC writes a Zarr store in the chunks that the source files have (`padocc/phases/compute.py:1731`). Where those differ from file
to file, as in months of 31, 28 and 31 days, xarray refuses to write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def regular_chunks() -> Iterator[None]:
    """For the block, files opened together come in regular chunks: along a dimension, all as large as the largest."""
    import xarray

    open_files = xarray.open_mfdataset
    xarray.open_mfdataset = lambda *files, **options: _regular(open_files(*files, **options))
    try:
        yield
    finally:
        xarray.open_mfdataset = open_files


def _regular(dataset: Any) -> Any:
    for name, variable in dataset.variables.items():
        irregular = {dimension: max(sizes) for dimension, sizes in variable.chunksizes.items() if _differ(sizes)}
        if irregular:
            dataset[name] = dataset[name].chunk(irregular)
    return dataset


def _differ(sizes: tuple[int, ...]) -> bool:
    """Whether Zarr cannot hold these chunks: all of one size, except that the last may be smaller."""
    return any(size != sizes[0] for size in sizes[:-1]) or sizes[-1] > sizes[0]
