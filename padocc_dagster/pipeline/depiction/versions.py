"""What changed from one version of a product to the next: structure, attributes, and which variables' values."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import differences
from padocc_dagster.pipeline.comparison.products import OpenProduct, ProductVariable, opened_product
from padocc_dagster.pipeline.comparison.reading import blocks
from padocc_dagster.pipeline.comparison.references import load_json
from padocc_dagster.pipeline.comparison.report import in_words
from padocc_dagster.pipeline.comparison.values import difference
from padocc_dagster.pipeline.depiction.request import CHANGES
from padocc_dagster.pipeline.depiction.revisions import Revision, current_revision, to_compare_with
from padocc_dagster.pipeline.depiction.structure import Row, cut, differing, of_product
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

SECONDS = 120.0
"""How long values are looked at."""
Ranges = dict[str, dict[str, Any]]


def changes(root: str, project: str, revision: str | None = None) -> dict[str, Any]:
    """What changed from that revision (or the newest before) to the present product, as rows; the first says which two they are.

    Variables whose references are the same are not read. Raises ValueError when there are no two versions.
    """
    workdir, key = Workdir(Path(root)), Project.parse(project)
    before, now = to_compare_with(workdir, key, revision), current_revision(workdir, key)
    assert now is not None  # `to_compare_with` has seen it
    rows: list[Row] = [("versions", project, f"{before}: {before.product.path}", f"{now}: {now.product.path}")]
    try:
        with opened_product(before.product) as one, opened_product(now.product) as other:
            found = differing(of_product(one), of_product(other))
            found += _values(before, now, one, other)
        rows += found or [("nothing", project, "", "the two hold the same")]
    except Exception as error:
        rows.append(("product", project, "", f"the two cannot be held against each other: {in_words(error)}"))
    return {"rows": [dict(zip(CHANGES, row, strict=True)) for row in cut(rows)]}


def _values(before: Revision, now: Revision, one: OpenProduct, other: OpenProduct) -> Iterator[Row]:
    references = [_references(each) for each in (before, now)]
    remote = any(each.name.startswith(("kr", "cr")) for each in (before, now))
    end = monotonic() + SECONDS
    for name in one.variables.keys() & other.variables.keys():
        pair = one.variables[name], other.variables[name]
        same = all(name in found for found in references) and references[0][name] == references[1][name]
        if pair[0].dimensions != pair[1].dimensions or (same and pair[0].shape == pair[1].shape):
            continue
        if remote:
            yield "values", name, "", "not compared: one of the two points to remote files"
        elif monotonic() > end:
            yield "values", name, "", f"not compared: {SECONDS:g} s were spent on the others"
        elif found := _difference(*pair, end):
            yield "values", name, "", found


def _difference(one: ProductVariable, other: ProductVariable, end: float) -> str:
    """How the values differ where both have any; empty when they do not."""
    shape = tuple(map(min, one.shape, other.shape))
    raw = not differences(one.encoding, other.encoding)
    size = max(1, getattr(one.read(tuple(slice(0, 0) for _ in shape)), "itemsize", 8)) if shape else 8
    for key in blocks(shape, size, 16 << 20):
        found = difference(one.read(key), other.read(key), one.encoding, other.encoding, raw, sides=("before", "now"))
        if found:
            start = [part.start for part in key]
            where = f" in the block from {start}" if any(start) else ""
            return found + where
        if monotonic() > end:
            return "alike as far as they were read; there was no time for the rest"
    return ""


def _references(revision: Revision) -> Ranges:
    """For a kerchunk JSON product, each variable's references, without their metadata; else none."""
    if revision.product.cloud_format != "kerchunk":
        return {}
    found: Ranges = {}
    for key, value in load_json(revision.product.path).items():
        name, _, chunk = key.rpartition("/")
        if chunk == ".zarray" or not chunk.startswith(".z"):
            found.setdefault(name, {})[chunk] = _local(value)
    return found


def _local(value: Any) -> Any:
    return [str(value[0]).removeprefix("file://"), *value[1:]] if isinstance(value, list) and value else value
