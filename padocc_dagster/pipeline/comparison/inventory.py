"""Takes stock of a product's chunks, references or fragments, by its format, and proves what can be proved of them."""

from padocc_dagster.pipeline.comparison.case import Case
from padocc_dagster.pipeline.comparison.cfa import check_fragments
from padocc_dagster.pipeline.comparison.placement import STACKED
from padocc_dagster.pipeline.comparison.proof import prove
from padocc_dagster.pipeline.comparison.references import ABSENT, INLINE, STRAY, Table, tables_of_json, tables_of_parquet
from padocc_dagster.pipeline.comparison.store import check_chunks


def take_stock(case: Case) -> None:
    """Count chunks, check where they point, and note in the plans what is proved, and which files must be read for want of a proof."""
    {"CFA": check_fragments, "zarr": check_chunks}.get(case.cloud_format, _check_references)(case)
    for name, plan in case.plans.items():
        if plan.chunks_present is not None and plan.chunks_expected is not None and plan.chunks_present < plan.chunks_expected:
            missing = plan.chunks_expected - plan.chunks_present
            absent = f"{missing} of {plan.chunks_expected} chunks are not stored and read as the fill value"
            case.findings.inform(f"variable {name}: {absent}; the files have none there either, or were read")


def _check_references(case: Case) -> None:
    if case.references is not None:
        tables = tables_of_json(case.references, case.sources, case.findings)
    else:
        tables = tables_of_parquet(case.request.product.path, case.sources, case.findings)
    for name, plan in case.plans.items():
        if name not in tables:
            continue
        table = tables[name]
        plan.chunks_expected, plan.chunks_present = table.expected, table.present
        plan.rewritten = bool((table.file == INLINE).any())
        used = table.file[table.file >= 0]
        plan.owner = int(used.flat[0]) if used.size and not plan.reader.placed else 0
    prove(case, {name: table for name, table in tables.items() if name != STACKED})
    if not case.findings.count:
        _check_all_used(case, tables)


def _check_all_used(case: Case, tables: dict[str, Table]) -> None:
    """Every file that has values must be referenced, unless all that the product has of it is read."""
    import numpy as np

    joined = [plan for name, plan in case.plans.items() if name in tables and plan.reader.placed]
    used = set(np.unique(np.concatenate([table.file.ravel() for table in tables.values()])).tolist()) - {ABSENT, INLINE, STRAY}
    read = set.intersection(*(plan.forced for plan in joined)) if joined else {0}
    for number in sorted(set(range(len(case.sources))) - used - read):
        if not case.placement.is_empty(number):
            case.findings.problem("source files", f"no reference of the product points into {case.sources[number]}")
