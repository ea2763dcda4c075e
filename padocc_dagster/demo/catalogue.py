"""The demo's static STAC catalogue: one collection, an item for each of its files.

source/catalogue/catalog.json
source/catalogue/e1/collection.json
source/catalogue/e1/e1_1/e1_1.json …
"""

from datetime import UTC, datetime
from pathlib import Path

NORTH_AMERICA = [-135.0, 15.0, -45.0, 60.0]
"""West, south, east and north of the sample, in degrees."""
NETCDF = "application/x-netcdf"


def write_catalogue(folder: Path, files: list[Path], name: str, title: str) -> Path:
    """Write a catalogue of one collection over files of yearly values, and return the path of its first file. Takes 0.5 s."""
    import pystac

    spans = {file: _span(file) for file in files}
    begin, end = min(first for first, _ in spans.values()), max(last for _, last in spans.values())
    extent = pystac.Extent(pystac.SpatialExtent([NORTH_AMERICA]), pystac.TemporalExtent([[begin, end]]))
    collection = pystac.Collection(name, title, extent, title=title)
    for file, (first, last) in spans.items():
        item = pystac.Item(file.stem, _box(), NORTH_AMERICA, None, {}, start_datetime=first, end_datetime=last)
        item.add_asset("data", pystac.Asset(str(file), media_type=NETCDF, roles=["data"], extra_fields={"file:size": file.stat().st_size}))
        collection.add_item(item)
    catalogue = pystac.Catalog("demo", "The demo's catalogue")
    catalogue.add_child(collection)
    catalogue.normalize_hrefs(str(folder))
    catalogue.save(pystac.CatalogType.SELF_CONTAINED)
    return folder / "catalog.json"


def _span(file: Path) -> tuple[datetime, datetime]:
    """The years of a file, whole: its calendar has days that others have not."""
    import xarray

    with xarray.open_dataset(file, decode_times=xarray.coders.CFDatetimeCoder(use_cftime=True), decode_timedelta=False) as dataset:
        first, last = (int(dataset["time"].values[at].year) for at in (0, -1))
    return datetime(first, 1, 1, tzinfo=UTC), datetime(last, 12, 31, 23, 59, 59, tzinfo=UTC)


def _box() -> dict[str, object]:
    west, south, east, north = NORTH_AMERICA
    return {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}
