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
from dataclasses import dataclass
from multiprocessing import get_context

from padocc_dagster.pipeline.comparison.files import compare_files
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.plans import plan
from padocc_dagster.pipeline.comparison.products import opened_product
from padocc_dagster.pipeline.comparison.references import load_json
from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.request import Request
from padocc_dagster.pipeline.comparison.sources import Header

WORTH_BYTES = 256 << 20
"""Bytes of source files from which on several processes are worth their start."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Share:
    """What one process reads."""

    request: Request
    headers: list[Header]
    placement: Placement
    reading: dict[int, list[str]]
    exact_up_to: dict[str, int]


@dataclass(frozen=True)
class Read:
    """What came of it: files read whole, and for each variable how many files were compared."""

    findings: Findings
    files: int
    compared: dict[str, int]


@contextmanager
def readers(request: Request, size: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes that stand ready, for source files of `size` bytes together; None where one process is better."""
    if request.cpus < 2 or size < WORTH_BYTES or request.product.cloud_format not in ("zarr", "CFA"):
        yield None
        return
    with ProcessPoolExecutor(request.cpus, mp_context=get_context("fork"), initializer=_end_with_parent, initargs=(os.getpid(),)) as pool:
        pool.submit(os.getpid).result()  # the fork context starts all of them at the first call
        yield pool


def read_in_parallel(
    pool: ProcessPoolExecutor, count: int, share: Share, reading: Mapping[int, Sequence[str]], findings: Findings
) -> tuple[int, dict[str, int]]:
    """Share the files out, in runs that follow each other, and gather what is found. Returns as `Read` has it."""
    numbers = list(reading)
    size = -(-len(numbers) // (count * 4)) or 1
    parts = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    shares = [
        Share(share.request, share.headers, share.placement, {n: list(reading[n]) for n in part}, share.exact_up_to) for part in parts
    ]
    files, compared = 0, dict.fromkeys(share.exact_up_to, 0)
    for found in pool.map(_read, shares):
        findings.absorb(found.findings)
        files += found.files
        for name, number in found.compared.items():
            compared[name] = compared.get(name, 0) + number
    return files, compared


def _read(share: Share) -> Read:
    refs = load_json(share.request.product.path) if share.request.product.cloud_format == "kerchunk" else None
    findings = Findings()
    with opened_product(share.request.product, refs) as product:
        plans = plan(share.headers, product, share.placement, share.request, Findings())
        for name, limit in share.exact_up_to.items():
            plans[name].exact_up_to = limit
        files = compare_files(share.request, share.headers, plans, share.reading, findings)
    return Read(findings, files, {name: item.compared for name, item in plans.items()})


def _end_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however that dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
