"""The item that is published with the product of a selected project.

Where one item is one project, it is that item. Where many are, it is a new one in their place: named after the project, over
all their times and places, with the properties that they share and `aggregation` true, as CEDA marks aggregated records.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Any

from padocc_dagster.pipeline.publishing.stac_item import validate_core
from padocc_dagster.selection.stac.projects import Chosen
from padocc_dagster.selection.stac.record import InvalidItem, links_of

MOST_LINKS = 1000
WHOLE_EARTH = [-180.0, -90.0, 180.0, 90.0]


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
        problem = f"item {item['id'][:100]!r} cannot be published again ({type(error).__name__}: {why}): write publish_items: false"
        raise InvalidItem(problem) from error


def unpack(packed: bytes) -> dict[str, Any]:
    """The item again."""
    item: dict[str, Any] = json.loads(zlib.decompress(packed))
    return item


def item_of(chosen: Chosen) -> str:
    """The item to publish for a project, as JSON."""
    items = [unpack(record.item) for record in chosen.records]
    return json.dumps(items[0] if len(items) == 1 else _together(chosen, items))


def _together(chosen: Chosen, items: list[dict[str, Any]]) -> dict[str, Any]:
    bbox = _bbox(items)
    west, south, east, north = bbox
    own = [link["href"] for item in items for link in item["links"] if link["rel"] == "self"]
    collection = [link for link in items[0]["links"] if link["rel"] == "collection"]
    return {
        "type": "Feature",
        "stac_version": items[0]["stac_version"],
        "stac_extensions": sorted({uri for item in items for uri in item.get("stac_extensions") or ()}),
        "id": chosen.code,
        "geometry": {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]},
        "bbox": bbox,
        "properties": {**_shared(items), **_span(items), "aggregation": True},
        "links": [*collection, *({"rel": "derived_from", "href": href, "type": "application/geo+json"} for href in own[:MOST_LINKS])],
        "assets": {},
        **({"collection": items[0]["collection"]} if items[0].get("collection") else {}),
    }


def _shared(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The properties that all items have, with one value."""
    first = items[0]["properties"]
    return {name: value for name, value in first.items() if all(item["properties"].get(name) == value for item in items)}


def _span(items: list[dict[str, Any]]) -> dict[str, Any]:
    def texts(name: str) -> Iterable[str]:
        return (text for item in items if (text := item["properties"].get(name) or item["properties"].get("datetime")))

    return {
        "datetime": None,
        "start_datetime": min(texts("start_datetime"), default=None),
        "end_datetime": max(texts("end_datetime"), default=None),
    }


def _bbox(items: list[dict[str, Any]]) -> list[float]:
    """West, south, east and north of all items; the whole Earth where one does not say its own, all longitudes
    where one lies across the 180th meridian."""
    boxes = [box for item in items if (box := item.get("bbox"))]
    if len(boxes) < len(items):
        return WHOLE_EARTH
    flat = [[box[0], box[1], box[-3], box[-2]] if len(box) == 6 else box for box in boxes]
    west, south = (min(box[side] for box in flat) for side in (0, 1))
    east, north = (max(box[side] for box in flat) for side in (2, 3))
    return [WHOLE_EARTH[0], south, WHOLE_EARTH[2], north] if any(box[0] > box[2] for box in flat) else [west, south, east, north]
