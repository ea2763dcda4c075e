"""How xarray opens source files and products for PADOCC, as a project asks for it.

PADOCC passes its `xarray_kwargs` on where it finds dimensions and where it samples sources (`padocc/phases/compute.py:908`,
`validate.py:1263`): not where it makes a Zarr store, and not to the product that it holds against the samples.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

FOR_FILES_ONLY = ("engine",)
ENGINES = {"kerchunk": "kerchunk", "parquet": "kerchunk", "zarr": "zarr", "CFA": "CFA"}
"""xarray's engine for a product, by its cloud format."""


@contextmanager
def opened_with(options: Mapping[str, Any], dropped: Iterable[str], sources: Iterable[str]) -> Iterator[None]:
    """For the block, sources are opened with these options and without the dropped variables, and products are decoded alike.

    What PADOCC asks for itself goes first.
    """
    import xarray

    open_one, open_many = xarray.open_dataset, xarray.open_mfdataset
    of_sources = {**options, **({"drop_variables": list(dropped)} if dropped else {})}
    of_products = {name: value for name, value in options.items() if name not in FOR_FILES_ONLY}
    known = set(sources)

    def one(path: Any, *rest: Any, **given: Any) -> Any:
        return open_one(path, *rest, **{**(of_sources if path in known else of_products), **given})

    def many(paths: Any, *rest: Any, **given: Any) -> Any:
        return open_many(paths, *rest, **{**of_sources, **given})

    xarray.open_dataset, xarray.open_mfdataset = one, many  # type: ignore[assignment]  # patched, with looser types
    try:
        yield
    finally:
        xarray.open_dataset, xarray.open_mfdataset = open_one, open_many
