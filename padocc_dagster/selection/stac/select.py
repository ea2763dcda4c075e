"""A selection: a section's catalogue searched, the items that count kept as records, and the records made projects."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from padocc_dagster.selection.problems import CatalogueUnreachable, Findings, some
from padocc_dagster.selection.stac.projects import Chosen, lacks, projects_of, unknown_properties
from padocc_dagster.selection.stac.record import InvalidItem, Record, mapping_in, reason_to_leave_out, record_of
from padocc_dagster.selection.stac.section import OF_THE_ITEM, Section

NOT_VALID = "not valid"
SAMPLE = 50
"""Items whose properties are known by name."""


@dataclass(frozen=True)
class Selection:
    """What a section brings now."""

    section: Section
    projects: tuple[Chosen, ...] = ()
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)
    """Collection and id of items that were passed over → why."""
    matched: int | None = None
    """How many items the catalogue says that match; few say so."""
    whole: bool = True
    """Whether every item that fits was looked at: neither cut off at `max_items` nor fewer than the catalogue says that match."""

    @property
    def records(self) -> Iterator[Record]:
        return (record for project in self.projects for record in project.records)


class Taken:
    """What was taken so far, by collection and id."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.records: dict[tuple[str, str], Record] = {}
        self.left_out: dict[tuple[str, str], str] = {}
        self.properties: dict[str, None] = {}
        self.invalid: dict[tuple[str, str], str] = {}
        self.matched: int | None = None
        self.whole = True

    def take(self, items: Iterator[tuple[dict[str, Any], str]]) -> None:
        """Keep what counts; an item that comes twice, as it changes while pages are read, is what it was last."""
        most = self.section.max_items
        for item, base in items:
            key = str(item.get("collection") or ""), str(item["id"])
            if reason := reason_to_leave_out(item, self.section.leave_out):
                self._forget(key)
                self.left_out[key] = reason
            elif most and len(self.records) >= most and key not in self.records:
                self.whole = False
                return
            else:
                self._keep(key, item, base)

    def _keep(self, key: tuple[str, str], item: dict[str, Any], base: str) -> None:
        if len(self.records) < SAMPLE:
            self.properties.update(dict.fromkeys(mapping_in(item, "properties")))
        try:
            record = record_of(item, self.section, base)
        except InvalidItem as problem:
            self._forget(key)
            self.invalid[key] = str(problem)
        else:
            self.left_out.pop(key, None)
            self.invalid.pop(key, None)
            self.records[key] = record

    def _forget(self, key: tuple[str, str]) -> None:
        """Take back what an item was before."""
        for place in (self.records, self.left_out, self.invalid):
            place.pop(key, None)

    def leave_out_unusable(self) -> None:
        """Pass over what cannot be taken, so that it keeps nothing else back."""
        self.left_out |= dict.fromkeys(self.invalid, NOT_VALID)
        unfit = {key: next(iter(faults)) for key, record in self.records.items() if (faults := lacks(record, self.section))}
        self.left_out |= unfit
        self.records = {key: record for key, record in self.records.items() if key not in unfit}
        self.invalid = {}


def select(section: Section, findings: Findings, tolerant: bool = False) -> Selection:
    """Search the catalogue. What is wrong with the selection becomes problems; nothing is written.

    Where it is `tolerant`, items that cannot be taken, or have no source files, are left out instead.

    Takes a request for each 200 items of an API, or one for each file of a static catalogue. Raises CatalogueUnreachable when the
    catalogue does not answer, after every retry: nothing is known then.
    """
    from padocc_dagster.selection.stac.reading import Reader, Refused, in_words

    findings = findings.about("stac")
    reader, found, before = Reader(), Taken(section), len(findings.problems)
    try:
        samples = _search(section, reader, found, findings)
    except Refused as refused:
        advice = ", or write `query` as a filter" if refused.status == 400 and section.query else ""
        findings.add(section.line, f"{refused}; correct the address or the search{advice}")
        return Selection(section)
    except CatalogueUnreachable:
        raise
    except Exception as error:  # a catalogue may say anything, and what it breaks is its own fault
        problem = f"{section.catalogue} answers with something that is no STAC ({type(error).__name__}: {in_words(str(error))})"
        raise CatalogueUnreachable(problem) from error
    if tolerant:
        found.leave_out_unusable()
    if not found.records and not found.invalid and len(findings.problems) == before:
        _explain_nothing(section, found, samples, findings)
    if found.invalid:
        findings.add(section.line, f"{len(found.invalid)} of the items cannot be taken: {next(iter(found.invalid.values()))}")
    projects = projects_of(found.records.values(), section, found.properties, findings)
    return Selection(section, projects, found.left_out, found.matched, found.whole)


def _search(section: Section, reader: Any, found: Taken, findings: Findings) -> list[dict[str, Any]]:
    """Find the items. Returns some of the collections' items where nothing was found."""
    from padocc_dagster.selection.stac.api import Api
    from padocc_dagster.selection.stac.static import StaticCatalogue

    first = reader.read_json(section.catalogue)
    if first.get("type") not in ("Catalog", "Collection"):
        findings.add(section.line, f"{section.catalogue} is no STAC catalogue: give the address of the landing page or of catalog.json")
        return []
    if not any("item-search" in str(uri) for uri in first.get("conformsTo") or ()):
        catalogue = StaticCatalogue(section.catalogue, first, reader)
        found.take(catalogue.items(section, section.line, findings))
        return catalogue.samples
    api = Api(section.catalogue, reader)
    before = len(findings.problems)
    collections = api.collections(section.collections, section.line, findings)
    if len(findings.problems) > before:
        return []
    found.take(api.items(section, collections))
    found.matched, found.whole = api.matched, found.whole and api.whole
    nothing = not found.records and not found.left_out
    return api.sample(collections) if nothing and section.properties else []


def _explain_nothing(section: Section, found: Taken, samples: list[dict[str, Any]], findings: Findings) -> None:
    """Say why there is no item."""
    if found.left_out:
        reasons = " or ".join(sorted(set(found.left_out.values())))
        ids = some([name for _, name in found.left_out])
        what = f"all {len(found.left_out)} items that fit are {reasons}: {ids}"
        by_choice = set(found.left_out.values()) <= set(section.leave_out)
        remedy = "write leave_out: [] to take them all the same" if by_choice else "widen the search, or have the catalogue corrected"
        findings.add(section.line, f"{what}; {remedy}")
        return
    before = len(findings.problems)
    named = [name for name in section.properties if name not in OF_THE_ITEM]
    unknown_properties(named, samples, section.catalogue, section.line, findings)
    if len(findings.problems) == before:
        findings.add(section.line, f"no item of {section.catalogue} fits: widen the search")
