"""Times as the source files hold them, where all files count them alike.

VirtualiZarr and xarray decode floating-point times and write them anew, and cut off what is smaller than a nanosecond: hours in days then
read a nanosecond early. Files that count from different dates keep the numbers that were made for all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.children import Children
from padocc_dagster.pipeline.comparison.times import same_axis


class Times(NamedTuple):
    """The raw numbers of all files, in their order."""

    values: Any
    units: str
    calendar: str


def exact_times(files: Sequence[str], processes: Children | None = None) -> dict[str, Times]:
    """Floating-point times and their bounds, by name; without those that differ in type or encoding from file to file."""
    import numpy as np

    parts: dict[str, list[Any]] = {}
    kinds: dict[str, set[Any]] = {}
    if not files or not _read(files[0]):
        return {}
    for found in processes.map(_read, files) if processes else map(_read, files):
        for name, (kind, values) in found.items():
            kinds.setdefault(name, set()).add(kind)
            parts.setdefault(name, []).append(values)
    alike = [name for name, found in kinds.items() if len(found) == 1 and len(parts[name]) == len(files)]
    return {name: Times(np.concatenate(parts[name]), *next(iter(kinds[name]))[2:]) for name in alike}


def _read(path: str) -> dict[str, tuple[Any, Any]]:
    """For each of one file's times and bounds: type, dimensions, units and calendar; and the values."""
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        found = _times(dataset)
        return {name: ((dataset[name].dtype.str, dataset[name].dimensions, *kind), dataset[name][...]) for name, kind in found.items()}


def is_same(attributes: Mapping[str, Any], times: Times) -> bool:
    """Whether a variable of the product with these attributes counts times as the files do."""
    return same_axis(str(attributes.get("units", "")), times.units, times.calendar)


def _times(dataset: Any) -> dict[str, tuple[str, str]]:
    """Floating-point times of one dimension, and their bounds, that are neither packed nor have missing values: units and calendar."""
    found = {}
    for name, variable in dataset.variables.items():
        units = str(getattr(variable, "units", ""))
        if " since " in units and len(variable.dimensions) == 1 and _is_plain(variable):
            found[name] = units, str(getattr(variable, "calendar", "standard"))
            bounds = dataset.variables.get(str(getattr(variable, "bounds", "")))
            if bounds is not None and _is_plain(bounds) and str(getattr(bounds, "units", units)) == units:
                found[bounds.name] = found[name]
    return found


def _is_plain(variable: Any) -> bool:
    return variable.dtype.kind == "f" and not {"scale_factor", "add_offset", "_FillValue", "missing_value"} & set(variable.ncattrs())
