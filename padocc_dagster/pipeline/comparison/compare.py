"""The comparison of a product with its source files, from the first header to the report."""

import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.comparison import sample
from padocc_dagster.pipeline.comparison.cfa import read_fragments
from padocc_dagster.pipeline.comparison.files import compare_files
from padocc_dagster.pipeline.comparison.inventory import Held, take_stock
from padocc_dagster.pipeline.comparison.metadata import compare_attributes
from padocc_dagster.pipeline.comparison.parallel import Share, read_in_parallel, readers
from padocc_dagster.pipeline.comparison.placement import STACKED, Placement, out_of_order, place
from padocc_dagster.pipeline.comparison.plans import Plan, plan, reading_list
from padocc_dagster.pipeline.comparison.products import OpenProduct, opened_product
from padocc_dagster.pipeline.comparison.reading import SMALL, ProductReader
from padocc_dagster.pipeline.comparison.references import parse
from padocc_dagster.pipeline.comparison.report import Comparison, Findings, in_words
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.seen import compare_seen
from padocc_dagster.pipeline.comparison.sources import Common, Header, SourceError, read_header, source_fingerprint
from padocc_dagster.pipeline.comparison.statement import statement
from padocc_dagster.pipeline.workdir.product import fingerprint, fingerprint_of_bytes


@dataclass
class _Work:
    """What is known while a comparison runs."""

    request: Request
    findings: Findings = field(default_factory=Findings)
    plans: dict[str, Plan] = field(default_factory=dict)
    common: Common = field(default_factory=Common)
    held: Held = Held()
    """What the product holds instead of values; references are from the bytes of the fingerprint."""
    files_proved: int = 0
    files_compared: int = 0
    statement: str = "nothing was compared"
    fingerprints: tuple[str, str] = ("", "")


def compare(request: Request) -> Comparison:
    """Decide whether the product equals its source files. Never raises for what a product or a file holds: that is a problem.

    References are proved (`proof.py`) and what cannot be proved is read: see `plans.reading_list` and `sample.choose`.
    """
    begun = monotonic()
    work = _Work(request)
    try:
        if _begin(work):
            _examine(work)
            _check_unchanged(work)
    except Exception as error:
        work.findings.problem("comparison", f"{request.product.path} cannot be compared: {in_words(error)}")
    return Comparison(
        product_path=str(request.product.path),
        cloud_format=request.product.cloud_format,
        problems=work.findings.problems(),
        information=tuple(work.findings.information),
        files_total=len(request.sources),
        files_proved=work.files_proved,
        files_compared=work.files_compared,
        sampling=work.statement,
        variables_at_fault=work.findings.variables(),
        reasons=work.findings.reasons(),
        variables=tuple(_row(name, item) for name, item in work.plans.items()),
        product_fingerprint=work.fingerprints[0],
        source_fingerprint=work.fingerprints[1],
        seconds=round(monotonic() - begun, 3),
    )


def _examine(work: _Work) -> None:
    request, findings = work.request, work.findings
    size = sum(os.path.getsize(path) for path in request.sources)
    with ExitStack() as stack:
        pool = stack.enter_context(readers(request, size))
        headers = _headers(request.sources, work.common, findings)
        opened = stack.enter_context(ExitStack())
        product = _opened(work, opened) if headers else None
        if product is None:
            return
        placement, problems = place(headers, product.sizes)
        for problem in problems:
            findings.problem("dimensions", problem)
        if placement is None:
            return
        if request.along and len(headers) > 1 and placement.dimension not in request.along:
            findings.problem("dimensions", f"the files are joined along {placement.dimension}, not along {', '.join(request.along)}")
        work.plans = plan(headers, product, placement, request, findings)
        compare_attributes(request, headers, work.common, product, work.plans, findings)
        take_stock(request, work.held, product, headers, placement, work.plans, findings)
        _check_order(product, placement, request, findings)
        if request.product.cloud_format == "CFA":
            opened.close()  # HDF5 2.0 crashes where a file with texts of variable length is open twice (`H5T__vlen_disk_isnull`)
        compare_seen(request, work.held.references, headers, placement, work.plans, findings)
        if request.product.cloud_format == "CFA":
            product = _opened(work, opened)
            for name, item in work.plans.items() if product else ():
                assert product  # as the line above says
                item.reader = ProductReader(product.variables[name], placement)
        _read_values(work, headers, placement, pool)


def _opened(work: _Work, stack: ExitStack) -> OpenProduct | None:
    """Open the product until the stack is closed; None, with the reason noted, when that fails."""
    try:
        return stack.enter_context(opened_product(work.request.product, work.held.references))
    except Exception as error:
        work.findings.problem("product", f"{work.request.product.path} cannot be opened: {in_words(error)}")
        return None


