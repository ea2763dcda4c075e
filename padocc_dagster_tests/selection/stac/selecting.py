"""Sections, items and selections for tests that ask no server: as a group config or a catalogue would bring them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.stac.projects import projects_of
from padocc_dagster.selection.stac.record import Record, record_of
from padocc_dagster.selection.stac.section import Section, read_section
from padocc_dagster.selection.stac.select import Selection, select
from padocc_dagster.selection.validation import Part
from padocc_dagster_tests.selection.stac import records

SERVER = "https://stac.example.org"


def section(catalogue: str | Path = SERVER, **fields: Any) -> Section:
    """A section that is good."""
    findings = Findings()
    read = read_section(Part({"catalogue": str(catalogue), **fields}), Path("/"), findings)
    assert not findings.problems, findings.problems
    return read


def item(name: str = "a", files: Iterable[str] = ("/d/a.nc",), collection: str = "c", first: int = 0, **properties: Any) -> records.Record:
    """An item of two days over files that need not exist."""
    assets = {f"data{number}": {"href": href, "type": "application/x-netcdf", "roles": ["data"]} for number, href in enumerate(files)}
    return records.item(name, collection, {**records.period(first, 2), **properties}, assets)


def kept(items: Iterable[records.Record], asked: Section) -> list[Record]:
    return [record_of(each, asked, "/catalogue/item.json") for each in items]


def selection(items: Iterable[records.Record], asked: Section | None = None, **more: Any) -> Selection:
    """What a catalogue of these items brings, where nothing is wrong."""
    asked = asked or section(projects="collection")
    projects, problems = grouped(items, asked)
    assert not problems, problems
    return Selection(asked, projects, **more)


def grouped(items: Iterable[records.Record], asked: Section) -> tuple[Any, list[str]]:
    """The projects that items make, and what is wrong."""
    findings = Findings()
    items = list(items)
    known = {name: None for each in items for name in each["properties"]}
    return projects_of(kept(items, asked), asked, known, findings), texts(findings)


def searched(asked: Section) -> tuple[Selection, list[str]]:
    """A catalogue's answer, and what is wrong with it."""
    findings = Findings()
    return select(asked, findings), texts(findings)


def texts(findings: Findings) -> list[str]:
    return [str(problem) for problem in findings.problems]
