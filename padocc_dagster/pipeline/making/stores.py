"""Zarr stores and CFA aggregations mended: what PADOCC and xarray lose or leave undone is restored as the source files have it.

PADOCC stores the global attributes that a config sets or removes at initialisation, and never applies them
(`padocc/phases/compute.py:250` is never set). xarray drops `_Unsigned` when it writes a variable that declares no missing value
(`xarray/coding/variables.py`, `CFMaskCoder.encode`), so that bytes above 127 read as negative numbers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.making.exact_times import Times, is_same
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.spec import ProjectSpec


def mend_store(store: Path, first_source: str, times: Mapping[str, Times], spec: ProjectSpec) -> None:
    """Mend a Zarr store: `_Unsigned` for whole numbers as in the source file, exact times, and the spec's global attributes."""
    import netCDF4

    with netCDF4.Dataset(first_source) as dataset:
        unsigned = {name: str(variable._Unsigned) for name, variable in dataset.variables.items() if "_Unsigned" in variable.ncattrs()}
    root = read_json(store / "zarr.json")
    copies = (root.get("consolidated_metadata") or {}).get("metadata") or {}
    for name, value in unsigned.items():
        path = store / name / "zarr.json"
        if not path.exists():
            continue
        array = read_json(path)
        for metadata in [array, *([copies[name]] if name in copies else [])]:
            if str(metadata["data_type"]).startswith("int"):
                metadata["attributes"] = {**(metadata.get("attributes") or {}), "_Unsigned": value}
        write_json(path, array)
    root["attributes"] = spec.changed(root.get("attributes") or {})
    write_json(store / "zarr.json", root)
    _put_times(store, times)


def _put_times(store: Path, times: Mapping[str, Times]) -> None:
    """Put the files' own numbers in the place of others for the same times."""
    import zarr

    group: Any = zarr.open_group(str(store), mode="r+", use_consolidated=False) if times else {}
    for name, found in times.items():
        array = group.get(name)
        if isinstance(array, zarr.Array) and array.shape == found.values.shape and array.dtype == found.values.dtype.newbyteorder("="):
            attributes = dict(array.attrs)
            if "units" not in attributes or is_same(attributes, found):  # bounds in a store have no units: they are those of their times
                array[...] = found.values


def mend_aggregation(path: Path, spec: ProjectSpec) -> None:
    """Set and remove the spec's global attributes in a CFA aggregation."""
    import netCDF4

    with netCDF4.Dataset(path, "a") as dataset:
        for name in set(spec.removals) & set(dataset.ncattrs()):
            dataset.delncattr(name)
        for name, value in spec.updates.items():
            dataset.setncattr(name, value)
