"""Kerchunk references mended: what PADOCC and the libraries lose or change is restored as the source files have it.

- VirtualiZarr declares the missing value 0 for whole numbers that declare none, so that xarray makes floating-point numbers of them and
  masks every zero (`virtualizarr/utils.py`, `convert_v3_to_v2_metadata`).
- It writes the key of a scalar's chunk without its 0 (`height/`; `virtualizarr/manifests/manifest.py`, `join`), where no reader looks.
- Kerchunk writes numeric attributes of NetCDF3 files as texts, and keeps one of `_FillValue` and `missing_value`
  (`kerchunk/netCDF3.py:183-200`).

Whether the result is right for every file is for the comparison to say.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison.attributes import FORMAT
from padocc_dagster.pipeline.comparison.chunk_index import is_hdf5
from padocc_dagster.pipeline.comparison.sources import attributes_of
from padocc_dagster.pipeline.making.exact_times import Times, is_same
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.spec import ProjectSpec

References = dict[str, Any]
OF_THE_PRODUCT = {"_ARRAY_DIMENSIONS", "_FillValue"}
OF_TIMES = ("units", "calendar")
"""What xarray chooses anew when it writes times again."""
LARGEST_CHUNK = 64 << 10
"""Bytes of a packed chunk up to which it is put into the references; where it is larger, the comparison refuses the product."""


def mend_references(path: Path, files: Sequence[str], times: Mapping[str, Times], spec: ProjectSpec | None = None) -> None:
    """Mend a kerchunk JSON file: attributes and missing values of the first source file, chunks that no file has, exact times, and the
    global attributes that the project's spec sets and removes."""
    value = read_json(path)
    references = value["refs"]
    name_scalar_chunks(references)
    attributes, declared = attributes_of(files[0])
    for name, own in declared.items():
        if f"{name}/.zarray" in references:
            _restore(references, name, own)
    _fill_up(references, declared, files[0])
    for name, found in times.items():
        _put_times(references, name, found)
    of_product = _decoded(references.get(".zattrs") or {})
    if "coordinates" not in attributes:
        of_product.pop("coordinates", None)  # the variables name their own
    references[".zattrs"] = _text(spec.changed(of_product) if spec else of_product)
    write_json(path, value)


def name_scalar_chunks(references: References) -> None:
    """Give every reference that lacks its chunk's name that of the only chunk there can be."""
    for key in [key for key in references if key.endswith("/")]:
        references[key + "0"] = references.pop(key)


def _restore(references: References, name: str, own: Mapping[str, Any]) -> None:
    """Write what the source file declares of a variable."""
    import numpy as np

    array, attributes = (_decoded(references[f"{name}/{part}"]) for part in (".zarray", ".zattrs"))
    dtype = np.dtype(array["dtype"]) if isinstance(array["dtype"], str) else None
    kept = {"_ARRAY_DIMENSIONS": attributes["_ARRAY_DIMENSIONS"]}
    if any(isinstance(references[key], (str, dict)) for key in _chunks(references, name)):  # values written anew may have other units
        kept |= {key: attributes[key] for key in OF_TIMES if key in attributes}
    restored = {key: as_json(item) for key, item in own.items() if key not in FORMAT | OF_THE_PRODUCT}
    if "coordinates" in restored:
        words = [word for word in str(restored["coordinates"]).split() if f"{word}/.zarray" in references]
        restored |= {"coordinates": " ".join(words)}
    if "_FillValue" in own:
        array["fill_value"] = as_json(own["_FillValue"])
    elif dtype is not None and dtype.kind in "iufS":
        # NaN declares nothing that a floating-point number would not say itself
        array["fill_value"] = "NaN" if dtype.kind == "f" else None
    references[f"{name}/.zarray"] = _text(array)
    references[f"{name}/.zattrs"] = _text(restored | kept)


def _fill_up(references: References, declared: Mapping[str, Mapping[str, Any]], path: str) -> None:
    """Add the chunks that the source files never wrote, as the first file reads there, for variables that declare no missing value.

    A chunk without a reference reads as missing; xarray reads from the file what HDF5 fills up with, such as -2147483647 in the grid
    mapping of a file that sets its attributes only.
    """
    if not is_hdf5(path):
        return  # NetCDF3 writes everything
    import h5py

    with h5py.File(path) as file:
        for name, own in declared.items():
            metadata, stored = references.get(f"{name}/.zarray"), file.get(name)
            if metadata is None or "_FillValue" in own or not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "iufS":
                continue
            array = _decoded(metadata)
            absent = [key for key in _keys(array) if f"{name}/{key}" not in references]
            chunk = _packed(array, stored.fillvalue) if absent else b""
            if 0 < len(chunk) <= LARGEST_CHUNK:
                references.update({f"{name}/{key}": _inline(chunk) for key in absent})


def _keys(array: Mapping[str, Any]) -> Iterator[str]:
    """The names of the chunks that an array has by its metadata."""
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


def _put_times(references: References, name: str, times: Times) -> None:
    """Put the files' own numbers in the place of others for the same times, where the references hold values."""
    keys, values = _chunks(references, name), times.values
    if not keys or not all(isinstance(references[key], (str, dict)) for key in keys):
        return
    array, attributes = (_decoded(references[f"{name}/{part}"]) for part in (".zarray", ".zattrs"))
    if tuple(array["shape"]) != values.shape or not is_same(attributes, times):
        return
    for key in keys:
        del references[key]
    stored = values.astype(values.dtype.newbyteorder("<"))
    array |= {"dtype": stored.dtype.str, "chunks": list(values.shape), "compressor": None, "filters": None}
    references[f"{name}/.zarray"] = _text(array)
    references[".".join([f"{name}/0", *["0"] * (values.ndim - 1)])] = _inline(stored.tobytes())


def _chunks(references: References, name: str) -> list[str]:
    """The keys of a variable's chunks."""
    return [key for key in references if key.startswith(f"{name}/") and "/.z" not in key]


def as_json(value: Any) -> Any:
    """An attribute as JSON holds it; NaN and infinities as Zarr writes them."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, bytes):
        return plain.decode("utf-8", "replace")
    if isinstance(plain, (list, tuple)):
        return [as_json(item) for item in plain]
    if isinstance(plain, float) and plain != plain:
        return "NaN"
    if isinstance(plain, float) and plain in (float("inf"), float("-inf")):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def _decoded(value: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(value) if isinstance(value, (str, bytes)) else value
    return decoded


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _inline(content: bytes) -> str:
    return f"base64:{base64.b64encode(content).decode()}"
