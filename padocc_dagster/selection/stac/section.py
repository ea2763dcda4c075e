"""The section `stac:` of a group config, checked.

stac:
  catalogue: https://api.stac.ceda.ac.uk      # or the path of a catalogue of files
  collections: [cmip6]
  filter: source_id = 'MRI-ESM2-0' AND variable_id IN ('tas', 'pr')
  projects: item                              # or collection
  paths: ceda
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from padocc_dagster.selection.options import once
from padocc_dagster.selection.problems import Findings
from padocc_dagster.selection.stac.conditions import GEOJSON, Box, Filter, Geometry, Interval, Query
from padocc_dagster.selection.stac.paths import Catalogue, Rules
from padocc_dagster.selection.validation import Fields, Part, Text, validated

NAME = re.compile(r"\{([^{}]+)\}")
UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]+")
RECORD = ("id", "collection")
"""What names an item's own members in a code; every other name is one of its properties."""
OF_THE_ITEM = (*RECORD, "geometry", "bbox", "datetime", "start_datetime", "end_datetime", "created", "updated")
"""Names that a search may use of every item, also of one without that property."""
NETCDF = ("application/x-netcdf", "application/netcdf", "application/x-hdf*", "application/hdf*", "application/vnd.*netcdf*")
SUFFIXES = (".nc", ".nc4", ".h5", ".hdf5")
DERIVED = ("thumbnail", "overview", "metadata")
APART = "distinguish the projects of a collection"


def _template(text: str) -> str:
    """Text with names in braces, `{source_id}.{variable_id}`, each replaced by a value of the record."""
    rest = NAME.sub("", text)
    if "{" in rest or "}" in rest:
        raise ValueError("it has a brace without its pair or with nothing in it; write names as in {id}")
    if not NAME.search(text):
        raise ValueError("it names nothing, so all projects would be called alike; write {id} or {collection}, say")
    return text


def _as_list(value: Any) -> Any:
    """A text as a list of one."""
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[Text, ...], Field(strict=False), BeforeValidator(_as_list)]
Names = Annotated[
    tuple[Annotated[Text, Field(min_length=1)], ...], Field(strict=False, min_length=1), BeforeValidator(_as_list), AfterValidator(once)
]


class AssetChoice(Fields, title="assets"):
    """Which assets are source files; without anything, those whose role is data (or none) and that are NetCDF or HDF."""

    roles: Texts = ()
    types: Texts = ()
    """Media types, as patterns."""
    names: Texts = ()
    """The assets' keys, as patterns."""

    def takes(self, name: str, asset: dict[str, Any]) -> bool:
        """Whether the asset is a source file."""
        roles, media = _roles(asset), str(asset.get("type") or "").partition(";")[0].strip().lower()
        if not (self.roles or self.types or self.names):
            source = "reference" not in roles and ("data" in roles or not roles & set(DERIVED))  # PADOCC calls its own products both
            return source and (_fits(media, NETCDF) if media else _is_netcdf(asset))
        return (
            (not self.roles or bool(roles & set(self.roles)))
            and (not self.types or _fits(media, self.types))
            and (not self.names or _fits(name, self.names))
        )


