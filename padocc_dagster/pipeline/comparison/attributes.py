"""Which attributes mean what: the one table of them, for the gate and for display. And when two attributes say the same."""

from collections.abc import Mapping, Set
from typing import Any

ENCODING = frozenset({"units", "calendar", "scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned", "dtype"})
"""Those that say how raw values become numbers and times. `encoding.py` compares them, by what they mean."""

MEANING = frozenset(
    {
        *("standard_name", "positive", "axis", "cf_role", "cell_methods", "cell_measures", "formula_terms", "computed_standard_name"),
        *("flag_values", "flag_masks", "flag_meanings", "valid_min", "valid_max", "valid_range"),
        *("bounds", "climatology", "grid_mapping", "ancillary_variables", "compress", "featureType"),
        *("leap_month", "leap_year", "month_lengths", "sample_dimension", "instance_dimension"),
        *("crs_wkt", "spatial_ref", "GeoTransform", "proj4", "proj4_params", "epsg_code"),
        *("geometry", "geometry_type", "node_coordinates", "node_count", "part_node_count", "interior_ring", "mesh", "location"),
    }
)
"""Those that give values their meaning (CF 1.12, appendix A; and by which GDAL and others say a grid mapping without `grid_mapping_name`).

A product must have them as every source file has them.
"""

REFERRING = ("coordinates", "bounds", "climatology", "grid_mapping", "ancillary_variables", "cell_measures", "formula_terms")
"""Those whose words are names of variables."""

FORMAT = frozenset(
    {
        *("_ARRAY_DIMENSIONS", "_Encoding", "_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict"),
        *("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "DIMENSION_LABELS", "_Storage", "_ChunkSizes"),
    }
)
"""Those that belong to a file format and say nothing of the data."""

MADE = frozenset({"aggregation_date"})
"""Those that PADOCC adds to every product (`padocc/phases/compute.py:1391`)."""

ELSEWHERE = frozenset({"coordinates"})
"""Those that writers move between variables and the data set: the set of coordinates is compared instead (`seen.py`)."""

NOISE = FORMAT | MADE | ELSEWHERE | ENCODING
"""Those of which a difference is no news, or is reported otherwise."""

GRID_MAPPING = "grid_mapping_name"
DESCRIPTIONS = frozenset({"long_name", "comment", "description", "history", "source", "references"})

Value = str | tuple[Any, ...]
"""An attribute in normal form: a text, or a tuple of texts and numbers."""


def with_meaning(attributes: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
    """The attributes of one variable that give its values their meaning, in normal form, by name.

    Every attribute of a grid mapping variable is a parameter of the mapping, but for descriptions (CF 5.6).
    """
    names: Set[str] = MEANING & attributes.keys()
    if GRID_MAPPING in attributes:
        names = attributes.keys() - NOISE - DESCRIPTIONS
    return tuple((name, normal(attributes[name])) for name in sorted(names))


def normal(value: Any) -> Value:
    """A value in which JSON, NetCDF and NumPy agree: white space in texts is one space, single values are no lists, NaN is a text."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return " ".join(value.split())
    plain = value.tolist() if hasattr(value, "tolist") else value
    items = plain if isinstance(plain, (list, tuple)) else [plain]
    found = tuple(_item(item) for item in items)
    return found[0] if len(found) == 1 and isinstance(found[0], str) else found


def same(one: Any, other: Any) -> bool:
    """Whether two attributes say the same: equal as values, as numbers of any width, or written alike."""
    a, b = normal(one), normal(other)
    if a == b:
        return True
    # A text in one and numbers in the other: kerchunk writes the numeric attributes of NetCDF3 files as texts.
    texts = [" ".join(map(str, value)) if isinstance(value, tuple) else value for value in (a, b)]
    return isinstance(a, str) != isinstance(b, str) and texts[0] == texts[1]


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value.tolist() if hasattr(value, "tolist") else value)
    return text if len(text) <= 80 else text[:77] + "..."


def _item(item: Any) -> Any:
    if isinstance(item, bytes):
        item = item.decode("utf-8", "replace")
    if isinstance(item, str):
        return " ".join(item.split())
    if isinstance(item, float) and item != item:
        return "NaN"
    return item
