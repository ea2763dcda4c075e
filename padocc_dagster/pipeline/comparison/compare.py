"""The comparison of a product with its source files, from the first header to the report."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import prod
from time import monotonic
from typing import Any

from padocc_dagster.pipeline.comparison import sample, values
from padocc_dagster.pipeline.comparison.inventory import take_stock
from padocc_dagster.pipeline.comparison.metadata import compare_attributes
from padocc_dagster.pipeline.comparison.placement import STACKED, place
from padocc_dagster.pipeline.comparison.plans import Plan, plan
from padocc_dagster.pipeline.comparison.products import OpenProduct, opened_product
from padocc_dagster.pipeline.comparison.reading import SMALL, blocks
from padocc_dagster.pipeline.comparison.references import load_json
from padocc_dagster.pipeline.comparison.report import Comparison, Findings
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import (
    Header,
    SourceError,
    SourceVariable,
    opened,
    read_block,
    read_header,
    source_fingerprint,
)
from padocc_dagster.pipeline.product import fingerprint


@dataclass
class _Work:
    """What is known while a comparison runs."""

    request: Request
    findings: Findings = field(default_factory=Findings)
    plans: dict[str, Plan] = field(default_factory=dict)
    files_compared: int = 0
    sampling: str = "no values were compared"
    fingerprints: tuple[str, str] = ("", "")


def compare(request: Request) -> Comparison:
    """Decide whether the product equals its source files. Never raises for what a product or a file holds: that is a problem.

    Files are compared as `sample.choose` says; variables of at most 64 KiB a file in every file, and so are those whose
    encoding changed or whose chunks are not references into the file.
    """
    begun = monotonic()
    work = _Work(request)
    try:
        _examine(work)
    except Exception as error:
        work.findings.problem("comparison", f"{request.product.path} cannot be compared: {_words(error)}")
    return Comparison(
        product_path=str(request.product.path),
        cloud_format=request.product.cloud_format,
        problems=work.findings.problems(),
        information=tuple(work.findings.information),
        files_total=len(request.sources),
        files_compared=work.files_compared,
        sampling=work.sampling,
        variables=tuple(_row(name, item) for name, item in work.plans.items()),
        product_fingerprint=work.fingerprints[0],
        source_fingerprint=work.fingerprints[1],
        seconds=round(monotonic() - begun, 3),
    )


def _examine(work: _Work) -> None:
    request, findings = work.request, work.findings
    if not _begin(work):
        return
    headers = _headers(request.sources, findings)
    if not headers:
        return
    size = sum(os.path.getsize(path) for path in request.sources)
    chosen, sentence = sample.choose(len(request.sources), size, request.compare, request.seed)
    refs = load_json(request.product.path) if request.product.cloud_format == "kerchunk" else None
    with ExitStack() as stack:
        try:
            product = stack.enter_context(opened_product(request.product, refs))
        except Exception as error:
            findings.problem("product", f"{request.product.path} cannot be opened: {_words(error)}")
            return
        placement, problems = place(headers, product.sizes)
        for problem in problems:
            findings.problem("dimensions", problem)
        if placement is None:
            return
        work.plans = plan(headers, product, placement, request.variables, request.sources, findings)
        compare_attributes(request, product, findings)
        take_stock(request, refs, product, placement, work.plans, findings)
        _check_stack(product, len(headers), findings)
        _compare_values(work, headers, chosen)
    limit = f"variables of at most {SMALL >> 10} KiB a file, and whatever no reference vouches for, were compared in every file that has them"
    work.sampling = sentence + ("" if len(chosen) == len(headers) else f"; {limit}")


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
    work.fingerprints = (fingerprint(request.product.path), source_fingerprint(request.sources))
    return True


def _headers(sources: tuple[str, ...], findings: Findings) -> list[Header]:
    """Every file's header; empty, with the reasons noted, when one cannot be read."""
    common: dict[Any, Any] = {}
    headers = []
    for path in sources:
        try:
            headers.append(read_header(path, common))
        except SourceError as error:
            findings.problem("source files", str(error))
        except Exception as error:
            findings.problem("source files", f"the header of {path} cannot be read: {_words(error)}")
    return headers if not findings.count else []


def _check_stack(product: OpenProduct, files: int, findings: Findings) -> None:
    """The made-up dimension must count the files."""
    if STACKED in product.variables and STACKED in product.sizes:
        numbers = product.variables[STACKED].read((slice(0, files),)).tolist()
        if numbers != list(range(files)):
            findings.problem("values of file_number", f"variable {STACKED} is {str(numbers)[:80]}, expected 0 to {files - 1}")


def _compare_values(work: _Work, headers: list[Header], chosen: set[int]) -> None:
    for number, header in enumerate(headers):
        selected = [v for v in header.variables if v.name in work.plans and _is_compared(v, header, number, work.plans[v.name], chosen)]
        if not selected:
            continue
        path = work.request.sources[number]
        try:
            with opened(path) as dataset:
                for variable in selected:
                    _compare_variable(work, dataset, variable, header, number)
        except SourceError as error:
            work.findings.problem("source files", str(error))
        work.files_compared += number in chosen
        if work.findings.enough:
            work.findings.inform(f"the comparison stopped after file {number + 1} of {len(headers)}: too much differs")
            return


def _is_compared(variable: SourceVariable, header: Header, number: int, item: Plan, chosen: set[int]) -> bool:
    return number in chosen or number in item.forced or _bytes(variable, header) <= SMALL


def _compare_variable(work: _Work, dataset: Any, variable: SourceVariable, header: Header, number: int) -> None:
    """Compare one variable of one file with its place in the product; the first block that differs says enough."""
    item, path = work.plans[variable.name], work.request.sources[number]
    kind = f"values of {variable.name}"
    item.compared += 1
    try:
        for key in blocks(header.shape(variable), variable.itemsize):
            problem = _block_problem(item, dataset, variable, header, number, key)
            if problem and _holds_no_data(item):
                work.findings.inform(f"variable {variable.name} is a grid mapping, whose value means nothing (CF 5.6): {problem}")
            elif problem:
                where = "" if all(part.start == 0 for part in key) else f" in the block from {[part.start for part in key]}"
                note = "" if item.reader.placed else "; it differs between files or was changed, and the product keeps only one"
                work.findings.problem(kind, f"variable {variable.name} differs from {path}{where}: {problem}{note}")
                return
    except Exception as error:
        work.findings.problem(kind, f"variable {variable.name} cannot be compared with {path}: {_words(error)}")


def _block_problem(item: Plan, dataset: Any, variable: SourceVariable, header: Header, number: int, key: tuple[slice, ...]) -> str | None:
    source = read_block(dataset, variable.name, key)
    if item.joined:
        source, key = values.join_characters(source), key[:-1]
    small = _bytes(variable, header) <= SMALL
    product = item.reader.whole(number, variable.itemsize) if small else item.reader.block(number, key)
    return values.difference(source, product, variable.encoding, item.product.encoding, raw=not item.changed[variable])


def _holds_no_data(item: Plan) -> bool:
    return item.product.shape == () and "grid_mapping_name" in item.product.attributes


def _bytes(variable: SourceVariable, header: Header) -> int:
    return prod(header.shape(variable)) * variable.itemsize


def _row(name: str, item: Plan) -> dict[str, Any]:
    return {
        "name": name,
        "dimensions": list(item.product.dimensions),
        "shape": list(item.product.shape),
        "chunks_expected": item.chunks_expected,
        "chunks_present": item.chunks_present,
        "compared": item.how,
        "files_compared": item.compared,
    }


def _words(error: Exception) -> str:
    """An exception as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
