"""The section `stac:` of a group config, checked.

stac:
  catalogue: https://api.stac.ceda.ac.uk      # or the path of a catalogue of files
  collections: [cmip6]
  filter: source_id = 'MRI-ESM2-0' AND variable_id IN ('tas', 'pr')
  projects: item                              # or collection
  paths: ceda
"""

from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.pipeline.names import nearest
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.stac import query as query_
from padocc_dagster.selection.stac.address import read_address
from padocc_dagster.selection.stac.assets import AssetChoice, read_assets
from padocc_dagster.selection.stac.paths import read_paths
from padocc_dagster.selection.stac.query import Query, read_query
from padocc_dagster.selection.stac.template import NAME, RECORD, names_in, read_template
from padocc_dagster.selection.tree import Node, fields_of, kind, texts_of

FIELDS = ("catalogue", *query_.FIELDS, "projects", "facets", "code", "assets", "paths", "leave_out", "publish_items")
PROJECTS = ("item", "collection")
LEFT_OUT = ("aggregated", "retracted")


@dataclass(frozen=True)
class Section:
    """What a `stac:` section asks for."""

    line: int
    """Where it begins in the group config."""
    catalogue: str
    """The address of a STAC API or of a catalogue on a server, or the absolute path of a catalogue's file."""
    query: Query
    projects: str
    """What makes one project: an `item`, or all items of a `collection`, or of a group of equal facets in it."""
    facets: tuple[str, ...]
    """Properties that tell the projects of a collection apart."""
    code: str
    """The template of the projects' codes."""
    assets: AssetChoice
    paths: dict[str, str]
    leave_out: tuple[str, ...]
    """Which items are passed over: those that are `aggregated` already, and those `retracted`."""
    publish_items: bool
    """Whether an item that tells of the product is published beside it."""

    @property
    def values(self) -> list[str]:
        """The properties whose values are needed of every item."""
        return [name for name in dict.fromkeys((*self.facets, *names_in(self.code))) if name not in RECORD]


def read_section(node: Node, folder: Path, findings: Findings) -> Section | None:
    """The section; None when it is no mapping or names no catalogue. A relative path of a catalogue starts at `folder`."""
    findings = findings.about("stac")
    fields = fields_of(node, "the section", FIELDS, findings)
    catalogue = read_address(fields, node, folder, findings) if isinstance(node.value, dict) else None
    projects = _projects(fields.get("projects"), findings)
    facets = _facets(fields.get("facets"), projects, findings)
    usual = "{id}" if projects == "item" else ".".join(f"{{{name}}}" for name in ("collection", *facets))
    section = Section(
        line=node.line,
        catalogue=catalogue or "",
        query=read_query(fields, findings),
        projects=projects,
        facets=facets,
        code=read_template(fields.get("code"), usual, findings),
        assets=read_assets(fields, findings),
        paths=read_paths(fields, findings),
        leave_out=_left_out(fields.get("leave_out"), findings),
        publish_items=_truth(fields.get("publish_items"), "publish_items", findings),
    )
    if "code" in fields and projects == "collection" and "id" in names_in(section.code):
        findings.add(fields["code"].line, "code names {id}, which the items of a collection do not share: name properties or {collection}")
    return section if catalogue else None


def _projects(node: Node | None, findings: Findings) -> str:
    if node is None:
        return "item"
    if isinstance(node.value, str) and node.value in PROJECTS:
        return node.value
    written = node.value[:60] if isinstance(node.value, str) else kind(node.value)
    findings.add(node.line, f"projects is {written!r}: write item (one item, one project) or collection (all its items, one project)")
    return "item"


def _facets(node: Node | None, projects: str, findings: Findings) -> tuple[str, ...]:
    if node is None:
        return ()
    names = tuple(dict.fromkeys(entry.value for entry in texts_of(node, "facets", findings)))
    if names and projects == "item":
        findings.add(node.line, "facets tell the projects of a collection apart: write projects: collection, or leave them out")
    for name in names:
        if name in RECORD or not NAME.fullmatch(f"{{{name}}}"):
            findings.add(node.line, f"facets names {name[:60]!r}: write properties that tell the projects of a collection apart")
    return names


def _left_out(node: Node | None, findings: Findings) -> tuple[str, ...]:
    if node is None:
        return LEFT_OUT
    entries = texts_of(node, "leave_out", findings)
    for entry in entries:
        if entry.value not in LEFT_OUT:
            findings.add(entry.line, f"unknown entry {entry.value[:60]!r} of leave_out: {nearest(entry.value, LEFT_OUT)}")
    return tuple(entry.value for entry in entries)


def _truth(node: Node | None, name: str, findings: Findings) -> bool:
    if node is not None and not isinstance(node.value, bool):
        findings.add(node.line, f"{name} is {kind(node.value)}: write true or false")
    return node is not None and node.value is True
