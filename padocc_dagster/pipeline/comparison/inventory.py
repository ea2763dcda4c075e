"""Takes stock of a product's chunks, references or fragments, by its format."""

from typing import Any

from padocc_dagster.pipeline.comparison import cfa, references, store
from padocc_dagster.pipeline.comparison.chunks import Census
from padocc_dagster.pipeline.comparison.placement import STACKED, Placement
from padocc_dagster.pipeline.comparison.plans import Plan
from padocc_dagster.pipeline.comparison.products import OpenProduct
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.request import Request


def take_stock(
    request: Request,
    refs: dict[str, Any] | None,
    product: OpenProduct,
    placement: Placement,
    plans: dict[str, Plan],
    findings: Findings,
) -> None:
    """Count chunks, check where they point, and note in the plans which files must be compared for want of a reference."""
    if request.product.cloud_format == "CFA":
        _fragments(request, placement, plans, findings)
        return
    if request.product.cloud_format == "zarr":
        censuses = _zarr(request, product, placement, findings)
    else:
        censuses = _kerchunk(request, refs, product, placement, findings)
    for name, census in censuses.items():
        if name not in plans:
            continue
        plans[name].chunks_expected, plans[name].chunks_present = census.expected, census.present
        plans[name].forced |= census.forced(len(request.sources))
        if census.present < census.expected:
            absent = f"{census.expected - census.present} of {census.expected} chunks are not stored and read as the fill value"
            findings.inform(f"variable {name}: {absent}; every file that owns one was compared")


def _zarr(request: Request, product: OpenProduct, placement: Placement, findings: Findings) -> dict[str, Census]:
    censuses = {}
    for name, array in store.arrays_of_store(request.product.path, findings).items():
        if name in product.variables:
            chunks, shards = store.chunk_shape(array)
            axis = placement.axis(product.variables[name])
            censuses[name] = Census(tuple(array.shape), chunks, axis, placement, all_files=shards)
            store.count_chunks(request.product.path, name, array, censuses[name], findings)
    return censuses


def _kerchunk(
    request: Request, refs: dict[str, Any] | None, product: OpenProduct, placement: Placement, findings: Findings
) -> dict[str, Census]:
    path = request.product.path
    arrays = references.arrays_of_json(refs) if refs is not None else references.arrays_of_parquet(path)
    entries = references.entries_of_json(refs) if refs is not None else references.entries_of_parquet(path)
    censuses = {
        name: Census(tuple(a["shape"]), tuple(a["chunks"]), placement.axis(product.variables[name]), placement)
        for name, a in arrays.items()
        if name in product.variables
    }
    used = references.check_references(entries, censuses, request.sources, findings)
    files = len(request.sources)
    joined = {name: census for name, census in censuses.items() if census.axis is not None and name != STACKED}
    # A file whose every chunk is inline, or was never written, is compared in full all the same.
    held = set.intersection(*(c.forced(files) for c in joined.values())) if joined else {0}
    for number in sorted(set(range(files)) - used - held):
        if placement.dimension is None or placement.offsets[number] < placement.offsets[number + 1]:
            findings.problem("source files", f"no reference of the product points into {request.sources[number]}")
    return censuses


def _fragments(request: Request, placement: Placement, plans: dict[str, Plan], findings: Findings) -> None:
    fragments, used = cfa.check_fragments(str(request.product.path), placement, request.sources, findings)
    for name, number in fragments.items():
        if name in plans:
            plans[name].chunks_expected = plans[name].chunks_present = number
    if fragments:
        for number in sorted(set(range(len(request.sources))) - used):
            findings.problem("source files", f"no fragment of the product lies in {request.sources[number]}")
    for name, plan in plans.items():
        if name not in fragments:
            plan.forced |= set(range(len(request.sources))) if placement.axis(plan.product) is not None else {0}
