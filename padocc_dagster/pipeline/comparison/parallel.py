"""Reading values in several processes, for products that no reference proves.

netCDF's C library must not be entered by two threads, so processes it is. They are forked before anything is opened: a fork of a process
in which zarr or dask have started their threads may hang.
"""

import ctypes
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

from padocc_dagster.pipeline.comparison.case import Case
from padocc_dagster.pipeline.comparison.files import compare_files
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.plans import plan
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import Header

WORTH_BYTES = 256 << 20
"""Bytes of source files from which on several processes are worth their start."""
PR_SET_PDEATHSIG = 1


class Shared(NamedTuple):
    """What every process needs of the comparison."""

    request: Request
    headers: list[Header]
    placement: Placement
    exact_up_to: dict[str, int]
    """Of the variables that have a limit: see `Plan`."""


@contextmanager
def readers(request: Request, size: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes that wait for work, for source files of `size` bytes together; None where one process is better."""
    if request.cpus < 2 or size < WORTH_BYTES or request.product.cloud_format not in ("zarr", "CFA"):
        yield None
        return
    with ProcessPoolExecutor(request.cpus, mp_context=get_context("fork"), initializer=_end_with_parent, initargs=(os.getpid(),)) as pool:
        pool.submit(os.getpid).result()  # the fork context starts all of them at the first call
        yield pool


def read_in_parallel(pool: ProcessPoolExecutor, case: Case, reading: Mapping[int, Sequence[str]]) -> int:
    """Read and compare as `compare_files` does, the files parted in runs that follow each other. Returns how many were read whole."""
    numbers = list(reading)
    size = -(-len(numbers) // (case.request.cpus * 4)) or 1
    parts = [{n: list(reading[n]) for n in numbers[start : start + size]} for start in range(0, len(numbers), size)]
    limits = {name: item.exact_up_to for name, item in case.plans.items() if item.exact_up_to is not None}
    files = 0
    for findings, whole, compared in pool.map(partial(_read, Shared(case.request, case.headers, case.placement, limits)), parts):
        case.findings.absorb(findings)
        files += whole
        for name, number in compared.items():
            case.plans[name].compared += number
    return files


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


def _end_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however that dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
