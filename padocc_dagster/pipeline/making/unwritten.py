"""Chunks that the source files never wrote, put into the references as the files read there.

A chunk without a reference reads as the array's fill value, and a fill value reads as missing. Where a variable declares no `_FillValue`,
its unwritten values are none: xarray reads from the file what HDF5 fills up with, such as -2147483647 in the grid mapping of a file that
sets its attributes only. Whether every file fills up alike is for the comparison to say.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from padocc_dagster.pipeline.making.encodings import is_hdf5

LARGEST_CHUNK = 64 << 10
"""Bytes of a packed chunk up to which it is put into the references; where it is larger, the comparison refuses the product."""


def fill_up(references: dict[str, Any], declared: Mapping[str, Mapping[str, Any]], path: str) -> None:
    """Add the chunks that are in no file, for variables that declare no missing value. `path` is the first source file.

    `declared` has each variable's attributes in that file.
    """
    if not is_hdf5(path):
        return  # NetCDF3 writes everything
    import h5py

    with h5py.File(path) as file:
        for name, own in declared.items():
            metadata = references.get(f"{name}/.zarray")
            stored = file.get(name) if name else None
            if metadata is None or "_FillValue" in own or not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "iufS":
                continue
            array = json.loads(metadata) if isinstance(metadata, (str, bytes)) else metadata
            absent = [key for key in _keys(array) if f"{name}/{key}" not in references]
            chunk = _packed(array, stored.fillvalue) if absent else b""
            if 0 < len(chunk) <= LARGEST_CHUNK:
                text = f"base64:{base64.b64encode(chunk).decode()}"
                references.update({f"{name}/{key}": text for key in absent})


def _keys(array: Mapping[str, Any]) -> Iterator[str]:
    """The names of the chunks that an array's metadata asks for."""
    counts = (-(-size // chunk) for size, chunk in zip(array["shape"], array["chunks"], strict=True))
    for cell in product(*map(range, counts)):
        yield array.get("dimension_separator", ".").join(map(str, cell)) or "0"


def _packed(array: Mapping[str, Any], value: Any) -> bytes:
    """A chunk of one value, as the array's filters and compressor store it; empty where that is a chunk of zeros, as none reads too."""
    import numcodecs
    import numpy as np

    chunk = np.full(array["chunks"], value, dtype=array["dtype"])
    if not chunk.tobytes().strip(b"\0") and chunk.dtype.kind != "f":
        return b""
    packed: Any = chunk
    for codec in [*(array.get("filters") or ()), *([array["compressor"]] if array.get("compressor") else [])]:
        packed = numcodecs.get_codec(codec).encode(packed)
    return bytes(memoryview(packed).cast("B")) if not isinstance(packed, np.ndarray) else packed.tobytes()
