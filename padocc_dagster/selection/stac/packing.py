"""Whole items, kept as few bytes while their projects are selected, for publication with the products."""

import json
import zlib
from typing import Any

from padocc_dagster.pipeline.stac_item import validate_core
from padocc_dagster.selection.stac.shape import InvalidItem, links_of


def pack(item: dict[str, Any], base: str) -> bytes:
    """The item as few bytes, its relative addresses made absolute. Raises InvalidItem for one that is not valid."""
    import pystac

    try:
        read = pystac.Item.from_dict(item, href=base, preserve_dict=True, migrate=True)
        read.make_asset_hrefs_absolute()
        whole = read.to_dict(transform_hrefs=False)
        own = next((link["href"] for link in links_of(item, ("self",)) if "://" in link["href"]), base)
        for link in whole["links"]:  # pystac has put `base` in the place of the item's own address
            link["href"] = own if link["rel"] == "self" else pystac.utils.make_absolute_href(link["href"], base)
        validate_core(whole)
        return zlib.compress(json.dumps(whole, allow_nan=False).encode())
    except Exception as error:  # pystac raises KeyError, TypeError and others for items that are none
        why = " ".join(str(error).split())[:300]
        told = f"item {item['id'][:100]!r} cannot be published again ({type(error).__name__}: {why}): write publish_items: false"
        raise InvalidItem(told) from error


def unpack(packed: bytes) -> dict[str, Any]:
    """The item again."""
    item: dict[str, Any] = json.loads(zlib.decompress(packed))
    return item
