"""What is kept of an item: enough to make a project of it and to see later whether it has changed. Fifty thousand fit into memory."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from padocc_dagster.selection.stac.paths import absolute
from padocc_dagster.selection.stac.section import Section

AGGREGATED, RETRACTED = "aggregated", "retracted"


class InvalidItem(Exception):
    """An item that cannot be taken: a sentence with its identifier, and what to do."""


class Source(NamedTuple):
    """An asset that is a source file."""

    href: str
    """Its address, absolute."""
    checksum: str
    """`file:checksum`, a multihash in hexadecimal; empty where none is given."""
    size: int | None
    """Bytes, where the asset says so."""


@dataclass(frozen=True, slots=True)
class Record:
    """One item."""

    id: str
    collection: str
    start: str
    """When it begins, as it is written: `start_datetime`, else `datetime`."""
    updated: str
    values: dict[str, str]
    """Of the properties that the selection names; those that it lacks are missing."""
    sources: tuple[Source, ...]
    item: bytes = b""
    """The whole item, packed, where it will be published again."""

    @property
    def key(self) -> tuple[str, str]:
        return self.collection, self.id

    @property
    def version(self) -> str:
        """What changes when the item does: its time of update, or the addresses, checksums or sizes of its files, in any order."""
        return digest([self.updated, *sorted(self.sources, key=str)])

    @property
    def checksums(self) -> dict[str, str]:
        """Address → checksum of the files that have one."""
        return {source.href: source.checksum for source in self.sources if source.checksum}


def record_of(item: dict[str, Any], section: Section, base: str) -> Record:
    """What is kept of an item. `base` is the address that its relative addresses start at. Raises InvalidItem."""
    refuse_misshapen(item)
    properties = mapping_in(item, "properties")
    sources = [
        Source(_address(item, name, asset, base), str(asset.get("file:checksum") or ""), _size(asset))
        for name, asset in mapping_in(item, "assets").items()
        if isinstance(asset, dict) and section.assets.takes(name, asset)
    ]
    values = {name: text for name in section.values if (text := text_of_value(properties.get(name)))}
    packed = b""
    if section.publish_items:
        from padocc_dagster.selection.stac.published import pack

        packed = pack(item, base)
    return Record(
        id=item["id"],
        collection=item.get("collection") or "",
        start=str(properties.get("start_datetime") or properties.get("datetime") or ""),
        updated=str(properties.get("updated") or ""),
        values=values,
        sources=tuple(sources),
        item=packed,
    )


def mapping_in(item: dict[str, Any], name: str) -> dict[str, Any]:
    """A member that should be a mapping; empty where it is none."""
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def links_of(thing: dict[str, Any], rels: Collection[str]) -> list[dict[str, Any]]:
    """The links of these kinds that lead somewhere."""
    links = thing.get("links")
    found = (link for link in (links if isinstance(links, list) else ()) if isinstance(link, dict))
    return [link for link in found if link.get("rel") in rels and link.get("href") and isinstance(link["href"], str)]


def refuse_misshapen(item: dict[str, Any]) -> None:
    """Raises InvalidItem for what is no item, though it has an identifier."""
    for name in ("id", "collection"):
        text = item.get(name)
        if not isinstance(text, str) and (text is not None or name == "id"):
            raise _invalid(item, f"{name} is no text")
        if text and not text.isprintable():
            raise _invalid(item, f"{name} holds characters that cannot be printed")
    for name in ("properties", "assets"):
        if item.get(name) is not None and not isinstance(item[name], dict):
            raise _invalid(item, f"{name} is no mapping")
    if not all(name.isprintable() for name in mapping_in(item, "properties")):
        raise _invalid(item, "a property's name holds characters that cannot be printed")


def _invalid(item: dict[str, Any], why: str) -> InvalidItem:
    return InvalidItem(f"item {str(item.get('id'))[:100]!r} is no STAC item, {why}: narrow the search, or have the catalogue corrected")


def reason_to_leave_out(item: dict[str, Any], reasons: Iterable[str]) -> str | None:
    """Which of these reasons holds for the item.

    It is aggregated already where its property `aggregation` is true, or where it has an asset `reference_file` or `zarr` and
    `aggregation_status` is OK, in its properties, as PADOCC writes it (`padocc/core/catalog.py:66`), or in the asset.
    """
    properties, assets = mapping_in(item, "properties"), mapping_in(item, "assets")
    products = [assets[name] for name in ("reference_file", "zarr") if isinstance(assets.get(name), dict)]
    stated = [properties.get("aggregation_status"), *(asset.get("aggregation_status") for asset in products)]
    done = _is_true(properties.get("aggregation")) or (bool(products) and any(str(_only(state)).upper() == "OK" for state in stated))
    holds = {AGGREGATED: done, RETRACTED: _is_true(properties.get("retracted"))}
    return next((reason for reason in reasons if holds[reason]), None)


def text_of_value(value: Any) -> str:
    """A property as text: of a list, its entries joined; empty for what says nothing."""
    if isinstance(value, list):
        return "-".join(filter(None, map(text_of_value, value)))
    if value is None or isinstance(value, dict):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def digest(value: Any) -> str:
    """SHA-256 of a value as JSON, in 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _only(value: Any) -> Any:
    """The entry of a list of one; any other value as it is. Some catalogues make lists of all properties."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _is_true(value: Any) -> bool:
    return _only(value) is True or str(_only(value)).lower() == "true"


def _size(asset: dict[str, Any]) -> int | None:
    size = asset.get("file:size", asset.get("size"))
    return size if isinstance(size, int) and not isinstance(size, bool) else None


def _address(item: dict[str, Any], name: str, asset: dict[str, Any], base: str) -> str:
    href = asset.get("href")
    if not href or not isinstance(href, str):
        raise InvalidItem(f"item {item['id'][:100]!r} has an asset {name[:60]!r} without an address: narrow the search or `assets`")
    return absolute(href, base)
