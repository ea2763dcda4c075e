"""How the bytes of a variable become its values, in one normal form for HDF5, NetCDF3 and Zarr version 2. No file is read here."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Filter(NamedTuple):
    """One step of a filter pipeline, with the parameters without which its bytes cannot be decoded.

    The level of a compression is none of these: the bytes are unpacked in the same way at every level.
    """

    name: str
    parameters: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.parameters))})" if self.parameters else self.name


@dataclass(frozen=True)
class Storage:
    """The form in which the chunks of one variable are stored."""

    dtype: str
    """NumPy's text of the type with its byte order, such as `<f4`."""
    chunks: tuple[int, ...] | None
    """The shape of a chunk, as many sizes as dimensions; None where all values lie in one piece, or record by record."""
    filters: tuple[Filter, ...] = ()
    """In the order in which they were applied when the data was written."""
    fill: Any = None
    """The raw value of what was never written; None where the file does not define it."""
    known: bool = True
    """Whether this package knows the type and every filter, so that equal bytes are equal values."""
    hdf5_filters: tuple[tuple[int, tuple[int, ...]], ...] = field(default=(), compare=False)
    """The filters of an HDF5 file by number, with all of their parameters, such as the level of a compression."""


HDF5_FILTERS = {1: "deflate", 2: "shuffle", 32001: "blosc", 32015: "zstd"}
"""The HDF5 filters that kerchunk references can express, by number (kerchunk 0.2.10, `hdf.py:228-284`)."""
OTHER_HDF5_FILTERS = {3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf", 32004: "lz4", 32008: "bitshuffle"}
CODECS = {"zlib": "deflate", "shuffle": "shuffle", "blosc": "blosc", "zstd": "zstd"}
"""The same filters as numcodecs names them."""
PROVABLE_KINDS = "iufS"
"""NumPy's kinds of types whose values are their bytes."""


def hdf5_filter(number: int, parameters: tuple[int, ...]) -> Filter:
    """The normal form of a filter of an HDF5 pipeline (`H5Pget_filter2`)."""
    name = hdf5_name(number)
    return Filter(name, parameters[:1] if name == "shuffle" else () if number in HDF5_FILTERS else parameters)


def hdf5_name(number: int) -> str:
    return HDF5_FILTERS.get(number) or OTHER_HDF5_FILTERS.get(number) or f"filter {number}"


def codec_filter(config: dict[str, Any]) -> Filter:
    """The normal form of a codec of a Zarr version 2 array (`filters` and `compressor` in `.zarray`)."""
    name = str(config.get("id"))
    if name == "shuffle":
        return Filter("shuffle", (config.get("elementsize", 4),))
    if name in CODECS:
        return Filter(CODECS[name])
    return Filter(f"codec {name}", tuple(f"{key}={value}" for key, value in sorted(config.items()) if key != "id"))


def is_known(dtype: Any, filters: tuple[Filter, ...]) -> bool:
    """Whether chunks of this NumPy type and these filters can be proved equal without being read."""
    return dtype.kind in PROVABLE_KINDS and dtype.names is None and all(f.name in HDF5_FILTERS.values() for f in filters)


def of_zarr(array: dict[str, Any]) -> Storage:
    """The storage that a `.zarray` declares. Raises TypeError or ValueError for a type that NumPy does not know."""
    import numpy as np

    dtype = np.dtype(array["dtype"] if isinstance(array["dtype"], str) else [tuple(field[:2]) for field in array["dtype"]])
    codecs = [*(array.get("filters") or ()), *([array["compressor"]] if array.get("compressor") else [])]
    filters = tuple(codec_filter(codec) for codec in codecs)
    known = is_known(dtype, filters) and array.get("order", "C") == "C"
    return Storage(dtype.str, tuple(array["chunks"]), filters, _fill(array.get("fill_value")), known)


def differences(source: Storage, product: Storage) -> list[str]:
    """What differs between a file and the product in how bytes become values; empty when the same bytes are the same values.

    Chunk shapes are not compared where the file stores all values in one piece: a product may cut that as it likes.
    """
    found = []
    if source.dtype.lstrip("|") != product.dtype.lstrip("|"):
        found.append(f"type {source.dtype} in the file, {product.dtype} in the product")
    if source.filters != product.filters:
        found.append(f"{in_words(source.filters)} in the file, {in_words(product.filters)} in the product")
    if source.chunks is not None and source.chunks != product.chunks:
        found.append(f"chunks of {source.chunks} in the file, {product.chunks} in the product")
    return found


def in_words(filters: tuple[Filter, ...]) -> str:
    """A filter pipeline for a reader."""
    return "filters " + ", ".join(map(str, filters)) if filters else "no filters"


def _fill(value: Any) -> Any:
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value
