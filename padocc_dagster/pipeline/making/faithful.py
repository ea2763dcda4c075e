"""Kerchunk references given the attributes and the missing values that the first source file declares.

What makes the references loses some: VirtualiZarr declares the missing value 0 for whole numbers that declare none, so that xarray makes
floating-point numbers of them and masks every zero (`virtualizarr/utils.py`, `convert_v3_to_v2_metadata`); kerchunk writes numeric
attributes of NetCDF3 files as texts, and keeps one of `_FillValue` and `missing_value` (`kerchunk/netCDF3.py:183-200`). Whether the
result is right for every file is for the comparison to say.
"""

import json
from collections.abc import Mapping
from typing import Any

from padocc_dagster.pipeline.comparison.attributes import FORMAT
from padocc_dagster.pipeline.making.scalars import name_scalar_chunks
from padocc_dagster.pipeline.making.unwritten import fill_up
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.product import Product

OF_THE_PRODUCT = {"_ARRAY_DIMENSIONS", "_FillValue"}
OF_TIMES = ("units", "calendar")
"""What xarray chooses anew when it writes times again."""


def restore_declarations(product: Product, first_source: str) -> None:
    """Write into a kerchunk JSON file, for each variable, what the source file declares."""
    declared = _declared(first_source)
    value = read_json(product.path)
    references = value["refs"]
    name_scalar_chunks(references)
    for name, own in declared.items():
        if f"{name}/.zarray" in references:
            _restore(references, name, own)
    _restore_coordinates(references, declared)
    fill_up(references, declared, first_source)
    write_json(product.path, value)


def _restore(references: dict[str, Any], name: str, own: Mapping[str, Any]) -> None:
    import numpy as np

    array, attributes = (_decoded(references[f"{name}/{part}"]) for part in (".zarray", ".zattrs"))
    dtype = np.dtype(array["dtype"]) if isinstance(array["dtype"], str) else None
    kept = {"_ARRAY_DIMENSIONS": attributes["_ARRAY_DIMENSIONS"]}
    if _written_again(references, name):
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


def _written_again(references: Mapping[str, Any], name: str) -> bool:
    """Whether the product holds values of the variable itself, so that they may have another encoding than the file's."""
    return any(isinstance(item, (str, dict)) for key, item in references.items() if key.startswith(f"{name}/") and "/.z" not in key)


def _restore_coordinates(references: dict[str, Any], declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Have the data set name no coordinates that the file's variables do not name."""
    attributes = _decoded(references.get(".zattrs", "{}"))
    if "coordinates" in attributes and "coordinates" not in declared.get("", {}):
        del attributes["coordinates"]
        references[".zattrs"] = _text(attributes)


def _declared(path: str) -> dict[str, dict[str, Any]]:
    """The attributes of each variable of a file; under the empty name, the global ones."""
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        found = {name: {key: item.getncattr(key) for key in item.ncattrs()} for name, item in dataset.variables.items()}
        return {**found, "": {key: dataset.getncattr(key) for key in dataset.ncattrs()}}


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
