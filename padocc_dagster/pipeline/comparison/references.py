"""The references of a kerchunk product, JSON or parquet: what points where. No data is read here."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison.chunks import Census
from padocc_dagster.pipeline.comparison.report import Findings

Entry = tuple[str, int | None, int | None] | None
"""Where the bytes of a chunk are: path, offset, length (None, None for a whole file); None when the product itself holds them."""


def load_json(path: Path) -> dict[str, Any]:
    """Read the references of a kerchunk JSON file. Raises ValueError with a sentence when they are not plain references."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("refs"), dict):
        raise ValueError(f"{path} holds no kerchunk references: expected an object with 'refs'")
    generated = [name for name in ("gen", "templates") if content.get(name)]
    if generated:
        raise ValueError(f"{path} makes references by {' and '.join(generated)}, which cannot be checked: write them out")
    return content["refs"]


def arrays_of_json(references: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The Zarr metadata of each array."""
    suffix = "/.zarray"
    return {key.removesuffix(suffix): _decoded(value) for key, value in references.items() if key.endswith(suffix)}


def entries_of_json(references: dict[str, Any]) -> Iterator[tuple[str, str, Entry]]:
    """Each chunk: array, chunk key, where its bytes are."""
    for key, value in references.items():
        array, _, chunk = key.rpartition("/")
        if chunk.startswith(".z"):
            continue
        yield array, chunk, _entry(key, value)


def arrays_of_parquet(store: Path) -> dict[str, dict[str, Any]]:
    suffix = "/.zarray"
    metadata = json.loads((store / ".zmetadata").read_bytes())["metadata"]
    return {key.removesuffix(suffix): _decoded(value) for key, value in metadata.items() if key.endswith(suffix)}


def entries_of_parquet(store: Path) -> Iterator[tuple[str, str, Entry]]:
    """Each chunk, one parquet file in memory at a time. Rows are chunks in C order (`fsspec/implementations/reference.py`)."""
    import numpy as np
    from fastparquet import ParquetFile

    record_size = json.loads((store / ".zmetadata").read_bytes())["record_size"]
    for array, metadata in arrays_of_parquet(store).items():
        counts = [-(-size // chunk) for size, chunk in zip(metadata["shape"], metadata["chunks"], strict=True)]
        total = int(np.prod(counts, dtype="int64"))
        for record in range(-(-total // record_size)):
            path = store / array / f"refs.{record}.parq"
            if not path.exists():
                continue
            table = ParquetFile(str(path)).to_pandas()
            columns = [table[c].tolist() if c in table else [None] * len(table) for c in ("path", "offset", "size", "raw")]
            for row, (url, offset, length, raw) in enumerate(zip(*columns, strict=True)):
                number = record * record_size + row
                if number >= total or (_absent(url) and _absent(raw)):
                    continue
                key = ".".join(str(int(c)) for c in np.unravel_index(number, counts)) if counts else "0"
                whole = offset == 0 and length == 0
                yield array, key, None if not _absent(raw) else (url, None if whole else offset, None if whole else length)


def check_references(
    entries: Iterator[tuple[str, str, Entry]], censuses: dict[str, Census], sources: tuple[str, ...], findings: Findings
) -> set[int]:
    """Check every reference against the files and count the chunks. Returns the numbers of the source files referenced."""
    lookup = _Lookup(sources)
    used: set[int] = set()
    for array, key, entry in entries:
        census = censuses.get(array)
        coordinates = census.parse(key) if census else None
        if census is None or coordinates is None:
            findings.problem(f"chunk keys of {array}", f"reference {array}/{key} belongs to no chunk of the product's variables")
            continue
        census.note(coordinates, inline=entry is None)
        if entry is None:
            continue
        file = lookup.file(entry[0])
        problem = _range_problem(entry, lookup, file)
        owners = census.owners(coordinates)
        if problem is None and len(owners) and (len(owners) > 1 or file != owners[0]):
            expected = ", ".join(sources[i] for i in list(owners)[:3])
            problem = f"points into {entry[0]}, but by its place it holds values of {expected}"
        if problem:
            findings.problem(f"references of {array}", f"reference {array}/{key} {problem}")
        else:
            used.add(file)
    return used


class _Lookup:
    """Which source file a URL is, and how long it is; each file is looked at once."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._files = {path: number for number, path in enumerate(sources)}
        self._real = {os.path.realpath(path): number for number, path in enumerate(sources)}
        self._sizes = [os.path.getsize(path) for path in sources]
        self._seen: dict[str, int | None] = {}

    def file(self, url: str) -> int | None:
        if url not in self._seen:
            path = str(url).removeprefix("file://")
            self._seen[url] = self._files.get(path, self._real.get(os.path.realpath(path)) if path.startswith("/") else None)
        return self._seen[url]

    def size(self, file: int) -> int:
        return self._sizes[file]


def _range_problem(entry: tuple[str, int | None, int | None], lookup: _Lookup, file: int | None) -> str | None:
    url, offset, length = entry
    if file is None:
        return f"points into {url}, which is not one of the source files"
    if offset is None:
        return None
    whole = isinstance(offset, int) and isinstance(length, int)
    if not whole or offset < 0 or length <= 0 or offset + length > lookup.size(file):
        return f"points at bytes {offset} to {offset}+{length} of {url}, which has {lookup.size(file)}"
    return None


def _entry(key: str, value: Any) -> Entry:
    if isinstance(value, (str, dict)):
        return None
    if isinstance(value, list) and value and isinstance(value[0], str) and len(value) in (1, 3):
        return (value[0], value[1], value[2]) if len(value) == 3 else (value[0], None, None)
    raise ValueError(f"reference {key} is {str(value)[:80]}, expected text or [file, offset, length]")


def _decoded(value: Any) -> dict[str, Any]:
    return json.loads(value) if isinstance(value, (str, bytes)) else value


def _absent(value: Any) -> bool:
    return value is None or value != value
