"""How the variables, dimensions, types and attributes of two sides differ, as rows. No values are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.comparison.attributes import NOISE
from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.products import OpenProduct
from padocc_dagster.pipeline.comparison.sources import Header, attributes_of

UNSHOWN = NOISE - {"units", "calendar"}
"""Attributes that every product has otherwise than its sources, or that the rows of the encoding show."""
ABSENT = "—"
MOST_ROWS = 200

Row = tuple[str, str, str, str]
"""Part (variable, dimension, type, attribute …), name, what one side has, what the other has."""


@dataclass(frozen=True)
class Side:
    """What one side says of itself."""

    sizes: Mapping[str, int]
    dimensions: Mapping[str, tuple[str, ...]]
    """Of each variable."""
    encodings: Mapping[str, Encoding]
    attributes: Mapping[str, Mapping[str, Any]]
    """Of each variable; under the empty name, the global ones."""


def of_product(product: OpenProduct) -> Side:
    variables = product.variables.items()
    return Side(
        product.sizes,
        {name: variable.dimensions for name, variable in variables},
        {name: variable.encoding for name, variable in variables},
        {"": product.attributes, **{name: variable.attributes for name, variable in variables}},
    )


def of_sources(path: str, header: Header, sizes: Mapping[str, int], dimensions: Mapping[str, tuple[str, ...]]) -> Side:
    """The first source file, with the sizes that all files have together, and each variable's dimensions as they must be joined."""
    attributes, own = attributes_of(path)
    return Side(
        {**dict(header.sizes), **sizes},
        dimensions,
        {variable.name: variable.encoding for variable in header.variables},
        {"": attributes, **own},
    )


def differing(one: Side, other: Side) -> list[Row]:
    """Every difference, variables first."""
    rows: list[Row] = []
    for name in dict.fromkeys([*one.dimensions, *other.dimensions]):
        before, now = one.dimensions.get(name), other.dimensions.get(name)
        if before != now:
            rows.append(("variable", name, _dimensions(before), _dimensions(now)))
    rows += [("dimension", *row) for row in _unequal(one.sizes, other.sizes, exact=True)]
    shared = [name for name in one.dimensions if name in other.dimensions]
    for name in shared:
        ours, theirs = one.encodings[name], other.encodings[name]
        rows += [("type", name, ours.dtype, theirs.dtype)] if ours.dtype != theirs.dtype else []
        if "str" in (ours.dtype, theirs.dtype):
            continue
        defaults = {ours.default_fill, theirs.default_fill}  # means missing on either side, declared or not
        fills = [[fill for fill in e.fills if fill not in defaults] for e in (ours, theirs)]
        packed = [(f"* {e.scale:g} + {e.offset:g}", str(own) if own else ABSENT) for e, own in zip((ours, theirs), fills, strict=True)]
        rows += [("packing", name, packed[0][0], packed[1][0])] if packed[0][0] != packed[1][0] else []
        rows += [("missing values", name, packed[0][1], packed[1][1])] if packed[0][1] != packed[1][1] else []
    for name in ["", *shared]:
        part = f"attribute of {name}" if name else "global attribute"
        rows += [(part, *row) for row in _unequal(one.attributes.get(name, {}), other.attributes.get(name, {}))]
    return rows


def cut(rows: list[Row]) -> list[Row]:
    """At most so many rows as a reader can take, and how many more there are."""
    return rows if len(rows) <= MOST_ROWS else [*rows[:MOST_ROWS], ("…", f"{len(rows) - MOST_ROWS} more", "", "")]


def _unequal(one: Mapping[str, Any], other: Mapping[str, Any], exact: bool = False) -> list[tuple[str, str, str]]:
    names = [name for name in dict.fromkeys([*one, *other]) if exact or name not in UNSHOWN]
    shown = [[_shown(side[name]) if name in side else ABSENT for name in names] for side in (one, other)]
    return [row for row in zip(names, *shown, strict=True) if row[1] != row[2]]


def _dimensions(found: tuple[str, ...] | None) -> str:
    return ABSENT if found is None else f"({', '.join(found)})"


def _shown(value: Any) -> str:
    """A value as both sides write it: JSON knows neither arrays nor the width of a number."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    plain = plain[0] if isinstance(plain, list) and len(plain) == 1 else plain
    text = f"{plain:g}" if isinstance(plain, float) else str(plain)
    return text if len(text) <= 200 else text[:197] + "..."
