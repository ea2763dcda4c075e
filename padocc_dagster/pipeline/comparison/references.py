"""The references of a kerchunk product, JSON or parquet, as one table for each array: what points where. No data is read here."""

import json
import os
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.comparison.report import Findings
from padocc_dagster.pipeline.comparison.storage import Storage, of_zarr

ABSENT, INLINE, STRAY = -1, -2, -3
"""In place of a file's number: the product has no such chunk; it holds the chunk itself; it points where no source file is."""
WHOLE = -1
"""In place of a length: the whole file."""


@dataclass
class Table:
    """The references of one array, a cell for each chunk."""

    name: str
    shape: tuple[int, ...]
    storage: Storage
    """What the array's metadata says of its chunks."""
    file: Any = field(init=False)
    """int32, in the shape of the grid of chunks: the number of the source file, or ABSENT, INLINE or STRAY."""
    offset: Any = field(init=False)
    length: Any = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        if len(self.shape) != len(self.chunks) or any(chunk < 1 for chunk in self.chunks):
            raise ValueError(f"chunks {self.chunks} of {self.name} do not fit its shape {self.shape}")
        self.file = np.full(self.grid, ABSENT, dtype="i4")
        self.offset, self.length = np.zeros(self.grid, dtype="i8"), np.zeros(self.grid, dtype="i8")

    @property
    def chunks(self) -> tuple[int, ...]:
        return self.storage.chunks or ()

    @property
    def grid(self) -> tuple[int, ...]:
        return tuple(-(-size // chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def expected(self) -> int:
        return prod(self.grid)

    @property
    def present(self) -> int:
        return int((self.file != ABSENT).sum())


def parse(content: bytes, path: Path) -> dict[str, Any]:
    """Read the references of a kerchunk JSON file. Raises ValueError with a sentence when they are not plain references."""
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict) or not isinstance(value.get("refs"), dict):
        raise ValueError(f"{path} holds no kerchunk references: expected an object with 'refs'")
    generated = [name for name in ("gen", "templates") if value.get(name)]
    if generated:
        raise ValueError(f"{path} makes references by {' and '.join(generated)}, which cannot be checked: write them out")
    references: dict[str, Any] = value["refs"]
    return references


def load_json(path: Path) -> dict[str, Any]:
    """`parse` for the file as it is now."""
    return parse(path.read_bytes(), path)


def tables_of_json(references: dict[str, Any], sources: tuple[str, ...], findings: Findings) -> dict[str, Table]:
    """The tables of a kerchunk JSON file's arrays. What belongs to no chunk is a problem."""
    tables = _tables((key, value) for key, value in references.items())
    chunks: dict[str, list[str]] = {}
    for key in references:
        array, _, chunk = key.rpartition("/")
        if not chunk.startswith(".z"):
            chunks.setdefault(array, []).append(chunk)
    lookup = _Lookup(sources)
    for array, keys in chunks.items():
        table = tables.get(array)
        at = places(table, keys) if table else None
        if table is None or at is None:
            stray = next((key for key in keys if table is None or places(table, [key]) is None), keys[0])
            findings.problem("chunk keys", f"reference {array}/{stray} belongs to no chunk of the product's variables", array)
        else:
            _fill(table, at, [references[f"{array}/{key}"] for key in keys], lookup, findings)
    return tables


def places(table: Table, keys: list[str]) -> tuple[Any, ...] | None:
    """The places of the chunks of keys `1.0.2`, an array for each dimension; None when one belongs to no chunk of the array."""
    import numpy as np

    if not table.shape:
        return () if keys == ["0"] else None
    dimensions, joined = len(table.grid), ".".join(keys)
    try:
        numbers = np.array(joined.split("."), dtype="i8")
    except ValueError:
        return None
    if ".".join(map(str, numbers.tolist())) != joined or any(key.count(".") != dimensions - 1 for key in keys):
        return None
    cells = numbers.reshape(len(keys), dimensions)
    return tuple(cells.T) if ((cells >= 0) & (cells < np.array(table.grid))).all() else None


def _fill(table: Table, at: tuple[Any, ...], values: list[Any], lookup: "_Lookup", findings: Findings) -> None:
    """Put references into the table, those of one array."""
    import numpy as np

    entries = [(None, 0, 0) if isinstance(value, (str, dict)) else _entry(table.name, value) for value in values]
    numbers = [INLINE if url is None else lookup.number(url) for url, _, _ in entries]
    columns = (np.array(numbers, dtype="i4"), *(np.array([entry[i] for entry in entries], dtype="i8") for i in (1, 2)))
    for array, column in zip((table.file, table.offset, table.length), columns, strict=True):
        array[at] = column if at else column[0]
    for (url, _, _), number in zip(entries, numbers, strict=True):
        if number == STRAY:
            sentence = f"a reference of {table.name} points into {url}, which is not one of the source files"
            findings.problem("references", sentence, table.name)


def tables_of_parquet(store: Path, sources: tuple[str, ...], findings: Findings) -> dict[str, Table]:
    """The tables of a parquet store's arrays. Rows are chunks in C order (`fsspec/implementations/reference.py`)."""
    content = json.loads((store / ".zmetadata").read_bytes())
    tables, lookup = _tables(content["metadata"].items()), _Lookup(sources)
    for name, table in tables.items():
        for record in range(-(-table.expected // content["record_size"])):
            path = store / name / f"refs.{record}.parq"
            if path.exists():
                _add_record(table, path, record * content["record_size"], lookup, findings)
    return tables


def _add_record(table: Table, path: Path, start: int, lookup: "_Lookup", findings: Findings) -> None:
    import numpy as np
    from fastparquet import ParquetFile

    rows = ParquetFile(str(path)).to_pandas()
    count = min(len(rows), table.expected - start)
    part = slice(start, start + count)
    urls = rows["path"].astype(object).to_numpy()[:count] if "path" in rows else np.full(count, None)
    inline = rows["raw"].notna().to_numpy()[:count] if "raw" in rows else np.zeros(count, dtype=bool)
    numbers = np.array([ABSENT if _is_empty(url) else lookup.number(url) for url in urls], dtype="i4")
    numbers[inline] = INLINE
    offsets, lengths = (rows[column].to_numpy()[:count] if column in rows else np.zeros(count, "i8") for column in ("offset", "size"))
    whole = (numbers >= 0) & (offsets == 0) & (lengths == 0)
    table.file.reshape(-1)[part], table.offset.reshape(-1)[part] = numbers, offsets
    table.length.reshape(-1)[part] = np.where(whole, WHOLE, lengths)
    for row in np.flatnonzero(numbers == STRAY):
        sentence = f"reference {start + row} of {table.name} points into {urls[row]}, which is not one of the source files"
        findings.problem("references", sentence, table.name)


def _tables(metadata: Any) -> dict[str, Table]:
    suffix = "/.zarray"
    tables = {}
    for key, value in metadata:
        if key.endswith(suffix):
            array = json.loads(value) if isinstance(value, (str, bytes)) else value
            name = key.removesuffix(suffix)
            tables[name] = Table(name, tuple(array["shape"]), of_zarr(array))
    return tables


class _Lookup:
    """Which source file a URL is; each is looked at once."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._numbers: dict[str, int] = {path: number for number, path in enumerate(sources)}
        self._sources = sources
        self._real: dict[str, int] | None = None

    def number(self, url: str) -> int:
        number = self._numbers.get(url)
        if number is None:
            number = self._numbers[url] = self._look(str(url).removeprefix("file://"))
        return number

    def _look(self, path: str) -> int:
        if not path.startswith("/"):
            return STRAY
        if path in self._numbers:
            return self._numbers[path]
        if self._real is None:
            self._real = {os.path.realpath(source): number for number, source in enumerate(self._sources)}
        return self._real.get(os.path.realpath(path), STRAY)


def _entry(array: str, value: Any) -> tuple[str, int, int]:
    if isinstance(value, list) and value and isinstance(value[0], str):
        if len(value) == 3 and type(value[1]) is int and type(value[2]) is int and 0 <= value[1] < 1 << 62 and 0 <= value[2] < 1 << 62:
            return value[0], value[1], value[2]
        if len(value) == 1:
            return value[0], 0, WHOLE
    expected = "text or [file, offset, length] with numbers of bytes from 0 up"
    raise ValueError(f"a reference of {array} is {str(value)[:80]}, expected {expected}")


def _is_empty(value: Any) -> bool:
    return value is None or value != value or value == ""
