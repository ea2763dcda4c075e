"""Times given back as the source files hold them, where all files count them alike.

VirtualiZarr and xarray decode floating-point times and write them anew, and cut off what is smaller than a nanosecond: hours in days then
read a nanosecond early. Files that count from different dates keep the numbers that were made for all.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from padocc_dagster.pipeline.comparison.times import same_axis
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.product import Product

DEFAULT = "standard"


def restore_times(product: Product, files: Sequence[str]) -> None:
    """Write the files' own numbers, in their order, into a kerchunk JSON file or a Zarr store that has other ones for the same times."""
    numbers = _numbers(files)
    if numbers:
        (_into_store if product.cloud_format == "zarr" else _into_references)(product, numbers)


def _numbers(files: Sequence[str]) -> dict[str, tuple[Any, str, str]]:
    """Times and their bounds → raw numbers of all files, units and calendar; without those that differ in type or encoding."""
    import netCDF4
    import numpy as np

    parts: dict[str, list[Any]] = {}
    kinds: dict[str, set[Any]] = {}
    for path in files:
        with netCDF4.Dataset(path) as dataset:
            dataset.set_auto_maskandscale(False)
            for name, (units, calendar) in _times(dataset).items():
                variable = dataset[name]
                kinds.setdefault(name, set()).add((variable.dtype.str, variable.dimensions, units, calendar))
                parts.setdefault(name, []).append(variable[...])
        if not parts:
            return {}
    alike = [name for name, found in kinds.items() if len(found) == 1 and len(parts[name]) == len(files)]
    return {name: (np.concatenate(parts[name]), *next(iter(kinds[name]))[2:]) for name in alike}


def _times(dataset: Any) -> dict[str, tuple[str, str]]:
    """Floating-point times of one dimension, and their bounds, that are neither packed nor have missing values: units and calendar."""
    found = {}
    for name, variable in dataset.variables.items():
        units = str(getattr(variable, "units", ""))
        if " since " in units and len(variable.dimensions) == 1 and _is_plain(variable):
            found[name] = units, str(getattr(variable, "calendar", DEFAULT))
            bounds = dataset.variables.get(str(getattr(variable, "bounds", "")))
            if bounds is not None and _is_plain(bounds) and str(getattr(bounds, "units", units)) == units:
                found[bounds.name] = found[name]
    return found


def _is_plain(variable: Any) -> bool:
    return variable.dtype.kind == "f" and not {"scale_factor", "add_offset", "_FillValue", "missing_value"} & set(variable.ncattrs())


def _into_references(product: Product, numbers: Mapping[str, tuple[Any, str, str]]) -> None:
    value = read_json(product.path)
    references = value["refs"]
    for name, (values, units, calendar) in numbers.items():
        keys = [key for key in references if key.startswith(f"{name}/") and "/.z" not in key]
        if not keys or not all(isinstance(references[key], (str, dict)) for key in keys):
            continue
        array, attributes = (_decoded(references[f"{name}/{part}"]) for part in (".zarray", ".zattrs"))
        if tuple(array["shape"]) != values.shape or not _is_same(attributes, units, calendar):
            continue
        for key in keys:
            del references[key]
        stored = values.astype(values.dtype.newbyteorder("<"))
        array |= {"dtype": stored.dtype.str, "chunks": list(values.shape), "compressor": None, "filters": None}
        references[f"{name}/.zarray"] = json.dumps(array)
        references[".".join([f"{name}/0", *["0"] * (values.ndim - 1)])] = f"base64:{base64.b64encode(stored.tobytes()).decode()}"
    write_json(product.path, value)


def _into_store(product: Product, numbers: Mapping[str, tuple[Any, str, str]]) -> None:
    import zarr

    group = zarr.open_group(str(product.path), mode="r+", use_consolidated=False)
    for name, (values, units, calendar) in numbers.items():
        array = group.get(name)
        if not isinstance(array, zarr.Array) or array.shape != values.shape or array.dtype != values.dtype.newbyteorder("="):
            continue
        attributes = dict(array.attrs)
        if "units" not in attributes or _is_same(attributes, units, calendar):
            array[...] = values


def _is_same(attributes: Mapping[str, Any], units: str, calendar: str) -> bool:
    """Whether the product counts these times as the files do. Bounds in a store have no units: they are those of their times."""
    return same_axis(str(attributes.get("units", "")), units, calendar)


def _decoded(value: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(value) if isinstance(value, (str, bytes)) else value
    return decoded
