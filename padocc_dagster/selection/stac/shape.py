"""Items and links as they come from a catalogue, of whatever shape. What they say is another matter."""

from collections.abc import Collection
from typing import Any


class InvalidItem(Exception):
    """An item that cannot be taken: a sentence with its identifier, and what to do."""


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
