"""STAC records as dicts, and the marks that an archive puts on them. What CMIP6 and CCI say in theirs is in `cmip6.py` and `cci.py`.

Records are STAC 1.0. Their links are relative to the root of an API; `static_catalogue.py` makes its own.
"""

import copy
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from padocc_dagster_tests import make_netcdf

Record = dict[str, Any]
Box = tuple[float, float, float, float]

DAP = "https://dap.ceda.ac.uk"
WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
START = datetime(2000, 1, 1, tzinfo=UTC)
"""The first day in the files of `make_netcdf`."""
FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"


@dataclass(frozen=True)
class Archive:
    """Files under `root`, which records call by addresses under `base`: a web server, or a folder."""

    root: Path
    base: str = DAP

    def href(self, path: Path) -> str:
        return f"{self.base}/{path.relative_to(self.root)}"

    def write(self, folder: str, names: Sequence[str], days: int = 4) -> tuple[Path, ...]:
        """NetCDF files in `folder`, in order of time, each of so many days."""
        series = make_netcdf.Series(lengths=(days,) * len(names), names=tuple(names))
        return tuple(Path(path) for path in make_netcdf.write(self.root / folder, series))

    def link(self, folder: str, names: Sequence[str], file: Path) -> tuple[Path, ...]:
        """As `write`, but all are the same file, which costs nothing."""
        paths = tuple(self.root / folder / name for name in names)
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, path)
        return paths


def day(number: int) -> str:
    """The day so many days after START, as file names have it."""
    return (START + timedelta(days=number)).strftime("%Y%m%d")


def period(first: int, days: int) -> dict[str, str | None]:
    """The properties of time of an item of so many days, `first` days after START."""
    start, end = START + timedelta(days=first), START + timedelta(days=first + days, seconds=-1)
    return {"datetime": None, "start_datetime": _text(start), "end_datetime": _text(end)}


def collection(name: str, title: str, parent: str | None = None, children: Iterable[str] = ()) -> Record:
    """A collection below `parent`, or below the root."""
    links = [_link("root", "./"), _link("parent", f"collections/{parent}" if parent else "./")]
    links += [_link("child", f"collections/{child}") for child in children]
    extent = {"spatial": {"bbox": [list(WORLD)]}, "temporal": {"interval": [[_text(START), None]]}}
    head = {"type": "Collection", "stac_version": "1.0.0", "stac_extensions": [], "id": name, "title": title}
    return {**head, "description": title, "license": "proprietary", "extent": extent, "links": links}


def item(name: str, collection: str, properties: Record, assets: dict[str, Record], box: Box = WORLD) -> Record:
    """An item. `properties` have what `period` returns."""
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    head = {"type": "Feature", "stac_version": "1.0.0", "stac_extensions": [FILE_EXTENSION], "id": name, "collection": collection}
    shape = {"geometry": {"type": "Polygon", "coordinates": [ring]}, "bbox": list(box)}
    return {**head, **shape, "properties": properties, "assets": assets, "links": [_link("collection", f"collections/{collection}")]}


def data_asset(archive: Archive, path: Path, checksum: bool = False) -> Record:
    """The asset of a NetCDF file that exists. A checksum is a multihash of SHA-256."""
    asset = {"href": archive.href(path), "type": "application/x-netcdf", "roles": ["data"], "file:size": path.stat().st_size}
    return {**asset, "file:checksum": "1220" + hashlib.sha256(path.read_bytes()).hexdigest()} if checksum else asset


def updated(item: Record, moment: datetime) -> Record:
    return _with(item, {"updated": _text(moment)})


def retracted(item: Record) -> Record:
    return _with(item, {"retracted": True})


def aggregated(item: Record) -> Record:
    """As the CCI's records say that there is an aggregation already."""
    return _with(item, {"aggregation": True})


def with_reference(item: Record, base: str = DAP) -> Record:
    """As PADOCC itself leaves an item whose product it has published (`padocc/core/catalog.py:71`): the product is `data`, too."""
    href = f"{base}/badc/metadata/kerchunk/{item['id']}_kr1.0.json"
    asset = {"href": href, "type": "application/json", "roles": ["reference", "data"], "open_zarr_kwargs": {"decode_times": True}}
    return _with(item, {"aggregation_status": "OK"}, {**item["assets"], "reference_file": asset})


def without_data(item: Record) -> Record:
    """Only the assets are left that are no data."""
    return _with(item, {}, {name: asset for name, asset in item["assets"].items() if "data" not in asset["roles"]})


def _with(item: Record, properties: Record, assets: dict[str, Record] | None = None) -> Record:
    changed = {**item, "properties": {**item["properties"], **properties}, "assets": item["assets"] if assets is None else assets}
    return copy.deepcopy(changed)


def _link(rel: str, href: str) -> Record:
    return {"rel": rel, "href": href, "type": "application/json"}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
