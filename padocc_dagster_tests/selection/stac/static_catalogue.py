"""Records as a static catalogue: files of JSON in a folder, which need no server."""

from collections.abc import Iterable
from pathlib import Path

import pystac

from padocc_dagster_tests.selection.stac.records import Record


def write_static(folder: Path, collections: Iterable[Record], items: Iterable[Record], relative: bool = False) -> Path:
    """Write a self-contained catalogue, with collections inside each other as their `parent` links say.

    The addresses of assets stay as they are or, if `relative`, are made relative to their item: then they were paths.

    Returns:
        The file to open.
    """
    root = pystac.Catalog("archive", "An archive for tests")
    made = {}
    for record in collections:
        made[record["id"]] = pystac.Collection.from_dict({**record, "links": []})
        parent = next(link["href"] for link in record["links"] if link["rel"] == "parent").removeprefix("collections/")
        made.get(parent, root).add_child(made[record["id"]])
    for record in items:
        made[record["collection"]].add_item(pystac.Item.from_dict({**record, "links": []}))
    root.normalize_hrefs(str(folder))
    if relative:
        root.make_all_asset_hrefs_relative()
    root.save(pystac.CatalogType.SELF_CONTAINED)
    return folder / "catalog.json"
