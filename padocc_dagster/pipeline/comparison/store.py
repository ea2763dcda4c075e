"""The chunk files of a Zarr store: which are there, and which source files must be read for want of others. No data is read here."""

import os
from math import ceil
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison.case import Case
from padocc_dagster.pipeline.comparison.placement import Placement
from padocc_dagster.pipeline.comparison.report import Findings

METADATA = {"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"}


def check_chunks(case: Case) -> None:
    """Count the chunk files of every variable that is compared, and note which source files must be read because some are absent."""
    path = case.request.product.path
    for name, array in _arrays(path, case.findings).items():
        if name in case.plans:
            plan, shape = case.plans[name], tuple(array.shards or array.chunks)
            if len(shape) != array.ndim or any(size < 1 for size in shape):
                raise ValueError(f"chunks {shape} do not fit the shape {array.shape}")
            present = _present(path / name, name, array, shape, case.findings)
            plan.chunks_expected, plan.chunks_present = present.size, int(present.sum())
            whole, axis = bool(array.shards), case.placement.axis(plan.product)  # a shard may itself lack chunks, unseen from outside
            plan.forced |= set(range(len(case.sources))) if whole else forced(present, array.shape, shape, axis, case.placement)


def forced(present: Any, shape: tuple[int, ...], chunks: tuple[int, ...], axis: int | None, placement: Placement) -> set[int]:
    """The files that absent chunks belong to, where they follow each other along this axis; the first where every file holds all.

    `present` says of each chunk, in the shape of the grid of chunks, whether it is there.
    """
    import numpy as np

    absent = np.argwhere(~present)
    if axis is None:
        return {0} if len(absent) else set()
    starts = {int(start) * chunks[axis] for start in absent[:, axis]}
    return {file for start in starts for file in placement.owners(start, min(start + chunks[axis], shape[axis]))}


def _arrays(path: Path, findings: Findings) -> dict[str, Any]:
    """The store's arrays. Two copies of the metadata that disagree are a problem: readers differ in which they take."""
    import zarr

    own = dict(zarr.open_group(str(path), mode="r", use_consolidated=False).arrays())
    group = zarr.open_group(str(path), mode="r")
    if group.metadata.consolidated_metadata is not None:
        consolidated = dict(group.arrays())
        for name in sorted(own.keys() | consolidated.keys()):
            pair = [arrays[name].metadata.to_dict() if name in arrays else None for arrays in (own, consolidated)]
            if repr(pair[0]) != repr(pair[1]):
                sentence = f"{path}: the metadata of {name} and its consolidated copy in the root differ: recompute"
                findings.problem("metadata", sentence)
    return own


def _present(directory: Path, name: str, array: Any, chunks: tuple[int, ...], findings: Findings) -> Any:
    """Which chunk files are there, in the shape of their grid. Those that belong to no chunk, or are empty, are problems."""
    import numpy as np

    found = {
        os.path.relpath(os.path.join(root, file), directory).replace(os.sep, "/"): os.path.getsize(os.path.join(root, file))
        for root, _, files in os.walk(directory)
        for file in files
        if file not in METADATA
    }
    present = np.zeros([ceil(size / chunk) for size, chunk in zip(array.shape, chunks, strict=True)], dtype=bool)
    for cell in np.ndindex(present.shape):
        size = found.pop(array.metadata.encode_chunk_key(cell), None)
        if size == 0:
            findings.problem("chunks", f"chunk {cell} of {name} is an empty file in {directory}", name)
        present[cell] = bool(size)
    for key in found:
        findings.problem("chunks", f"{directory / key} belongs to no chunk of {name}: its shape has fewer", name)
    return present
