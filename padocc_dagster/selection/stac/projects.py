"""The projects that records make."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.workdir.names import name_problem, nearest
from padocc_dagster.selection.problems import Findings, some
from padocc_dagster.selection.source_files import natural
from padocc_dagster.selection.stac.record import Record, digest, mapping_in
from padocc_dagster.selection.stac.section import Section, filled


@dataclass(frozen=True)
class Chosen:
    """One project of a selection."""

    code: str
    records: tuple[Record, ...]
    """In order of their beginnings."""

    @property
    def digest(self) -> str:
        """What changes when one of its records does, or when one comes or goes."""
        return digest([[*record.key, record.version] for record in self.records])


def projects_of(records: Iterable[Record], section: Section, known: Iterable[str], findings: Findings) -> tuple[Chosen, ...]:
    """The projects, in order of their codes. Records without source files or without a property that is named are problems.

    `known` are properties that items have.
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    lacking: dict[tuple[str, str | None], list[str]] = {}
    for record in records:
        faults = lacks(record, section)
        for why in faults.items():
            lacking.setdefault(why, []).append(record.id)
        if not faults:
            groups.setdefault(_group(record, section), []).append(record)
    for (sentence, name), ids in lacking.items():
        findings.add(section.line, f"{len(ids)} of the items are {sentence}: {some(ids)}; {_remedy(name, known)}")
    return _called([sorted(group, key=_order) for group in groups.values()], section, findings)


def lacks(record: Record, section: Section) -> dict[str, str | None]:
    """What a record lacks to be a project, or part of one: in words → the property, None for source files."""
    without: dict[str, str | None] = {f"without the property {name[:60]!r}": name for name in section.values if name not in record.values}
    return without if record.sources else {"without source files": None, **without}


def _remedy(name: str | None, known: Iterable[str]) -> str:
    if name is None:
        return "source files are NetCDF or HDF data where `assets` does not say otherwise: write `assets`, or narrow the search"
    return "others have it: narrow the search, or name another" if name in known else nearest(name, known)


def _order(record: Record) -> tuple[Any, ...]:
    """By beginnings; records that begin together by their names, 2 before 10."""
    return record.start, natural(record.id)


def _group(record: Record, section: Section) -> tuple[str, ...]:
    """What the records of one project have in common."""
    if section.projects == "item":
        return record.key
    return record.collection, *(record.values[name] for name in section.facets)


def _called(groups: list[list[Record]], section: Section, findings: Findings) -> tuple[Chosen, ...]:
    """The projects under their codes. Codes that are not safe, that differ in letter case only, or that two share are problems."""
    found: dict[str, Chosen] = {}
    shared: dict[str, list[str]] = {}
    unsafe: list[tuple[str, str]] = []
    for group in groups:
        codes = {filled(section.code, {**record.values, "id": record.id, "collection": record.collection}) for record in group}
        if len(codes) > 1:
            called = f"code {section.code!r} calls the items of one project {some(sorted(codes))}"
            findings.add(section.line, f"{called}: name what they share, or more facets")
            continue
        code = codes.pop()
        if problem := name_problem("project code", code):
            unsafe.append((group[0].id, problem))
        first = found.setdefault(code.casefold(), Chosen(code, tuple(group)))
        if first.records[0] is not group[0]:
            shared.setdefault(first.code, [_name_of(first.records)]).append(_name_of(group))
    if unsafe:
        findings.add(section.line, f"{len(unsafe)} of the items get no good code, as {unsafe[0][0][:100]!r}: {unsafe[0][1]}")
    for code, these in shared.items():
        findings.add(section.line, f"{len(these)} projects would be called {code!r}: of {some(these)}; name more properties in `code`")
    return tuple(sorted(found.values(), key=lambda chosen: chosen.code))


def _name_of(records: Iterable[Record]) -> str:
    records = list(records)
    return records[0].id if len(records) == 1 else f"{records[0].collection} with {records[0].id}"


def unknown_properties(names: Iterable[str], samples: list[dict[str, Any]], where: str, line: int, findings: Findings) -> None:
    """A problem for each property that none of the sampled items has."""
    known = sorted({name for item in samples for name in mapping_in(item, "properties")})
    for name in names:
        if known and name not in known:
            findings.add(line, f"none of {len(samples)} items of {where} has a property {name[:60]!r}: {nearest(name, known)}")
