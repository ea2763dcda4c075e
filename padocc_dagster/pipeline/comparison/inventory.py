"""Takes stock of a product's chunks, references or fragments, by its format, and proves what can be proved of them."""

from dataclasses import dataclass, field
from typing import Any

from padocc_dagster.pipeline.comparison import cfa, references, store
from padocc_dagster.pipeline.comparison.chunks import Census
from padocc_dagster.pipeline.comparison.placement import STACKED, Placement
from padocc_dagster.pipeline.comparison.plans import Plan
from padocc_dagster.pipeline.comparison.products import OpenProduct
from padocc_dagster.pipeline.comparison.proof import prove
from padocc_dagster.pipeline.comparison.references import ABSENT, INLINE, STRAY
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import Header


@dataclass(frozen=True)
class Held:
    """What a product holds instead of values, read before the product is opened."""

    references: dict[str, Any] | None = None
    """Of a kerchunk JSON file."""
    fragments: dict[str, cfa.Fragments] = field(default_factory=dict)
    """Of a CFA aggregation."""


def take_stock(
    request: Request,
    held: Held,
    product: OpenProduct,
    headers: list[Header],
    placement: Placement,
    plans: dict[str, Plan],
    findings: Findings,
) -> None:
    """Count chunks, check where they point, and note in the plans what is proved, and which files must be read for want of a proof."""
    if request.product.cloud_format == "CFA":
        _fragments(request, held.fragments, placement, plans, findings)
    elif request.product.cloud_format == "zarr":
        _zarr(request, product, placement, plans, findings)
    else:
        _kerchunk(request, held.references, headers, placement, plans, findings)
    for name, plan in plans.items():
        if plan.chunks_present is not None and plan.chunks_expected is not None and plan.chunks_present < plan.chunks_expected:
            missing = plan.chunks_expected - plan.chunks_present
            absent = f"{missing} of {plan.chunks_expected} chunks are not stored and read as the fill value"
            findings.inform(f"variable {name}: {absent}; the files have none there either, or were read")


def _zarr(request: Request, product: OpenProduct, placement: Placement, plans: dict[str, Plan], findings: Findings) -> None:
    for name, array in store.arrays_of_store(request.product.path, findings).items():
        if name not in plans:
            continue
        chunks, shards = store.chunk_shape(array)
        census = Census(tuple(array.shape), chunks, placement.axis(product.variables[name]), placement, all_files=shards)
        store.count_chunks(request.product.path, name, array, census, findings)
        plans[name].chunks_expected, plans[name].chunks_present = census.expected, census.present
        plans[name].forced |= census.forced(len(request.sources))


def _kerchunk(
    request: Request,
    refs: dict[str, Any] | None,
    headers: list[Header],
    placement: Placement,
    plans: dict[str, Plan],
    findings: Findings,
) -> None:
    if refs is not None:
        tables = references.tables_of_json(refs, request.sources, findings)
    else:
        tables = references.tables_of_parquet(request.product.path, request.sources, findings)
    for name, plan in plans.items():
        if name not in tables:
            continue
        table = tables[name]
        plan.chunks_expected, plan.chunks_present = table.expected, table.present
        plan.rewritten = bool((table.file == INLINE).any())
        used = table.file[table.file >= 0]
        plan.owner = int(used.flat[0]) if used.size and not plan.reader.placed else 0
    prove(headers, request.sources, {name: table for name, table in tables.items() if name != STACKED}, plans, placement, findings)
    if not findings.count:
        _check_all_used(request, tables, placement, plans, findings)


def _check_all_used(
    request: Request, tables: dict[str, references.Table], placement: Placement, plans: dict[str, Plan], findings: Findings
) -> None:
    """Every file that has values must be referenced, unless all that the product has of it is read."""
    import numpy as np

    joined = {name: tables[name] for name, plan in plans.items() if name in tables and plan.reader.placed}
    used = set(np.unique(np.concatenate([table.file.ravel() for table in tables.values()])).tolist()) - {ABSENT, INLINE, STRAY}
    read = set.intersection(*(plans[name].forced for name in joined)) if joined else {0}
    for number in sorted(set(range(len(request.sources))) - used - read):
        if placement.dimension is None or placement.offsets[number] < placement.offsets[number + 1]:
            findings.problem("source files", f"no reference of the product points into {request.sources[number]}")


def _fragments(request: Request, held: dict[str, cfa.Fragments], placement: Placement, plans: dict[str, Plan], findings: Findings) -> None:
    fragments, used = cfa.check_fragments(held, placement, request.sources, findings)
    for name, number in fragments.items():
        if name in plans:
            plans[name].chunks_expected = plans[name].chunks_present = number
    if fragments:
        for number in sorted(set(range(len(request.sources))) - used):
            findings.problem("source files", f"no fragment of the product lies in {request.sources[number]}")
    for name, plan in plans.items():
        if name not in fragments:
            plan.forced |= set(range(len(request.sources))) if plan.reader.placed else {0}
