"""Items from a STAC API, page by page."""

import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

from pystac_client import Client
from pystac_client.conformance import ConformanceClasses
from pystac_client.warnings import PystacClientWarning

from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.selection.problems import CatalogueUnreachable, Findings
from padocc_dagster.selection.stac.matching import Matcher
from padocc_dagster.selection.stac.paths import absolute
from padocc_dagster.selection.stac.reading import Reader, Refused
from padocc_dagster.selection.stac.record import links_of
from padocc_dagster.selection.stac.section import Section

PAGE = 200
"""Items a page: an item of CMIP6 has about 5 kB."""
KNOWN_COLLECTIONS = 2000
MOST_COLLECTIONS = 2000
SAMPLE = 50


class Api:
    """A STAC API that is open."""

    def __init__(self, address: str, reader: Reader) -> None:
        self.address, self.reader = address, reader
        self.matched: int | None = None
        """How many items the API says that match the search, where it says so and all of the search is its own."""
        self.whole = True
        """Whether it gave as many as it said."""
        self.client = Client.from_file(address, stac_io=reader, timeout=reader.timeout)  # which takes the reader's away where it has none

    def collections(self, names: tuple[str, ...], line: int, findings: Findings) -> tuple[str, ...]:
        """The collections of the search, and all below them by links `child`. One that does not exist is a problem."""
        found: dict[str, None] = {}
        read: set[str] = set()
        for name in names:
            collection = self._collection(name)
            if collection is None:
                known = [each.id for each in islice(self._all_collections(), KNOWN_COLLECTIONS)]
                findings.add(line, f"{self.address} has no collection {name[:100]!r}: {nearest(name, known)}")
            else:
                self._gather(collection, self._address(name), found, read)
        return tuple(found)

    def items(self, section: Section, collections: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], str]]:
        """The items that fit, each with the address that its relative addresses start at.

        What the API has no extension for is matched here.
        """
        there = {"query": section.query if self._has("QUERY") else None, "filter": section.filter if self._has("FILTER") else None}
        here = tuple(part for part, value in there.items() if not value and getattr(section, part))
        fits, seen = Matcher(section, here), set()
        search = {
            "collections": list(collections) or None,
            "ids": list(section.ids) or None,
            "datetime": section.datetime,
            "bbox": list(section.bbox) or None,
            "intersects": section.intersects,
            **{part: value or None for part, value in there.items()},
        }
        for item in self._search(search, PAGE):
            seen.add((str(item.get("collection")), str(item["id"])))
            self.matched = None if here else self.reader.matched
            if fits(item):
                yield item, next((link["href"] for link in links_of(item, ("self",))), self.address)
        self.whole = self.reader.matched is None or len(seen) >= self.reader.matched

    def sample(self, collections: tuple[str, ...]) -> list[dict[str, Any]]:
        """Some items of the collections, with any properties."""
        return list(islice(self._search({"collections": list(collections) or None}, SAMPLE), SAMPLE))

    def _search(self, search: dict[str, Any], page: int) -> Iterator[dict[str, Any]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PystacClientWarning)
            found = self.client.search(**search, limit=page, method=self._method())
        for item in found.items_as_dicts():
            if not isinstance(item, dict) or not item.get("id"):
                raise CatalogueUnreachable(f"{self.address} answers a search with something that is no item")
            yield item

    def _method(self) -> str:
        """POST, unless the API offers nothing but GET."""
        offered = {str(link.extra_fields.get("method") or "GET").upper() for link in self.client.get_links("search")}
        return "GET" if offered == {"GET"} else "POST"

    def _has(self, extension: str) -> bool:
        return self.client.conforms_to(ConformanceClasses[extension])

    def _collection(self, name: str) -> dict[str, Any] | None:
        try:
            return self.reader.read_json(self._address(name))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def _address(self, collection: str) -> str:
        """Of a collection (https://api.stacspec.org/v1.0.0/ogcapi-features)."""
        return f"{self.address.rstrip('/')}/collections/{quote(collection, safe='')}"

    def _all_collections(self) -> Iterator[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PystacClientWarning)
            yield from self.client.get_collections()

    def _gather(self, first: dict[str, Any], address: str, found: dict[str, None], read: set[str]) -> None:
        """Add a collection, and those below it; each address is read once, as links may go round."""
        waiting = [(first, address)]
        read.add(address)
        while waiting:
            collection, address = waiting.pop()
            if collection.get("type") not in ("Collection", "Catalog") or not isinstance(collection.get("id"), str):
                raise CatalogueUnreachable(f"{address} answers with something that is no collection")
            if collection["type"] == "Collection":
                found[collection["id"]] = None
            for below in (absolute(link["href"], address) for link in links_of(collection, ("child",))):
                if below in read:
                    continue
                if len(read) >= MOST_COLLECTIONS:
                    raise CatalogueUnreachable(f"{self.address} has more than {MOST_COLLECTIONS} collections below those of the search")
                read.add(below)
                waiting.append((self.reader.read_json(below), below))