class Section(Fields, title="the section"):
    """A `stac:` section: a search (https://api.stacspec.org/v1.0.0/item-search), and what its items become. What is empty or None does not
    restrict the search.
    """

    catalogue: Catalogue = ""
    """The address of a STAC API or of a catalogue on a server, or the absolute path of a catalogue's file."""
    collections: Names = ()
    """Identifiers; a collection includes those below it."""
    ids: Names = ()
    datetime: Interval | None = None
    bbox: Box = ()
    intersects: Geometry | None = Field(default=None, description=GEOJSON)
    query: Query = {}
    filter: Filter = None
    max_items: int | None = Field(default=None, gt=0, description="write a number from 1 up, or leave it out")
    """How many items are taken at most, after those that are left out."""
    projects: Literal["item", "collection"] = Field(
        default="item", description="write item (one item, one project) or collection (all its items, one project)"
    )
    """What makes one project: an `item`, or all items of a `collection`, or of a group of equal facets in it."""
    facets: Annotated[tuple[Text, ...], Field(strict=False), AfterValidator(once)] = ()
    """Properties that distinguish the projects of a collection."""
    code: Annotated[Text, AfterValidator(_template)] = ""
    """The template of the projects' codes."""
    assets: AssetChoice = AssetChoice()
    paths: Rules = {}
    leave_out: tuple[Literal["aggregated", "retracted"], ...] = Field(default=("aggregated", "retracted"), strict=False)
    """Which items are passed over: those that are `aggregated` already, and those `retracted`."""
    publish_items: bool = False
    """Whether an item that describes the product is published beside it."""
    _line: int = PrivateAttr(1)

    @model_validator(mode="after")
    def _with_code(self) -> "Section":
        names = ("id",) if self.projects == "item" else ("collection", *self.facets)
        self.code = self.code or ".".join(f"{{{name}}}" for name in names)
        return self

    @property
    def line(self) -> int:
        """Where it begins in the group config."""
        return self._line

    @property
    def values(self) -> list[str]:
        """The properties whose values are needed of every item."""
        return [name for name in dict.fromkeys((*self.facets, *names_in(self.code))) if name not in RECORD]

    @property
    def properties(self) -> list[str]:
        """The properties that `query` and `filter` name, without `properties.`."""
        names = [*self.query, *_named(self.filter)]
        return list(dict.fromkeys(name.removeprefix("properties.") for name in names))


def read_section(part: Part, folder: Path, findings: Findings) -> Section | None:
    """The section; None when it is no mapping. A relative path of a catalogue starts at `folder`."""
    findings = findings.about("stac")
    section = validated(Section, part, findings, context=folder)
    if section is None:
        return None
    section._line = part.line()
    if part.value.get("catalogue") is None:
        findings.add(section.line, "has no catalogue: give the address of a STAC API, or the path of a catalogue's file")
    if "@" in urlsplit(section.catalogue).netloc:
        findings.add(
            part.line("catalogue"), "catalogue has a name or a password in its address, which would be kept and shown: take them out"
        )
    if part.value.get("bbox") is not None and part.value.get("intersects") is not None:
        findings.add(part.line("intersects"), "bbox and intersects are both given: keep one of the two")
    if section.facets and part.value.get("projects") in (None, "item"):
        findings.add(part.line("facets"), f"facets {APART}: write projects: collection, or leave them out")
    for name in section.facets:
        if name in RECORD or not NAME.fullmatch(f"{{{name}}}"):
            findings.add(part.line("facets"), f"facets names {name[:60]!r}: write properties that {APART}")
    if section.projects == "collection" and part.value.get("code") and "id" in names_in(section.code):
        findings.add(part.line("code"), "code names {id}, which the items of a collection do not share: name properties or {collection}")
    return section


def names_in(template: str) -> list[str]:
    """The names in a template, each once."""
    return list(dict.fromkeys(NAME.findall(template)))


def filled(template: str, values: Mapping[str, str]) -> str:
    """The code: every name replaced, and all that a code may not hold made a `-`."""
    return UNSAFE.sub("-", NAME.sub(lambda found: values[found.group(1)], template))


def _named(expression: Any) -> list[str]:
    """The properties that a CQL2 expression names, at any depth."""
    if isinstance(expression, dict):
        own = [expression["property"]] if isinstance(expression.get("property"), str) else []
        return [*own, *(name for child in expression.values() for name in _named(child))]
    return [name for child in expression for name in _named(child)] if isinstance(expression, list) else []


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _roles(asset: dict[str, Any]) -> set[str]:
    roles = asset.get("roles")
    return {role for role in (roles if isinstance(roles, list) else [roles]) if isinstance(role, str)}


def _is_netcdf(asset: dict[str, Any]) -> bool:
    return str(asset.get("href", "")).partition("?")[0].endswith(SUFFIXES)
