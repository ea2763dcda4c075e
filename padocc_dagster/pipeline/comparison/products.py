"""The product as variables with raw values, in any format."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import BOUNDS_ATTRIBUTES, Encoding, encoding_of, inherit
from padocc_dagster.pipeline.workdir.product import Product


@dataclass(frozen=True)
class ProductVariable:
    """One variable of the product."""

    name: str
    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    encoding: Encoding
    attributes: dict[str, Any]
    read: Callable[[tuple[slice, ...]], Any]
    """Raw values of a part, as a NumPy array."""


@dataclass(frozen=True)
class OpenProduct:
    """A product open for reading."""

    variables: dict[str, ProductVariable]
    sizes: dict[str, int]
    attributes: dict[str, Any]


@contextmanager
def opened_product(product: Product, references: Any = None) -> Iterator[OpenProduct]:
    """Open a product with decoding and masking off. `references` are those of a kerchunk JSON file, where they were read before."""
    import dask

    # netCDF's C library, which a CFA product is read with, must not be entered by two threads.
    with dask.config.set(scheduler="synchronous"):
        if product.cloud_format == "CFA":
            with _opened_cfa(product) as opened:
                yield opened
        else:
            dataset = _open_zarr(product, references)
            with dataset:
                yield described(dataset.variables, dataset.attrs)


def _open_zarr(product: Product, references: Any) -> Any:
    import xarray

    options: dict[str, Any] = {"engine": "zarr", "decode_cf": False, "cache": False, "chunks": None}
    if product.cloud_format == "zarr":
        return xarray.open_dataset(str(product.path), **options)
    from kerchunk.utils import refs_as_store

    # fsspec keeps file systems by their arguments, and would answer for a file as it was before.
    fresh = {"skip_instance_cache": True, "remote_protocol": "file"}
    where = references if references is not None else str(product.path)
    return xarray.open_dataset(refs_as_store(where, read_only=True, **fresh), zarr_format=2, consolidated=False, **options)


@contextmanager
def _opened_cfa(product: Product) -> Iterator[OpenProduct]:
    from cfapyx.datastore import CFADataStore

    store = CFADataStore.open(str(product.path))
    try:
        # xarray's engine "CFA" masks and scales with any arguments (cfapyx/backend.py:185); the store beneath it does not.
        store.cfa_options = {}
        store.mask_and_scale = False
        variables, attributes = store.load()
        yield described(variables, attributes)
    finally:
        store.close()


def described(variables: Any, attributes: Any) -> OpenProduct:
    """xarray's variables, opened without decoding their times, as a product. Raises ValueError for dimensions of two lengths."""
    bounds = {v.attrs[k]: name for name, v in variables.items() for k in BOUNDS_ATTRIBUTES if k in v.attrs}
    encodings = inherit({name: encoding_of(v.dtype, v.attrs) for name, v in variables.items()}, bounds)
    found = {
        name: ProductVariable(name, tuple(v.dims), tuple(v.shape), encodings[name], dict(v.attrs), _reader(v))
        for name, v in variables.items()
    }
    sizes: dict[str, int] = {}
    for variable in found.values():
        for dimension, size in zip(variable.dimensions, variable.shape, strict=True):
            if sizes.setdefault(dimension, size) != size:
                raise ValueError(f"dimension {dimension} is {size} long in {variable.name} and {sizes[dimension]} elsewhere")
    return OpenProduct(found, sizes, dict(attributes))


def _reader(variable: Any) -> Callable[[tuple[slice, ...]], Any]:
    import numpy as np

    return lambda key: np.asarray(variable[key].values)
