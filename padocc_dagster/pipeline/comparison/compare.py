"""The comparison of a product with its source files, from the first header to the report."""

import os
from contextlib import ExitStack
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.comparison.case import Case, Plan
from padocc_dagster.pipeline.comparison.cfa import read_fragments
from padocc_dagster.pipeline.comparison.children import Children
from padocc_dagster.pipeline.comparison.files import compare_files
from padocc_dagster.pipeline.comparison.inventory import take_stock
from padocc_dagster.pipeline.comparison.metadata import compare_attributes
from padocc_dagster.pipeline.comparison.parallel import READ_TOGETHER, headers_of, read_in_parallel, readers
from padocc_dagster.pipeline.comparison.placement import STACKED, out_of_order, place
from padocc_dagster.pipeline.comparison.plans import plan, reading_list
from padocc_dagster.pipeline.comparison.reading import SMALL, ProductReader
from padocc_dagster.pipeline.comparison.references import parse
from padocc_dagster.pipeline.comparison.report import Comparison, in_words
from padocc_dagster.pipeline.comparison.request import Request, choose
from padocc_dagster.pipeline.comparison.seen import compare_seen
from padocc_dagster.pipeline.comparison.sources import source_fingerprint
from padocc_dagster.pipeline.comparison.statement import statement
from padocc_dagster.pipeline.workdir.product import fingerprint, fingerprint_of_bytes


def compare(request: Request) -> Comparison:
    """Decide whether the product equals its source files. Never raises for what a product or a file holds: that is a problem.

    References are proved (`proof.py`) and what cannot be proved is read: see `plans.reading_list` and `request.choose`.
    """
    begun, case, fingerprints = monotonic(), Case(request), ("", "")
    try:
        if _can_begin(case):
            fingerprints = _fingerprints(case)
            _examine(case)
            _check_unchanged(case, fingerprints)
    except Exception as error:
        case.findings.problem("comparison", f"{request.product.path} cannot be compared: {in_words(error)}")
    return Comparison(
        product_path=str(request.product.path),
        cloud_format=case.cloud_format,
        problems=case.findings.problems(),
        information=tuple(case.findings.information),
        files_total=len(request.sources),
        files_proved=max((item.proved for item in case.plans.values()), default=0),
        files_compared=case.files_compared,
        sampling=case.sampling,
        variables_at_fault=case.findings.variables(),
        reasons=case.findings.reasons(),
        variables=tuple(_row(name, item) for name, item in case.plans.items()),
        product_fingerprint=fingerprints[0],
        source_fingerprint=fingerprints[1],
        seconds=round(monotonic() - begun, 3),
    )


def _examine(case: Case) -> None:
    request, findings = case.request, case.findings
    if case.cloud_format == "CFA":
        case.fragments = read_fragments(str(request.product.path))
    with ExitStack() as stack:
        pool = stack.enter_context(readers(request, sum(map(os.path.getsize, request.sources))))
        case.headers = headers_of(case, pool)
        opened = stack.enter_context(ExitStack())
        if not case.headers or not _open(case, opened):
            return
        placement, problems = place(case.headers, case.product.sizes)
        for problem in problems:
            findings.problem("dimensions", problem)
        if placement is None:
            return
        case.placement = placement
        if request.along and len(case.headers) > 1 and placement.dimension not in request.along:
            findings.problem("dimensions", f"the files are joined along {placement.dimension}, not along {', '.join(request.along)}")
        case.plans = plan(case)
        compare_attributes(case)
        take_stock(case)
        _check_order(case)
        if case.cloud_format == "CFA":
            opened.close()  # HDF5 2.0 crashes where a file with texts of variable length is open twice (`H5T__vlen_disk_isnull`)
        compare_seen(case)
        if case.cloud_format == "CFA" and _open(case, opened):
            for name, item in case.plans.items():
                item.reader = ProductReader(case.product.variables[name], placement)
        _read_values(case, pool)


def _open(case: Case, stack: ExitStack) -> bool:
    """Open the product until the stack is closed; False, with the reason noted, when that fails."""
    try:
        case.product = stack.enter_context(case.opened())
    except Exception as error:
        case.findings.problem("product", f"{case.request.product.path} cannot be opened: {in_words(error)}")
        return False
    return True


