"""The parts of a comparison that several processes share: reading headers and, for products that no reference proves, values."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.attributes import Value
from padocc_dagster.pipeline.comparison.case import Case
from padocc_dagster.pipeline.comparison.children import Children, children, useful
from padocc_dagster.pipeline.comparison.files import compare_files
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.plans import plan
from padocc_dagster.pipeline.comparison.report import Findings, in_words
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import Common, Differing, Header, SourceError, read_header

WORTH_BYTES = 256 << 20
"""Bytes of source files from which on several processes are worth their start, however few the files are."""
READ_TOGETHER = ("zarr", "CFA")
"""Formats whose values are read by all processes: where references are proved, little is left to read."""


class Shared(NamedTuple):
    """What every process needs of the comparison."""

    request: Request
    headers: list[Header]
    placement: Placement
    exact_up_to: dict[str, int]
    """Of the variables that have a limit: see `Plan`."""


class Headers(NamedTuple):
    """What one process read of some files that follow each other."""

    headers: list[Header]
    differing: dict[tuple[str, str], Differing]
    problems: list[str]


def readers(request: Request, size: int) -> AbstractContextManager[Children | None]:
    """Processes that wait for work, for source files of `size` bytes together; None where one process is better."""
    is_large = size >= WORTH_BYTES and request.product.cloud_format in READ_TOGETHER
    return children(request.cpus if is_large else useful(request.cpus, len(request.sources)))


def headers_of(case: Case, pool: Children | None) -> list[Header]:
    """Every file's header; empty, with the reasons noted, when one cannot be read."""
    paths = case.sources
    first = _read_headers(case.common, paths if pool is None else paths[:1])
    parts = [first]
    if pool and len(paths) > 1:
        parts += pool.map(partial(_read_more_headers, case.common.attributes), _parted(paths[1:], pool))
        for part in parts[1:]:
            _absorb(case.common, part)
    for part in parts:
        for sentence in part.problems:
            case.findings.problem("source files", sentence)
    return [header for part in parts for header in part.headers] if not case.findings.count else []


def read_in_parallel(pool: Children, case: Case, reading: Mapping[int, Sequence[str]]) -> int:
    """Read and compare as `compare_files` does, the files parted in runs that follow each other. Returns how many were read whole."""
    parts = [{number: list(reading[number]) for number in numbers} for numbers in _parted(list(reading), pool)]
    limits = {name: item.exact_up_to for name, item in case.plans.items() if item.exact_up_to is not None}
    files = 0
    for findings, whole, compared in pool.map(partial(_read, Shared(case.request, case.headers, case.placement, limits)), parts):
        case.findings.absorb(findings)
        files += whole
        for name, number in compared.items():
            case.plans[name].compared += number
    return files


def _parted(items: Sequence[Any], pool: Children) -> list[Sequence[Any]]:
    size = -(-len(items) // (pool.count * 4)) or 1
    return [items[start : start + size] for start in range(0, len(items), size)]


def _read_headers(common: Common, paths: Iterable[str]) -> Headers:
    headers, problems = [], []
    for path in paths:
        try:
            headers.append(read_header(path, common))
        except SourceError as error:
            problems.append(str(error))
        except Exception as error:
            problems.append(f"the header of {path} cannot be read: {in_words(error)}")
    return Headers(headers, common.differing, problems)


def _read_more_headers(attributes: dict[tuple[str, str], Value] | None, paths: Sequence[str]) -> Headers:
    """Of files that are held against the first one's attributes."""
    return _read_headers(Common(attributes=attributes), paths)


def _absorb(common: Common, part: Headers) -> None:
    """Add what a process read, in the order of the files. Parts that files have in common become one object again."""
    same: dict[int, Any] = {}
    for number, header in enumerate(part.headers):
        for own in (header.sizes, header.coordinates, *header.variables, header.variables):
            if id(own) not in same:
                same[id(own)] = common.same_part(tuple(same[id(each)] for each in own) if own is header.variables else own)
        part.headers[number] = Header(same[id(header.sizes)], same[id(header.variables)], same[id(header.coordinates)])
    for key, differing in part.differing.items():
        if key in common.differing:
            common.differing[key].files += differing.files
        else:
            common.differing[key] = differing


def _read(shared: Shared, reading: dict[int, list[str]]) -> tuple[Findings, int, dict[str, int]]:
    """What was found, how many files were read whole, and for each variable how many files were compared."""
    case = Case(shared.request, headers=shared.headers)
    case.placement = shared.placement
    with case.opened() as case.product:
        case.plans = plan(case)
        case.findings = Findings()  # what was planned is reported by the process that reads headers
        for name, limit in shared.exact_up_to.items():
            case.plans[name].exact_up_to = limit
        files = compare_files(case, reading)
    return case.findings, files, {name: item.compared for name, item in case.plans.items()}
