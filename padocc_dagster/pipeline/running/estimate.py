"""The cost of computing a project, from what its scan found and measured. Nothing is run here, and no source is opened.

The model was fitted to three small datasets on a local disk: 20 s to start; per file PADOCC's own timing of a conversion (0.05 s at
least) and 0.03 s to concatenate; 0.12 ms and 3 kB for each reference. Added to it is the reading of the values, which the comparison
of the product with its sources does.
"""

import math
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.workdir.files import read_json, read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import product_of
from padocc_dagster.pipeline.workdir.sources import total_bytes
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


@dataclass(frozen=True)
class Estimate:
    """What a computation and the comparison after it probably take, without any margin."""

    seconds: float
    memory_bytes: float
    scanned: bool
    """Whether the scan measured the files; otherwise their number and size are all that is known."""


def estimate_compute(workdir: Workdir, project: Project) -> Estimate:
    """Estimate one computation. Raises CorruptFileError, LookupError, TypeError, ValueError or OSError when it has no usable scan."""
    base, detail = read_json(workdir.base_cfg(project)), read_json(workdir.detail_cfg(project))
    files = _number(detail["num_files"])
    scanned = files >= FEWEST_SAMPLED
    if scanned:
        size, references = _bytes(detail["source_data"]), _number(detail["chunk_info"]["total_chunks"])
        convert = _number(detail["timings"]["convert_estm"])
    else:
        size, references, convert = total_bytes(read_lines(workdir.allfiles(project))), 0.0, 0.0
    options, cloud_format = spec_of(workdir, project, base).options, product_of(workdir, project, base).cloud_format
    seconds = START_SECONDS + files * (max(convert, FILE_SECONDS) + CONCAT_SECONDS) + REFERENCE_SECONDS * references
    if cloud_format == "CFA" or options.cfa:
        seconds += files * CFA_FILE_SECONDS
    passes = 2 * _read(files, cloud_format, options.compare)  # the sources and the product
    if cloud_format == "zarr":
        passes += 2  # the sources are read and the store is written
    return Estimate(seconds + passes * size / READ_BYTES_PER_SECOND, START_BYTES + REFERENCE_BYTES * references, scanned)


def _read(files: float, cloud_format: str, compare: Any) -> float:
    """The part of the files that the comparison will read in full."""
    proved = cloud_format in ("kerchunk", "parquet")
    if compare == "all" or (compare == "auto" and not proved):
        return 1.0
    number = 1 if compare == "auto" else compare + 2
    return min(1.0, max(number / max(files, 1), UNPROVED if proved else 0.0))


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
