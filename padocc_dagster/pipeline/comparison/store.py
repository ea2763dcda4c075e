"""The chunk files of a Zarr store. No data is read here."""

import os
from itertools import product as combinations
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison.chunks import Census
from padocc_dagster.pipeline.comparison.report import Findings

METADATA = {"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"}


def arrays_of_store(path: Path, findings: Findings) -> dict[str, Any]:
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


def count_chunks(path: Path, name: str, array: Any, census: Census, findings: Findings) -> None:
    """Count the chunk files of one array, and note those that belong to no chunk or are empty."""
    directory = path / name
    found = {
        os.path.relpath(os.path.join(root, file), directory).replace(os.sep, "/"): os.path.getsize(os.path.join(root, file))
        for root, _, files in os.walk(directory)
        for file in files
        if file not in METADATA
    }
    for coordinates in combinations(*(range(n) for n in census.counts)):
        size = found.pop(array.metadata.encode_chunk_key(coordinates), None)
        if size == 0:
            findings.problem("chunks", f"chunk {coordinates} of {name} is an empty file in {directory}", name)
        elif size is not None:
            census.note(coordinates)
    for key in found:
        findings.problem("chunks", f"{directory / key} belongs to no chunk of {name}: its shape asks for fewer", name)


def chunk_shape(array: Any) -> tuple[tuple[int, ...], bool]:
    """The shape of what one file holds, and whether that is a shard, which may itself lack chunks."""
    return (tuple(array.shards), True) if array.shards else (tuple(array.chunks), False)
