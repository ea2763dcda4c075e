"""Attributes: what was asked to change must have changed; other differences are worth knowing, and no reason to refuse."""

from typing import Any

from padocc_dagster.pipeline.comparison.products import OpenProduct
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import ENCODING_ATTRIBUTES, attributes_of

NOISE = {"aggregation_date", "coordinates", "_ARRAY_DIMENSIONS", "_Encoding"} | set(ENCODING_ATTRIBUTES)
NOISE |= {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "DIMENSION_LABELS"}
NOISE |= {"_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict"}
"""Attributes that belong to a format, or that are compared as encoding."""
MOST_LINES = 60


def compare_attributes(request: Request, product: OpenProduct, findings: Findings) -> None:
    """Check the attributes that were to be changed, and list the others that differ from the first source file's."""
    for name, value in request.updates.items():
        wanted = f"global attribute {name} was to be set to {value!r}"
        if name not in product.attributes:
            findings.problem("attributes", f"{wanted}, and the product has no such attribute")
        elif not _same(product.attributes[name], value):
            findings.problem("attributes", f"{wanted}, and is {product.attributes[name]!r} in the product")
    for name in request.removals:
        if name in product.attributes and name not in request.updates:
            findings.problem("attributes", f"global attribute {name} was to be removed, and is still in the product")
    attributes, of_variables = attributes_of(request.sources[0])
    asked = set(request.updates) | set(request.removals)
    lines = _lines("global attribute", attributes, product.attributes, asked)
    for name, variable in product.variables.items():
        if name in of_variables:
            lines += _lines(f"attribute {name}:", of_variables[name], variable.attributes, set())
    for line in lines[:MOST_LINES]:
        findings.inform(line)
    if len(lines) > MOST_LINES:
        findings.inform(f"{len(lines) - MOST_LINES} more attributes differ")


def _lines(what: str, source: dict[str, Any], product: dict[str, Any], asked: set[str]) -> list[str]:
    lines = []
    for name in sorted((source.keys() | product.keys()) - NOISE - asked):
        if name not in product:
            lines.append(f"{what} {name} is not in the product ({_shown(source[name])} in the first file)")
        elif name not in source:
            lines.append(f"{what} {name} is new in the product: {_shown(product[name])}")
        elif not _same(source[name], product[name]):
            lines.append(f"{what} {name} is {_shown(product[name])} in the product, {_shown(source[name])} in the first file")
    return lines


def _same(a: Any, b: Any) -> bool:
    """Equal as values, or written alike: JSON knows neither arrays nor the width of a number."""
    import numpy as np

    a, b = np.atleast_1d(np.asarray(a)), np.atleast_1d(np.asarray(b))
    if a.shape == b.shape and a.dtype.kind in "iufb" and b.dtype.kind in "iufb":
        return bool(np.all((a == b) | ((a != a) & (b != b))))
    return a.shape == b.shape and [str(v) for v in a.ravel().tolist()] == [str(v) for v in b.ravel().tolist()]


def _shown(value: Any) -> str:
    text = repr(value.tolist() if hasattr(value, "tolist") else value)
    return text if len(text) <= 80 else text[:77] + "..."