def _read_values(case: Case, pool: Children | None) -> None:
    """Read and compare the values that nothing proves, and say what was done."""
    request, by_reference = case.request, case.cloud_format in ("kerchunk", "parquet")
    chosen, drawn = choose(len(case.headers), request.compare, request.seed, proved=by_reference)
    reading = reading_list(case, chosen, 0 if by_reference else SMALL)
    is_shared = pool and case.cloud_format in READ_TOGETHER
    case.files_compared = read_in_parallel(pool, case, reading) if pool and is_shared else compare_files(case, reading)
    if not any(item.compared for item in case.plans.values()):
        case.findings.problem("comparison", f"no variable of {request.product.path} could be compared with any file")
    case.sampling = statement(case, drawn)


def _can_begin(case: Case) -> bool:
    """Check that there is something to compare."""
    request, findings = case.request, case.findings
    if not request.sources:
        findings.problem("source files", "no source files were given: nothing to compare with")
    if len(set(request.sources)) != len(request.sources):
        findings.problem("source files", "a source file is listed more than once: list each once, in order of concatenation")
    if not request.product.exists():
        findings.problem("product", f"there is no product at {request.product.path}: run compute first")
    for path in request.sources:
        if not os.path.isfile(path):
            findings.problem("source files", f"source file {path} does not exist")
    return not findings.count


def _fingerprints(case: Case) -> tuple[str, str]:
    """The fingerprints of product and sources, before anything else is read; references are those of the fingerprint's bytes."""
    path = case.request.product.path
    if case.cloud_format == "kerchunk":
        content = path.read_bytes()
        case.references = parse(content, path)
        return fingerprint_of_bytes(content), source_fingerprint(case.sources)
    return fingerprint(path), source_fingerprint(case.sources)


def _check_unchanged(case: Case, before: tuple[str, str]) -> None:
    """Take the fingerprints again: what was read after a change is not what the report would be bound to."""
    path, again = case.request.product.path, "compare again when nobody writes there"
    if fingerprint(path) != before[0]:
        case.findings.problem("product", f"the product {path} changed while it was compared: {again}")
    gone = [source for source in case.sources if not os.path.isfile(source)]
    if gone or source_fingerprint(case.sources) != before[1]:
        which = f" ({gone[0]} is gone)" if gone else ""
        case.findings.problem("source files", f"source files of {path} changed while they were compared{which}: {again}")


def _check_order(case: Case) -> None:
    """The dimension made up for the files must count them. A coordinate that does not rise or fall steadily is worth knowing, and a
    problem where it shows that files are out of order along the dimension that the config names."""
    import numpy as np

    placement, findings = case.placement, case.findings
    coordinate = case.product.variables.get(placement.dimension or "")
    if coordinate is None or len(coordinate.shape) != 1:
        return
    values = coordinate.read((slice(0, coordinate.shape[0]),))
    if placement.dimension == STACKED:
        if values.tolist() != list(range(len(values))):
            findings.problem("values", f"variable {STACKED} does not count the files from 0 to {len(values) - 1}", STACKED)
    elif values.dtype.kind in "iuf" and not (np.all(values[1:] > values[:-1]) or np.all(values[1:] < values[:-1])):
        unsteady = f"the values of {placement.dimension} neither rise nor fall steadily: check the order of the source files"
        astray = out_of_order(values, placement) if case.request.along else None
        if astray is None:
            findings.inform(unsteady)
        else:
            remedy = f"scan again, or leave {placement.dimension} out if it says nothing"
            findings.problem("order", f"{unsteady}, {case.sources[astray]} begins out of turn; {remedy}")


def _row(name: str, item: Plan) -> dict[str, Any]:
    return {
        "name": name,
        "dimensions": list(item.product.dimensions),
        "shape": list(item.product.shape),
        "chunks_expected": item.chunks_expected,
        "chunks_present": item.chunks_present,
        "compared": item.how,
        "files_proved": item.proved,
        "files_compared": item.compared,
    }
