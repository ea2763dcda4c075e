"""A product as a person sees it, opened by plain xarray, held against the same of its source files. Nothing of the comparison is used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from padocc_dagster.pipeline.workdir.product import Product

ENGINES = {"kerchunk": "kerchunk", "parquet": "kerchunk", "zarr": "zarr", "CFA": "CFA"}


def unlike_sources(product: Product, sources: Sequence[Path], along: str, **opening: Any) -> list[str]:
    """The variables of which the product shows something else than the files do, joined along a dimension in this order.

    `opening` are arguments of `xarray.open_dataset` for both. Variables without the dimension must be as in the first file.
    """
    with xarray.open_dataset(str(product.path), engine=ENGINES[product.cloud_format], **opening) as seen:
        files = [xarray.open_dataset(path, **opening) for path in sources]
        unlike = []
        for name, first in files[0].variables.items():
            parts = [file.variables[name].values for file in files]
            expected = np.concatenate(parts, first.dims.index(along)) if along in first.dims else parts[0]
            if name not in seen.variables or not _equal(seen.variables[name].values, expected):
                unlike.append(str(name))
        for file in files:
            file.close()
    return unlike


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=0, atol=0, equal_nan=True))
    return bool(np.array_equal(one, other))