def _read_values(work: _Work, headers: list[Header], placement: Placement, pool: ProcessPoolExecutor | None) -> None:
    """Read and compare the values that nothing proves, and say what was done."""
    request, findings = work.request, work.findings
    by_reference = request.product.cloud_format in ("kerchunk", "parquet")
    chosen, drawn = sample.choose(len(headers), request.compare, request.seed, proved=by_reference)
    reading = reading_list(headers, work.plans, chosen, 0 if by_reference else SMALL)
    if pool is None:
        work.files_compared = compare_files(request, headers, work.plans, reading, findings)
    else:
        limits = {name: item.exact_up_to for name, item in work.plans.items() if item.exact_up_to is not None}
        share = Share(request, headers, placement, {}, limits)
        work.files_compared, compared = read_in_parallel(pool, request.cpus, share, reading, findings)
        for name, number in compared.items():
            work.plans[name].compared = number
    if not any(item.compared for item in work.plans.values()):
        findings.problem("comparison", f"no variable of {request.product.path} could be compared with any file")
    work.files_proved = max((item.proved for item in work.plans.values()), default=0)
    work.statement = statement(request, work.plans, len(headers), work.files_compared, drawn)


def _begin(work: _Work) -> bool:
    """Check that there is something to compare, and take the fingerprints before anything is read."""
    request = work.request
    if not request.sources:
        work.findings.problem("source files", "no source files were given: nothing to compare with")
    if len(set(request.sources)) != len(request.sources):
        work.findings.problem("source files", "a source file is listed more than once: list each once, in order of concatenation")
    if not request.product.exists():
        work.findings.problem("product", f"there is no product at {request.product.path}: run compute first")
    for path in request.sources:
        if not os.path.isfile(path):
            work.findings.problem("source files", f"source file {path} does not exist")
    if work.findings.count:
        return False
    if request.product.cloud_format == "kerchunk":
        content = request.product.path.read_bytes()
        work.held = Held(references=parse(content, request.product.path))
        work.fingerprints = (fingerprint_of_bytes(content), source_fingerprint(request.sources))
    else:
        work.fingerprints = (fingerprint(request.product.path), source_fingerprint(request.sources))
    if request.product.cloud_format == "CFA":
        work.held = Held(fragments=read_fragments(str(request.product.path)))
    return True


def _check_unchanged(work: _Work) -> None:
    """Take the fingerprints again: what was read after a change is not what the report would be bound to."""
    request, again = work.request, "compare again when nobody writes there"
    if fingerprint(request.product.path) != work.fingerprints[0]:
        work.findings.problem("product", f"the product {request.product.path} changed while it was compared: {again}")
    gone = [path for path in request.sources if not os.path.isfile(path)]
    if gone or source_fingerprint(request.sources) != work.fingerprints[1]:
        which = f" ({gone[0]} is gone)" if gone else ""
        sentence = f"source files of {request.product.path} changed while they were compared{which}: {again}"
        work.findings.problem("source files", sentence)


def _headers(sources: tuple[str, ...], common: Common, findings: Findings) -> list[Header]:
    """Every file's header; empty, with the reasons noted, when one cannot be read."""
    headers = []
    for path in sources:
        try:
            headers.append(read_header(path, common))
        except SourceError as error:
            findings.problem("source files", str(error))
        except Exception as error:
            findings.problem("source files", f"the header of {path} cannot be read: {in_words(error)}")
    return headers if not findings.count else []


def _check_order(product: OpenProduct, placement: Placement, request: Request, findings: Findings) -> None:
    """The dimension made up for the files must count them. A coordinate that does not rise or fall steadily is worth knowing, and a
    problem where it tells that files are out of order along the dimension asked for."""
    import numpy as np

    coordinate = product.variables.get(placement.dimension or "")
    if coordinate is None or len(coordinate.shape) != 1:
        return
    values = coordinate.read((slice(0, coordinate.shape[0]),))
    if placement.dimension == STACKED:
        if values.tolist() != list(range(len(values))):
            findings.problem("values", f"variable {STACKED} does not count the files from 0 to {len(values) - 1}", STACKED)
    elif values.dtype.kind in "iuf" and not (np.all(values[1:] > values[:-1]) or np.all(values[1:] < values[:-1])):
        unsteady = f"the values of {placement.dimension} neither rise nor fall steadily: check the order of the source files"
        astray = out_of_order(values, placement) if request.along else None
        if astray is None:
            findings.inform(unsteady)
        else:
            remedy = f"scan again, or leave {placement.dimension} out if it says nothing"
            findings.problem("order", f"{unsteady}, {request.sources[astray]} begins out of turn; {remedy}")


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
