"""Real products of small files, made the ways that PADOCC makes them, but without PADOCC."""

import base64
import gc
import json
import warnings
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.making.parquet import write_parquet
from padocc_dagster.pipeline.making.references import name_scalar_chunks
from padocc_dagster.pipeline.workdir.product import Product

KINDS = ("kerchunk-V", "kerchunk-K", "parquet", "zarr")


def make(kind: str, sources: tuple[str, ...], directory: Path) -> Product:
    """Make a product of one of KINDS in `directory`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "zarr":
            return _zarr(sources, directory / "zr1.0a.zarr")
        references = directory / "k1.0a.json"
        _virtualizarr(sources, references) if kind != "kerchunk-K" else _multizarr(sources, references)
        if kind == "parquet":
            write_parquet(references, directory / "k1.0a.parquet")
            return Product(directory / "k1.0a.parquet", "parquet", "1.0")
        return Product(references, "kerchunk", "1.0")


def one_by_one(sources: tuple[str, ...]) -> list[dict[str, Any]]:
    """The references of each file, with nothing inline, as PADOCC's scan makes them (`padocc/phases/compute.py:138`)."""
    from kerchunk.hdf import SingleHdf5ToZarr
    from kerchunk.netCDF3 import NetCDF3ToZarr

    made = []
    for path in sources:
        maker = SingleHdf5ToZarr if Path(path).read_bytes()[:4] == b"\x89HDF" else NetCDF3ToZarr
        gc.disable()  # within one file it may deadlock: see pipeline/making/collecting.py
        try:
            references = maker(path, inline_threshold=0).translate()
        finally:
            gc.enable()
        made.append(json.loads(json.dumps(references, default=lambda value: value.decode("latin-1"))))
    return made


def _virtualizarr(sources: tuple[str, ...], output: Path) -> None:
    """As `virtualise` does (`padocc/phases/aggregate.py:44`)."""
    import xarray
    from obstore.store import from_url
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import KerchunkJSONParser
    from virtualizarr.registry import ObjectStoreRegistry

    references = one_by_one(sources)
    if len(references) == 1:
        output.write_text(json.dumps(references[0]))
        return
    cache = output.parent / "cache"
    cache.mkdir(exist_ok=True)
    store = from_url("file://")
    registry = ObjectStoreRegistry({"file://": store})
    parts = []
    for number, each in enumerate(references):
        (cache / f"{number}.json").write_text(json.dumps(each))
        registry.register(f"file://{cache}/{number}.json", store)
        parts.append(open_virtual_dataset(url=f"{cache}/{number}.json", parser=KerchunkJSONParser(), registry=registry))
    joined = [name for name, variable in parts[0].variables.items() if "time" in variable.dims and name != "time"]
    how = {"coords": "minimal", "compat": "override", "combine_attrs": "override"}
    combined = xarray.combine_nested(parts, concat_dim=["time"], data_vars=joined, **how)
    combined.virtualize.to_kerchunk(str(output), format="json")
    content = json.loads(output.read_text())
    name_scalar_chunks(content["refs"])
    content["refs"][".zattrs"] = json.dumps({**json.loads(references[0]["refs"][".zattrs"]), "aggregation_date": "2026-01-01T00:00:00Z"})
    output.write_text(json.dumps(content))


def _multizarr(sources: tuple[str, ...], output: Path) -> None:
    """As `mzz_combine` does (`padocc/phases/aggregate.py:126`)."""
    from kerchunk.combine import MultiZarrToZarr

    references = one_by_one(sources)
    if len(references) > 1:
        fixed = [
            key.split("/")[0] for key, value in references[0]["refs"].items() if key.endswith("/.zattrs") and "time" not in dims(value)
        ]
        combined = MultiZarrToZarr(references, concat_dims=["time"], identical_dims=fixed).translate()
    else:
        combined = references[0]
    output.write_text(json.dumps(combined))


def dims(zattrs: str) -> list[str]:
    return json.loads(zattrs)["_ARRAY_DIMENSIONS"]


def stack(sources: tuple[str, ...], output: Path) -> None:
    """As PADOCC joins files that share no dimension to join them by (`_construct_virtual_dim` in `padocc/phases/compute.py`)."""
    from kerchunk.combine import MultiZarrToZarr

    references = one_by_one(sources)
    array = {"chunks": [1], "compressor": None, "dtype": "<i8", "fill_value": None, "filters": None, "order": "C", "shape": [1]}
    for number, each in enumerate(references):
        each["refs"]["file_number/.zarray"] = json.dumps({**array, "zarr_format": 2})
        each["refs"]["file_number/.zattrs"] = json.dumps({"_ARRAY_DIMENSIONS": ["file_number"]})
        each["refs"]["file_number/0"] = "base64:" + base64.b64encode(number.to_bytes(8, "little")).decode()
    combined = MultiZarrToZarr(references, concat_dims=["file_number"], identical_dims=["x"]).translate()
    output.write_text(json.dumps(combined))


def _zarr(sources: tuple[str, ...], store: Path) -> Product:
    """As `ZarrDS.create_store` does (`padocc/phases/compute.py:1530`)."""
    import xarray

    if len(sources) > 1:
        with xarray.open_mfdataset(list(sources), combine="nested", concat_dim=["time"], data_vars="minimal") as dataset:
            dataset.to_zarr(str(store))
    else:
        with xarray.open_dataset(sources[0]) as dataset:
            dataset.to_zarr(str(store))
    return Product(store, "zarr", "1.0")
