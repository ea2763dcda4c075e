"""What a phase of a project probably costs, from what its scan found and measured. Nothing is run here, and no source is opened.

Each estimate is a sum of parts: a start, what each file takes, what each reference takes, and what each byte takes. `learning.py` weighs
the parts by what earlier runs of the group used. Without that, the model of a computation was fitted to three small datasets on a local
disk: 20 s to start; per file PADOCC's own timing of a conversion (0.05 s at least) and 0.03 s to concatenate; 0.12 ms and 3 kB for each
reference. Added to it is the reading of the values, which the comparison of the product with its sources does. The other phases' parts
are what 50 small files took.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster.pipeline.workdir.specs import spec_of

START_SECONDS, FILE_SECONDS, CONCAT_SECONDS, REFERENCE_SECONDS = 20, 0.05, 0.03, 1.2e-4
START_BYTES, REFERENCE_BYTES = 512e6, 3000
CFA_FILE_SECONDS = 0.33
"""0.33 ms for each coordinate value of each file, of which 1000 are assumed: the scan does not count them."""
READ_BYTES_PER_SECOND = 20e6
"""A cautious choice for compressed NetCDF on a file system that many share; nothing is measured."""
UNPROVED = 0.05
"""The part of the bytes that is assumed to be read where references are proved: one file of each kind, and what cannot be proved."""
FEWEST_SAMPLED = 3
"""PADOCC's scan measures nothing of fewer files."""
OTHER_PHASES = {"scan": (5.0, 0.03, 0.0), "validate": (5.0, 0.005, 1e-5), "complete": (5.0, 0.002, 1e-5)}
"""Seconds to start, for each file, and for each reference."""
PHASES = ("scan", "compute", "validate", "complete")
SMALL_FILES, SMALL_BYTES = 200, 5e9
"""Up to here a project that is not scanned yet is taken through all phases in the default allocation of a computation."""
SIZED_BY = 20
"""Files of a project of which the sizes are looked up, where no scan has measured them."""

Parts = tuple[float, ...]


@dataclass(frozen=True)
class Estimate:
    """What a phase probably takes, without any margin. A computation includes the comparison after it."""

    seconds_parts: Parts
    """Of the start, of the files, of the references, and of the bytes."""
    memory_parts: Parts
    """Bytes: of the start, and of the references."""
    scanned: bool
    """Whether the scan measured the files; otherwise their number and size are all that is known."""

    @property
    def seconds(self) -> float:
        return sum(self.seconds_parts)

    @property
    def memory_bytes(self) -> float:
        return sum(self.memory_parts)


@dataclass(frozen=True)
class Size:
    """A project's size, as far as it is known."""

    files: float
    bytes: float
    references: float
    convert_seconds: float
    """PADOCC's timing of one file's conversion."""
    cloud_format: str
    cfa: bool
    compare: Any
    """The option of the spec: `all`, `auto` or a number of files."""
    scanned: bool


def estimate_compute(workdir: Workdir, project: Project) -> Estimate:
    """Estimate one computation; raises as `size_of`."""
    return estimate(size_of(workdir, project), "compute")


def size_of(workdir: Workdir, project: Project) -> Size:
    """Read what is known of a project's size; no references where no scan has counted them.

    Raises CorruptFileError, LookupError, TypeError, ValueError or OSError when the project's files cannot say it.
    """
    base, detail = read_json(workdir.base_cfg(project)), read_json(workdir.detail_cfg(project))
    options, cloud_format = spec_of(workdir, project, base).options, product_of(workdir, project, base).cloud_format
    given = (cloud_format, cloud_format == "CFA" or options.cfa, options.compare)
    files = _number(detail["num_files"]) if detail.get("timings") or detail.get("skipped") else 0.0
    if files >= FEWEST_SAMPLED and not detail.get("skipped"):
        references = _number(detail["chunk_info"]["total_chunks"])
        return Size(files, _bytes(detail["source_data"]), references, _number(detail["timings"]["convert_estm"]), *given, scanned=True)
    paths = read_lines(workdir.allfiles(project))
    if not paths:
        raise CorruptFileError(f"{workdir.allfiles(project)} lists no source files: initialise the project again from its group config")
    return Size(len(paths), _sampled_bytes(paths), 0.0, 0.0, *given, scanned=False)


def estimate(size: Size, phase: str) -> Estimate:
    """Estimate one phase of a project of that size."""
    memory = (START_BYTES, REFERENCE_BYTES * size.references)
    if phase != "compute":
        start, each_file, reference = OTHER_PHASES[phase]
        copied = 3 * size.bytes / READ_BYTES_PER_SECOND if phase == "complete" and size.cloud_format == "zarr" else 0.0
        return Estimate((start, each_file * size.files, reference * size.references, copied), memory, size.scanned)
    each_file = max(size.convert_seconds, FILE_SECONDS) + CONCAT_SECONDS + (CFA_FILE_SECONDS if size.cfa else 0.0)
    passes = 2 * _read(size.files, size.cloud_format, size.compare)  # the sources and the product
    if size.cloud_format == "zarr":
        passes += 2  # the sources are read and the store is written
    reading = passes * size.bytes / READ_BYTES_PER_SECOND
    return Estimate((START_SECONDS, each_file * size.files, REFERENCE_SECONDS * size.references, reading), memory, size.scanned)


def _read(files: float, cloud_format: str, compare: Any) -> float:
    """The part of the files that the comparison will read in full."""
    proved = cloud_format in ("kerchunk", "parquet")
    if compare == "all" or (compare == "auto" and not proved):
        return 1.0
    number = 1 if compare == "auto" else compare + 2
    return min(1.0, max(number / max(files, 1), UNPROVED if proved else 0.0))


def _sampled_bytes(paths: Sequence[str]) -> float:
    """The bytes of all files, from the sizes of some."""
    some = paths[:: -(-len(paths) // SIZED_BY)]
    return sum(os.stat(path).st_size for path in some) / len(some) * len(paths)


def _number(value: Any) -> float:
    """A count or a duration; PADOCC stores some as text. Raises ValueError for what cannot be one."""
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{value!r} is no count and no duration")
    return number


def _bytes(text: str) -> float:
    """Bytes of a size as PADOCC's scan prints it: `84.56 KB`, in steps of 1000 (`padocc/phases/scan.py:21`)."""
    value, unit = text.split(" ")
    return _number(value) * 1000.0 ** ("B", "KB", "MB", "GB", "TB", "PB").index(unit)
