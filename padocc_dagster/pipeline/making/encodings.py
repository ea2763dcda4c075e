"""How source files store their variables, as far as kerchunk references depend on it: type with byte order, filters, shape of chunks.

VirtualiZarr refuses to join arrays that differ in one of these (`virtualizarr/manifests/utils.py:202,222,233`). Kerchunk's
MultiZarrToZarr takes those of the first file for all, and so makes garbage of the others (`kerchunk/combine.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from padocc_dagster.pipeline.making.refusals import DifferingEncodingError, SourcesRefused, UnsupportedFilterError, some

CHECKS = ("check_same_dtypes", "check_same_codecs", "check_same_chunk_shapes", "result_type")
"""Functions of VirtualiZarr that refuse what differs (`virtualizarr/manifests/utils.py`, `array_api.py:44`)."""
HDF5 = b"\x89HDF\r\n\x1a\n"
INLINED_BYTES = 100
"""Variables smaller than this are read by kerchunk whatever their filters are (`kerchunk/hdf.py:141`)."""
NAMES = {
    1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset",
    32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd",
}
"""HDF5's filters by number."""


class Filter(NamedTuple):
    """One filter of a pipeline, with its parameters as HDF5 stores them."""

    number: int
    parameters: tuple[int, ...]

    def __str__(self) -> str:
        name = NAMES.get(self.number, f"filter {self.number}")
        return f"{name} {self.parameters[0]}" if self.number == 1 and self.parameters else name


class Encoding(NamedTuple):
    """How a file stores a variable."""

    dtype: str
    """NumPy's name with byte order, as in `<f4`."""
    filters: tuple[Filter, ...]
    """In the order in which they were applied."""
    chunks: tuple[int, ...]
    """The shape of a chunk; of a variable that is not chunked, its own shape."""

    def __str__(self) -> str:
        applied = ", ".join(map(str, self.filters)) or "no filter"
        return f"{self.dtype}, {applied}, chunks {'x'.join(map(str, self.chunks)) or 'none'}"


def encodings_of(path: str) -> dict[str, Encoding]:
    """The encodings of a file's variables, by name. Of a NetCDF3 file, in which nothing is filtered, the types only."""
    return _of_hdf5(path) if is_hdf5(path) else _of_netcdf3(path)


def is_hdf5(path: str) -> bool:
    """Whether a file is HDF5, and so NetCDF4, by its first bytes."""
    with open(path, "rb") as file:
        return file.read(len(HDF5)) == HDF5


def refusal_of(files: Sequence[str], concat: Sequence[str], dropped: Iterable[str] = ()) -> SourcesRefused | None:
    """Why kerchunk references of these files would be wrong, whichever aggregator makes them; None where nothing is found.

    `concat` are the dimensions along which files follow each other; a dimension that the files do not have stacks all variables. Its
    own coordinate does not count: both aggregators read its values and write them anew. Variables without these dimensions do not
    count either: the first file's are taken. Raises OSError for a file that cannot be read.
    """
    along = _along(files[0], concat) - {*dropped, *concat}
    unsupported = _unsupported(files[0], sorted(along))
    if unsupported:
        return unsupported
    kinds: dict[str, dict[Encoding, list[str]]] = {}
    for path in files:
        for name, encoding in encodings_of(path).items():
            if name in along:
                kinds.setdefault(name, {}).setdefault(encoding, []).append(path)
    for name, found in kinds.items():
        if len(found) > 1:
            return _unsupported(min(found.values(), key=len)[0], [name]) or _differing(name, found)
    return None


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

    encodings = encodings_of(path)
    wanted = [name for name in names if name in encodings and encodings[name].filters]
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
                applied = ", ".join(map(str, encodings[name].filters))
                message = f"variable {name} in {path} has the HDF5 filters {applied}, of which kerchunk references cannot undo one: "
                return UnsupportedFilterError(message + "make a Zarr store, which holds the values", name, [path])
    return None


def _along(path: str, concat: Sequence[str]) -> set[str]:
    """The variables that have one of the dimensions; all where the file has none of them."""
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        stacked = not set(concat) & set(dataset.dimensions)
        return {name for name, variable in dataset.variables.items() if stacked or set(concat) & set(variable.dimensions)}


def _of_hdf5(path: str) -> dict[str, Encoding]:
    import h5py

    with h5py.File(path) as file:
        return {name: _encoding(found) for name, found in file.items() if isinstance(found, h5py.Dataset) and found.shape is not None}


def _encoding(dataset: Any) -> Encoding:
    properties = dataset.id.get_create_plist()
    filters = (properties.get_filter(number) for number in range(properties.get_nfilters()))
    applied = tuple(Filter(number, tuple(values)) for number, _, values, _ in filters)
    return Encoding(dataset.dtype.str, applied, dataset.chunks or dataset.shape)


def _of_netcdf3(path: str) -> dict[str, Encoding]:
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        return {name: Encoding(f">{found.dtype.str[1:]}", (), ()) for name, found in dataset.variables.items()}
