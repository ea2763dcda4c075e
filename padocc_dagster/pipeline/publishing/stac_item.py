"""The STAC item that is published with a product: the catalogue's own, with the product and its report as assets.

    <code>_<revision>_item.json    beside <code>_<revision>.json|.parquet|.zarr|.nca and <code>_<revision>_report.json

Addresses of the two are relative to the item, so that the folder can be moved as a whole. What CEDA's tools look for is there: the
assets `reference_file`, or `zarr`, and `padocc_report`, and the property `aggregation_status` (`padocc/core/catalog.py:57`), with
`cloud_format` and `open_zarr_kwargs`; and, for everybody else, `xarray:open_kwargs` of the extension xarray-assets.
"""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product

XARRAY_ASSETS = "https://stac-extensions.github.io/xarray-assets/v1.0.0/schema.json"
ASSETS = {
    "kerchunk": ("reference_file", "application/json", "kerchunk"),
    "parquet": ("reference_file", "application/vnd.apache.parquet", "kerchunk"),
    "zarr": ("zarr", "application/vnd+zarr", "zarr"),
    "CFA": ("reference_file_2", "application/x-netcdf", "CFA"),
}
"""Cloud format → the asset's key, its media type, and the engine by which xarray opens it. CEDA's DataPoint knows CFA by that key."""


def item_to_publish(workdir: Workdir, project: Project) -> dict[str, Any] | None:
    """The catalogue's item for the project's product, if it is to be published."""
    path = workdir.stac_item(project)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def updated_item(item: dict[str, Any], product: Product, name: str) -> dict[str, Any]:
    """The item with the product published under this name. Raises ValueError when it is not valid."""
    key, media, engine = ASSETS[product.cloud_format]
    opened = {"xarray:open_kwargs": {"engine": engine}, "open_zarr_kwargs": {"decode_times": True}}
    asset = {
        "href": f"./{name}{product.suffix}",
        "type": media,
        "title": f"{product.cloud_format} product of PADOCC, revision {name.rpartition('_')[2]}",
        "roles": ["reference", "data"] if engine != "zarr" else ["data"],
        "cloud_format": "kerchunk" if product.cloud_format == "parquet" else product.cloud_format,
        **opened,
        "aggregation_status": "OK",
    }
    report = {"href": f"./{name}_report.json", "type": "application/json", "title": "PADOCC Aggregation Data Report", "roles": ["metadata"]}
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    made = {
        **item,
        "stac_extensions": sorted({*(item.get("stac_extensions") or ()), XARRAY_ASSETS}),
        "properties": {**item["properties"], "aggregation_status": "OK", "updated": now},
        "links": [link for link in item["links"] if link["rel"] != "self"],
        "assets": {**item["assets"], key: asset, "padocc_report": report},
    }
    validate_core(made)
    return made


def validate_core(item: dict[str, Any]) -> None:
    """Hold the item against the schemas of STAC 1.1 that come with pystac; 2 ms. Raises ValueError with what is wrong.

    Schemas of extensions lie on the network, and are not looked at.
    """
    from jsonschema.exceptions import best_match

    if error := best_match(_validator().iter_errors(item)):
        where = "/".join(map(str, error.absolute_path)) or "the item"
        raise ValueError(f"it is not valid STAC: {where}: {error.message[:200]}")


@cache
def _validator() -> Any:
    """pystac's own schema of an item and its registry; pystac's `validate_core` checks the schema itself again each time."""
    import pystac
    from jsonschema import Draft7Validator
    from pystac.validation import JsonSchemaSTACValidator

    schemas = JsonSchemaSTACValidator()
    uri = schemas.schema_uri_map.get_object_schema_uri(pystac.STACObjectType.ITEM, pystac.get_stac_version())
    return Draft7Validator({"$ref": uri}, registry=schemas.registry)
