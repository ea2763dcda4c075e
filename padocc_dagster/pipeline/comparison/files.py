"""The values of the product against those of the files, one file after another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.attributes import GRID_MAPPING
from padocc_dagster.pipeline.comparison.case import Case, Plan
from padocc_dagster.pipeline.comparison.chunk_index import Index, opened_index
from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.reading import SMALL, blocks
from padocc_dagster.pipeline.comparison.report import NEARLY_SHARED, SHARED, UNJOINED, in_words
from padocc_dagster.pipeline.comparison.sources import SourceError, SourceVariable, opened, read_block
from padocc_dagster.pipeline.comparison.values import difference, join_characters

ROUNDING = 1e-6
"""The share of the largest value by which numbers declared identical may differ: about eight times the precision of a single-precision
number."""
ONE_COPY = "; it differs between files or changed, and the product keeps only one"
Values = Callable[[str, tuple[slice, ...]], Any]
"""Raw values of a part of a variable of one file."""


@dataclass(frozen=True)
class _Task:
    """One variable of one file."""

    variable: SourceVariable
    plan: Plan
    shape: tuple[int, ...]
    number: int
    """Of the file, in order."""
    case: Case

    @property
    def path(self) -> str:
        return self.case.sources[self.number]

    @property
    def is_small(self) -> bool:
        return prod(self.shape) * self.variable.itemsize <= SMALL


class Apart(NamedTuple):
    """How far two arrays are apart."""

    within: bool
    """Whether that is close enough to be the same."""
    words: str


def compare_files(case: Case, reading: Mapping[int, Sequence[str]]) -> int:
    """Read these variables of these files, and compare them. Returns how many files were read whole."""
    compared = 0
    for number, names in reading.items():
        path, header = case.sources[number], case.headers[number]
        tasks = [_Task(v, case.plans[v.name], header.shape(v), number, case) for v in header.variables if v.name in names]
        try:
            with _opened_values(path, tasks) as values:
                for task in tasks:
                    _compare(task, values)
        except (SourceError, OSError) as error:
            case.findings.problem("source files", f"{path} cannot be read: {error}")
        compared += len(tasks) == sum(v.name in case.plans for v in header.variables)
        if case.findings.enough:
            case.findings.inform(f"the comparison stopped after file {number + 1} of {len(case.headers)}: too much differs")
            break
    return compared


@contextmanager
def _opened_values(path: str, tasks: Sequence[_Task]) -> Iterator[Values]:
    """Open a file for its raw values, by the quickest way that serves for these variables."""
    if all(task.is_small and task.variable.storage is not None and task.variable.encoding.dtype[0] in "iuf" for task in tasks):
        shapes = {task.variable.name: task.shape for task in tasks}
        with opened_index(path) as index:
            yield lambda name, key: _stored_numbers(index, path, name, shapes[name])[key]
    else:
        with opened(path) as dataset:
            yield lambda name, key: read_block(dataset, name, key)


def _stored_numbers(index: Index, path: str, name: str, shape: tuple[int, ...]) -> Any:
    """All raw values of a variable of numbers; by netCDF4 where HDF5 stores fewer, because netCDF fills up what was never written."""
    values = index.numbers(name)
    if values is not None and values.shape == shape:
        return values
    with opened(path) as dataset:
        return read_block(dataset, name, ())


def _compare(task: _Task, values: Values) -> None:
    """Compare a variable with its place in the product; the first block that differs says enough."""
    name = task.variable.name
    task.plan.compared += 1
    try:
        for key in blocks(task.shape, task.variable.itemsize):
            source, product = _block(task, values, key)
            plan = task.plan
            raw = not plan.changed[task.variable]
            problem = difference(source, product, task.variable.encoding, plan.product.encoding, raw, plan.rewritten)
            problem = problem or _not_carried(task, source)
            if problem:
                _judge(task, key, source, product, problem)
                return
    except Exception as error:
        task.case.findings.problem("values", f"variable {name} cannot be compared with {task.path}: {in_words(error)}", name)


def _judge(task: _Task, key: tuple[slice, ...], source: Any, product: Any, problem: str) -> None:
    """Decide whether a difference is a problem."""
    name, request, findings = task.variable.name, task.case.request, task.case.findings
    if task.shape == () and GRID_MAPPING in dict(task.variable.meaning):
        findings.inform(f"variable {name} is a grid mapping, whose value means nothing (CF 5.6): {problem}")
        return
    kind, note = "values", ""
    if not task.plan.reader.placed:
        apart = _apart(source, product, task.variable.encoding, task.plan.product.encoding, request.identical_within)
        declared = name in request.identical
        if apart.within and declared:
            findings.inform(f"variable {name} of {task.path} differs by {apart.words}; it is declared identical in all files")
            return
        kind = UNJOINED if task.plan.reader.stacked else NEARLY_SHARED if apart.within else SHARED
        note = f"; it is declared identical, and differs by {apart.words}" if declared else ONE_COPY
    where = "" if all(part.start == 0 for part in key) else f" in the block from {[part.start for part in key]}"
    findings.problem(kind, f"variable {name} differs from {task.path}{where}: {problem}{note}", name)


def _block(task: _Task, values: Values, key: tuple[slice, ...]) -> tuple[Any, Any]:
    """The same part of the file and of the product."""
    plan, variable = task.plan, task.variable
    source = values(variable.name, key)
    if plan.joined:
        source, key = join_characters(source), key[:-1]
    product = plan.reader.whole(task.number, variable.itemsize) if task.is_small else plan.reader.block(task.number, key)
    return source, product


def _not_carried(task: _Task, source: Any) -> str | None:
    """Say which whole number the product's format cannot carry; None when it carries all of them."""
    limit = task.plan.exact_up_to
    if limit is None or source.dtype.kind not in "iu" or not source.size:
        return None
    extreme = max(int(source.max()), -int(source.min()))
    if extreme <= limit:
        return None
    product = f"a {task.case.cloud_format} product, which holds whole numbers up to {limit} only"
    return f"{extreme} is read as a floating-point number from {product}"


def _apart(source: Any, product: Any, ours: Encoding, theirs: Encoding, limit: float | None) -> Apart:
    """The largest difference between values declared identical in all files.

    `limit` is in the values' own unit; without it, `ROUNDING` of the largest value is allowed.
    """
    import numpy as np

    numeric = source.shape == product.shape and source.dtype.kind in "iuf" and product.dtype.kind in "iuf"
    if not numeric or (ours.units, ours.calendar, ours.scale, ours.offset) != (theirs.units, theirs.calendar, theirs.scale, theirs.offset):
        return Apart(False, "more than rounding")
    a, b = source.astype("f8"), product.astype("f8")
    missing = np.isnan(a) != np.isnan(b)
    for values, encoding in ((a, ours), (b, theirs)):
        for fill in encoding.fills:
            missing |= (values == fill) & (a != b)
    if missing.any():
        return Apart(False, "values that are missing on one side only")
    apart = float(np.nanmax(abs(a - b))) if a.size else 0.0
    allowed = limit if limit is not None else ROUNDING * float(np.nanmax(abs(a))) if a.size else 0.0
    if apart <= allowed:
        return Apart(True, f"at most {apart:.3g} (allowed are {allowed:.3g})")
    remedy = f"set `identical_within: {apart:.3g}` if the first file's values serve for all"
    return Apart(False, f"{apart:.3g} where {allowed:.3g} is allowed: {remedy}")
