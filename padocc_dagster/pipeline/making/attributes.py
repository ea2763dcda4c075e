"""The global attributes that a config asks to set or remove, put into the product.

PADOCC stores them at initialisation and never applies them (`padocc/phases/compute.py:250` is never set).
"""

import json
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster.pipeline.workdir.specs import spec_of


def apply_attributes(workdir: Workdir, project: Project, product: Product) -> None:
    """Set and remove the attributes in a product that has just been computed."""
    spec = spec_of(workdir, project)
    if spec.updates or spec.removals:
        write = {"kerchunk": _in_references, "zarr": _in_store, "CFA": _in_netcdf}[product.cloud_format]
        write(product.path, spec.updates, spec.removals)


def _changed(attributes: dict[str, Any], updates: dict[str, Any], removals: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in removals} | updates


def _in_references(path: Path, updates: dict[str, Any], removals: tuple[str, ...]) -> None:
    value = read_json(path)
    attributes = value["refs"].get(".zattrs") or {}
    attributes = json.loads(attributes) if isinstance(attributes, str) else attributes
    value["refs"][".zattrs"] = json.dumps(_changed(attributes, updates, removals))
    write_json(path, value)


def _in_store(path: Path, updates: dict[str, Any], removals: tuple[str, ...]) -> None:
    value = read_json(path / "zarr.json")
    value["attributes"] = _changed(value.get("attributes") or {}, updates, removals)
    write_json(path / "zarr.json", value)


def _in_netcdf(path: Path, updates: dict[str, Any], removals: tuple[str, ...]) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "a") as dataset:
        for name in set(removals) & set(dataset.ncattrs()):
            dataset.delncattr(name)
        for name, value in updates.items():
            dataset.setncattr(name, value)
