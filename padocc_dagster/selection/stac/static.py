"""Items from a static catalogue: files, on this machine or on a server, that name each other by links `child` and `item`."""

from collections.abc import Iterator
from typing import Any

from padocc_dagster.pipeline.workdir.names import nearest
from padocc_dagster.selection.problems import CatalogueUnreachable, Findings
from padocc_dagster.selection.stac.matching import Matcher
from padocc_dagster.selection.stac.paths import absolute
from padocc_dagster.selection.stac.reading import Reader, Refused
from padocc_dagster.selection.stac.record import links_of
from padocc_dagster.selection.stac.section import Section

SAMPLE = 50


class StaticCatalogue:
    """A catalogue of files. Each file is read once, and none is kept."""

    def __init__(self, address: str, first: dict[str, Any], reader: Reader) -> None:
        self.address, self.first, self.reader = address, first, reader
        self.known: dict[str, None] = {}
        """Collections that were met."""
        self.samples: list[dict[str, Any]] = []

    def items(self, section: Section, line: int, findings: Findings) -> Iterator[tuple[dict[str, Any], str]]:
        """The items that fit, each with its address. A collection of the search that was nowhere met is a problem."""
        fits, wanted = Matcher(section), set(section.collections)
        for item, address, above in self._walk():
            if not wanted or wanted & {*above, str(item.get("collection") or "")}:
                if len(self.samples) < SAMPLE:
                    self.samples.append(item)
                if fits(item):
                    yield item, address
        for name in section.collections:
            if name not in self.known:
                findings.add(line, f"{self.address} has no collection {name[:100]!r}: {nearest(name, self.known)}")

    def _walk(self) -> Iterator[tuple[dict[str, Any], str, tuple[str, ...]]]:
        """Every item, its address, and the collections above it, in the order of the links."""
        seen = {self.address}
        waiting: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [(self.first, self.address, ())]
        while waiting:
            parent, address, above = waiting.pop()
            if parent.get("type") == "Collection":
                above = (*above, str(parent.get("id")))
                self.known[above[-1]] = None
            children = []
            for link in links_of(parent, ("child", "item")):
                target = absolute(link["href"], address)
                if target in seen:
                    continue
                seen.add(target)
                found = self._read(target, address)
                if link["rel"] == "item":
                    self.known.setdefault(str(found.get("collection") or ""), None)
                    yield found, target, above
                else:
                    children.append((found, target, above))
            waiting += reversed(children)

    def _read(self, address: str, named_in: str) -> dict[str, Any]:
        try:
            found = self.reader.read_json(address)
        except Refused as refused:
            raise CatalogueUnreachable(f"{refused}, and {named_in} names it") from None
        if found.get("type") not in ("Catalog", "Collection") and not (found.get("type") == "Feature" and found.get("id")):
            raise CatalogueUnreachable(f"{address} is neither catalogue, collection nor item, and {named_in} names it")
        return found
