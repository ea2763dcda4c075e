"""How source files store their variables, as far as kerchunk references depend on it: type with byte order, filters, shape of chunks.

VirtualiZarr refuses to join arrays that differ in one of these (`virtualizarr/manifests/utils.py:202,222,233`). Kerchunk's
MultiZarrToZarr takes those of the first file for all, and so makes garbage of the others (`kerchunk/combine.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from padocc_dagster.pipeline.comparison.chunk_index import opened_index
from padocc_dagster.pipeline.comparison.storage import hdf5_name
from padocc_dagster.pipeline.joining.refusals import (
    DifferingEncodingError,
    PartialChunksError,
    SourcesRefused,
    UnsupportedFilterError,
)
from padocc_dagster.pipeline.workdir.names import some

CHECKS = ("check_same_dtypes", "check_same_codecs", "check_same_chunk_shapes", "result_type")
"""Functions of VirtualiZarr that refuse what differs (`virtualizarr/manifests/utils.py`, `array_api.py:44`)."""
INLINED_BYTES = 100
"""Variables smaller than this are read by kerchunk with any filters (`kerchunk/hdf.py:141`)."""


class Encoding(NamedTuple):
    """How a file stores a variable."""

    dtype: str
    """NumPy's name with byte order, as in `<f4`."""
    filters: tuple[tuple[int, tuple[int, ...]], ...]
    """HDF5's numbers and parameters, in the order in which they were applied."""
    chunks: tuple[int, ...]
    """The shape of a chunk; of a variable that is not chunked, its own shape."""

    def __str__(self) -> str:
        return f"{self.dtype}, {in_words(self.filters) or 'no filter'}, chunks {'x'.join(map(str, self.chunks)) or 'none'}"


class Stored(NamedTuple):
    """A variable as a file stores it."""

    encoding: Encoding
    shape: tuple[int, ...]


def in_words(filters: Iterable[tuple[int, tuple[int, ...]]]) -> str:
    """Filters for a reader, deflate with its level."""
    return ", ".join(f"deflate {parameters[0]}" if number == 1 and parameters else hdf5_name(number) for number, parameters in filters)


def stored_in(path: str) -> dict[str, Stored]:
    """How a file stores its variables, by name; nothing of a GeoTIFF. In a NetCDF3 file nothing is filtered, and each record is a chunk."""
    with opened_index(path) as index:
        found = {}
        for name in index.names():
            if storage := index.storage(name):
                shape, chunks = index.shapes(name)
                found[name] = Stored(Encoding(storage.dtype, storage.hdf5_filters, chunks), shape)
        return found


def refusal_of(files: Sequence[str], concat: Sequence[str], dropped: Iterable[str] = ()) -> SourcesRefused | None:
    """Why kerchunk references of these files would be wrong, whichever aggregator makes them; None where nothing is found.

    `concat` are the dimensions along which files follow each other; a dimension that the files do not have stacks all variables. Its
    own coordinate does not count: both aggregators read its values and write them anew. Variables without these dimensions do not
    count either: the first file's are taken. Raises OSError for a file that cannot be read.
    """
    if files[0].endswith(".tif"):
        return None
    left_out = {*dropped, *concat}
    axes = {name: axis for name, axis in _axes(files[0], concat).items() if name not in left_out}
    unsupported = unsupported_in(files[0], dropped)
    if unsupported:
        return unsupported
    kinds: dict[str, dict[Encoding, list[str]]] = {}
    partial: dict[str, list[str]] = {}
    for path in files:
        for name, stored in stored_in(path).items():
            if name in axes:
                kinds.setdefault(name, {}).setdefault(stored.encoding, []).append(path)
                if path != files[-1] and _is_partial(stored, axes[name]):
                    partial.setdefault(name, []).append(path)
    for name, found in kinds.items():
        if len(found) > 1:
            return _unsupported(min(found.values(), key=len)[0], [name]) or _differing(name, found)
    return next((_not_full(name, paths) for name, paths in partial.items()), None)


def unsupported_in(path: str, dropped: Iterable[str]) -> UnsupportedFilterError | None:
    """The first variable of a file that kerchunk would leave out without a word, for a filter that it does not know."""
    return _unsupported(path, sorted(stored_in(path).keys() - {*dropped}))


def _is_partial(stored: Stored, axis: int | None) -> bool:
    """Whether the last chunk along the axis is not full, so that nothing can follow it."""
    return axis is not None and stored.encoding.chunks[axis] > 0 and stored.shape[axis] % stored.encoding.chunks[axis] > 0


def _not_full(name: str, paths: Sequence[str]) -> PartialChunksError:
    stored = stored_in(paths[0])[name]
    message = (
        f"variable {name} is stored in {some(paths)} with shape {stored.shape} in chunks of {stored.encoding.chunks}: the last chunk is "
        "not full, and in kerchunk references no other file can follow it. Make a Zarr store, which holds the values"
    )
    return PartialChunksError(message, name, paths)


def refused_by_check(error: BaseException) -> bool:
    """Whether VirtualiZarr raised this because types, codecs or chunk shapes differ: said by the function, as its classes are coarse."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    return bool(code and code.co_name in CHECKS and "virtualizarr" in code.co_filename)


def _differing(name: str, found: Mapping[Encoding, Sequence[str]]) -> DifferingEncodingError:
    usual, *odd = sorted(found.items(), key=lambda item: len(item[1]), reverse=True)
    others = "; ".join(f"in {some(files)} as {encoding}" for encoding, files in odd)
    message = (
        f"variable {name} is stored {others}; in the other {len(usual[1])} file(s), as in {usual[1][0]}, as {usual[0]}. "
        "Kerchunk references have one encoding for all files: make a Zarr store, which holds the values"
    )
    return DifferingEncodingError(message, name, (file for _, files in odd for file in files))


def _unsupported(path: str, names: Iterable[str]) -> UnsupportedFilterError | None:
    """The first of these variables that kerchunk itself does not take, for its filters (`kerchunk/hdf.py:247`)."""
    from kerchunk.hdf import Hdf5FeatureNotSupported, SingleHdf5ToZarr

    stored = stored_in(path)
    wanted = [name for name in names if name in stored and stored[name].encoding.filters]
    if not wanted:
        return None
    import h5py

    with h5py.File(path) as file:
        for name in wanted:
            try:
                SingleHdf5ToZarr._decode_filters(None, file[name])
            except Hdf5FeatureNotSupported:
                if file[name].nbytes < INLINED_BYTES:
                    continue
                applied = in_words(stored[name].encoding.filters)
                message = f"variable {name} in {path} has the HDF5 filters {applied}, of which kerchunk references cannot undo one: "
                return UnsupportedFilterError(message + "make a Zarr store, which holds the values", name, [path])
    return None


def _axes(path: str, concat: Sequence[str]) -> dict[str, int | None]:
    """The variables that have one of the dimensions, and its place among theirs; all, with None, where the file has none of them."""
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        if not set(concat) & set(dataset.dimensions):
            return dict.fromkeys(dataset.variables)
        dimensions = {name: variable.dimensions for name, variable in dataset.variables.items()}
    places = {name: [found.index(one) for one in concat if one in found] for name, found in dimensions.items()}
    return {name: found[0] for name, found in places.items() if found}
