"""Items as they come from a catalogue: those that count kept as records, the others with the reason why they do not."""

from collections.abc import Iterator
from typing import Any

from padocc_dagster.selection.stac.projects import lacks
from padocc_dagster.selection.stac.record import Record, reason_to_leave_out, record_of
from padocc_dagster.selection.stac.section import Section
from padocc_dagster.selection.stac.shape import InvalidItem, mapping_in

NOT_VALID = "not valid"
SAMPLE = 50
"""Items whose properties are known by name."""


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
        most = self.section.query.max_items
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
        """Take back whatever an item was before."""
        for place in (self.records, self.left_out, self.invalid):
            place.pop(key, None)

    def leave_out_unusable(self) -> None:
        """Pass over what cannot be taken, so that it keeps nothing else back."""
        self.left_out |= dict.fromkeys(self.invalid, NOT_VALID)
        unfit = {key: faults[0] for key, record in self.records.items() if (faults := lacks(record, self.section))}
        self.left_out |= unfit
        self.records = {key: record for key, record in self.records.items() if key not in unfit}
        self.invalid = {}
