"""Where the chunks of a source file's variables lie, read from the file itself and not from anything that PADOCC or kerchunk made.

HDF5 files are read by h5py (`H5Dchunk_iter`), NetCDF3 files by `netcdf3.py`. Numbers can be read too, at a third of what netCDF4 takes to
open a file; larger variables are for `sources.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, prod
from mmap import ACCESS_READ, mmap
from typing import Any, NamedTuple, Protocol

from padocc_dagster.pipeline.comparison import netcdf3
from padocc_dagster.pipeline.comparison.storage import Storage, hdf5_filter, is_known

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
NOT_A_COORDINATE = "_nc4_non_coord_"
"""How netCDF-C names the data of a variable that has the name of a dimension and is not its coordinate (`nc4var.c`)."""


class Locations(NamedTuple):
    """Where the chunks of one variable of one file lie: arrays of the shape of the file's grid of chunks."""

    offsets: Any
    """int64; -1 where a chunk was never written."""
    lengths: Any
    masks: Any
    """uint32: the filters that were left out when the chunk was written, as bits; 0 for none."""


class Index(Protocol):
    """The chunks of one open source file."""

    def names(self) -> list[str]:
        """The variables of the file, as it calls them."""

    def storage(self, name: str) -> Storage | None:
        """How the variable is stored; None when that cannot be said."""

    def shapes(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shape of a variable that has a storage, and the shape of what lies in one piece of it: a chunk, a record, or all values."""

    def locations(self, name: str, chunks: tuple[int, ...], shape: tuple[int, ...]) -> Locations | None:
        """Where the variable's chunks lie when it is cut in chunks of this shape; None when they do not lie in one piece each.

        `shape` is what netCDF says the variable's is: HDF5 stores it shorter along an unlimited dimension that other variables extended.
        """

    def numbers(self, name: str) -> Any | None:
        """All raw values that are stored of a variable of numbers, as a NumPy array; None for any other."""


@contextmanager
def opened_index(path: str) -> Iterator[Index]:
    """Open a source file for its chunk index; for a file of another sort, an index that knows nothing.

    Raises OSError, or ValueError for a damaged header.
    """
    if netcdf3.is_classic(path):
        yield _Classic(path, netcdf3.pieces(path))
    elif is_hdf5(path):
        with _opened_hdf5(path) as index:
            yield index
    else:
        yield _Classic(path, {})


def is_hdf5(path: str) -> bool:
    """Whether a file is HDF5, and so NetCDF4, by its first bytes. Raises OSError when it cannot be read."""
    with open(path, "rb") as stream:
        return stream.read(len(HDF5_MAGIC)) == HDF5_MAGIC


class _Classic:
    """The index of a NetCDF3 file; without pieces, of a file that cannot be indexed."""

    def __init__(self, path: str, pieces: dict[str, netcdf3.Piece]) -> None:
        self._path = path
        self._pieces = pieces

    def names(self) -> list[str]:
        return list(self._pieces)

    def shapes(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        piece = self._pieces[name]
        return piece.shape, piece.shape if piece.step is None else (1, *piece.shape[1:])

    def storage(self, name: str) -> Storage | None:
        import numpy as np

        piece = self._pieces.get(name)
        return None if piece is None else Storage(np.dtype(piece.dtype).str, None)

    def locations(self, name: str, chunks: tuple[int, ...], shape: tuple[int, ...]) -> Locations | None:
        piece = self._pieces[name]
        size = int(piece.dtype[-1])
        if piece.step is None:
            return contiguous(piece.begin, piece.shape, chunks, size)
        row = prod(piece.shape[1:]) * size
        if chunks[1:] != piece.shape[1:] or (chunks[0] != 1 and piece.step != row) or piece.shape[0] % chunks[0]:
            return None
        return _stepped(piece.begin, piece.step * chunks[0], row * chunks[0], (piece.shape[0] // chunks[0], *[1] * (len(chunks) - 1)))

    def numbers(self, name: str) -> Any | None:
        import numpy as np

        piece = self._pieces.get(name)
        if piece is None or piece.dtype == "S1":
            return None
        if 0 in piece.shape:
            return np.empty(piece.shape, dtype=piece.dtype)
        row = np.empty(piece.shape[1:], dtype=piece.dtype)
        strides = (piece.step or row.nbytes, *row.strides) if piece.shape else ()
        # Mapped, because the values of other variables lie between the records.
        with open(self._path, "rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
            if piece.begin + (strides[0] * (piece.shape[0] - 1) if piece.shape else 0) + row.nbytes > len(content):
                raise ValueError(f"it ends within variable {name}")
            return np.ndarray(piece.shape, dtype=piece.dtype, buffer=content, offset=piece.begin, strides=strides).copy()


@contextmanager
def _opened_hdf5(path: str) -> Iterator[Index]:
    import h5py

    file = h5py.h5f.open(path.encode(), h5py.h5f.ACC_RDONLY)
    try:
        yield _Hdf5(h5py.h5g.open(file, b"/"))
    finally:
        file.close()


class _Hdf5:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._sets: dict[str, Any] = {}

    def names(self) -> list[str]:
        return [name.decode() for name in self._root]

    def shapes(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        import h5py

        dataset = self._dataset(name)
        plist = dataset.get_create_plist()
        return dataset.shape, tuple(plist.get_chunk()) if plist.get_layout() == h5py.h5d.CHUNKED else dataset.shape

    def storage(self, name: str) -> Storage | None:
        import h5py

        dataset = self._dataset(name)
        if dataset is None:
            return None
        plist = dataset.get_create_plist()
        applied = tuple((number, tuple(values)) for number, _, values, _ in map(plist.get_filter, range(plist.get_nfilters())))
        filters = tuple(hdf5_filter(*each) for each in applied)
        chunks = tuple(plist.get_chunk()) if plist.get_layout() == h5py.h5d.CHUNKED else None
        dtype = dataset.dtype
        known = (
            is_known(dtype, filters) and plist.get_layout() in (h5py.h5d.CHUNKED, h5py.h5d.CONTIGUOUS) and not plist.get_external_count()
        )
        return Storage(dtype.str, chunks, filters, _fill_of(plist, dtype) if dtype.kind in "iuf" else None, known, applied)

    def locations(self, name: str, chunks: tuple[int, ...], shape: tuple[int, ...]) -> Locations | None:
        import h5py
        import numpy as np

        dataset = self._dataset(name)
        if dataset.get_create_plist().get_layout() != h5py.h5d.CHUNKED:
            offset, size = dataset.get_offset(), dataset.dtype.itemsize
            if offset is None:  # no value was ever written
                return _nowhere(tuple(map(_ceil, shape, chunks)))
            return contiguous(offset, shape, chunks, size) if dataset.get_storage_size() == prod(shape) * size else None
        found: list[tuple[tuple[int, ...], int, int, int]] = []
        dataset.chunk_iter(lambda chunk: found.append((chunk.chunk_offset, chunk.byte_offset, chunk.size, chunk.filter_mask)))
        grid = tuple(map(_ceil, shape, chunks))
        locations = _nowhere(grid)
        if found:
            starts = np.array([each[0] for each in found], dtype="i8").reshape(len(found), len(chunks)) // np.array(chunks, dtype="i8")
            inside = np.all(starts < np.array(grid), axis=1)  # a file that was made shorter may keep chunks beyond its end
            at = tuple(starts[inside].T)
            for array, column in zip(locations, (1, 2, 3), strict=True):
                array[at] = np.array([each[column] for each in found], dtype=array.dtype)[inside]
        return locations

    def numbers(self, name: str) -> Any | None:
        import h5py
        import numpy as np

        dataset = self._dataset(name)
        if dataset is None or dataset.dtype.kind not in "iuf":
            return None
        values = np.empty(dataset.shape, dtype=dataset.dtype)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
        return values

    def _dataset(self, name: str) -> Any:
        import h5py

        if name not in self._sets:
            own = name.encode() if name.encode() in self._root else (NOT_A_COORDINATE + name).encode()
            item = h5py.h5o.open(self._root, own) if own in self._root else None
            self._sets[name] = item if isinstance(item, h5py.h5d.DatasetID) else None
        return self._sets[name]


def contiguous(begin: int, shape: tuple[int, ...], chunks: tuple[int, ...], itemsize: int) -> Locations | None:
    """Where chunks lie in values that lie in one piece from byte `begin`, in C order; None when a chunk would not be one piece.

    `shape` and `chunks` count values along each dimension.
    """
    if 0 in shape:
        return _nowhere(tuple(map(_ceil, shape, chunks)))
    if any(size % chunk for size, chunk in zip(shape, chunks, strict=True)):
        return None
    cut = [axis for axis, (size, chunk) in enumerate(zip(shape, chunks, strict=True)) if chunk != size]
    if cut and any(chunk != 1 for chunk in chunks[: cut[-1]]):
        return None
    length = prod(chunks) * itemsize
    return _stepped(begin, length, length, tuple(size // chunk for size, chunk in zip(shape, chunks, strict=True)))


def _stepped(begin: int, step: int, length: int, grid: tuple[int, ...]) -> Locations:
    import numpy as np

    offsets = begin + step * np.arange(prod(grid), dtype="i8").reshape(grid)
    return Locations(offsets, np.full(grid, length, dtype="i8"), np.zeros(grid, dtype="u4"))


def _nowhere(grid: tuple[int, ...]) -> Locations:
    import numpy as np

    return Locations(np.full(grid, -1, dtype="i8"), np.zeros(grid, dtype="i8"), np.zeros(grid, dtype="u4"))


def _fill_of(plist: Any, dtype: Any) -> Any:
    import h5py
    import numpy as np

    if plist.fill_value_defined() == h5py.h5d.FILL_VALUE_UNDEFINED:
        return None
    value = np.zeros((), dtype=dtype)
    plist.get_fill_value(value)
    return value.item()


def _ceil(size: int, chunk: int) -> int:
    return ceil(size / chunk)
