"""Source files told apart by their place, where no coordinate tells them apart.

PADOCC's validation finds a source file in the product by the first value of its coordinate along the dimension of concatenation
(`padocc/phases/validate.py:1319`). Without that coordinate every file begins at 0, and all are held against the product's beginning.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from padocc_dagster.pipeline.files import read_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.specs import dropped_of


@contextmanager
def placed(workdir: Workdir, project: Project, sources: Sequence[str]) -> Iterator[None]:
    """For the block, sources without a coordinate along the dimension of concatenation count on from file to file."""
    import xarray

    kwargs = read_json(workdir.detail_cfg(project)).get("kwargs") or {}
    concat = list((kwargs.get("combine_kwargs") or {}).get("concat_dims") or ())
    lengths = _lengths(sources, concat[0], dropped_of(read_json(workdir.base_cfg(project)))) if len(concat) == 1 else []
    starts = dict(zip(sources, accumulate(lengths, initial=0), strict=False)) if lengths else {}
    opened = xarray.open_dataset

    def open_dataset(path: Any, *rest: Any, **given: Any) -> Any:
        dataset = opened(path, *rest, **given)
        if path not in starts:
            return dataset
        return dataset.assign_coords({concat[0]: range(starts[path], starts[path] + dataset.sizes[concat[0]])})

    xarray.open_dataset = open_dataset
    try:
        yield
    finally:
        xarray.open_dataset = opened


def _lengths(sources: Sequence[str], dimension: str, dropped: Sequence[str]) -> list[int]:
    """The files' lengths along the dimension; empty when it has a coordinate, or they do not have it."""
    import netCDF4

    lengths = []
    for path in sources:
        with netCDF4.Dataset(path) as dataset:
            if dimension not in dataset.dimensions or (dimension in dataset.variables and dimension not in dropped):
                return []
            lengths.append(len(dataset.dimensions[dimension]))
    return lengths
