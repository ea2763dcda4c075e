"""Why kerchunk references of source files would be wrong: read again from the files where an aggregator fails, or before K begins.

VirtualiZarr refuses to join arrays that differ in type, codecs or chunk shapes (`virtualizarr/manifests/utils.py:202,222,233`). Kerchunk's
MultiZarrToZarr takes those of the first file for all, and so makes garbage of the others (`kerchunk/combine.py`).
"""

from collections.abc import Iterable, Sequence

from padocc_dagster.pipeline.comparison.chunk_index import opened_index
from padocc_dagster.pipeline.joining.declared import Filters
from padocc_dagster.pipeline.joining.odd import Kind
from padocc_dagster.pipeline.joining.preflight import filters_in_words, odd_files
from padocc_dagster.pipeline.joining.refusals import SourcesRefused, UnsupportedFilterError, refusal_among
from padocc_dagster.pipeline.joining.survey import headers_of

CHECKS = ("check_same_dtypes", "check_same_codecs", "check_same_chunk_shapes", "result_type")
"""Functions of VirtualiZarr that refuse what differs (`virtualizarr/manifests/utils.py`, `array_api.py:44`)."""
STORAGE = (Kind.TYPE, Kind.FILTERS, Kind.CHUNKS, Kind.PARTIAL)
INLINED_BYTES = 100
"""Variables smaller than this are read by kerchunk with any filters (`kerchunk/hdf.py:141`)."""


def refusal_of(files: Sequence[str], concat: Sequence[str], dropped: Iterable[str] = ()) -> SourcesRefused | None:
    """Why kerchunk references of these files would be wrong, whichever aggregator makes them; None where nothing is found.

    `concat` are the dimensions along which files follow each other; a dimension that the files do not have stacks all variables.
    Raises UnreadableSourceError for files that cannot be read.
    """
    if files[0].endswith(".tif"):
        return None
    unsupported = unsupported_in(files[0], dropped)
    if unsupported:
        return unsupported
    odd = [each for each in odd_files(headers_of(files), concat, dropped) if each.kind in STORAGE]
    return refusal_among(odd, "kerchunk")


def unsupported_in(path: str, dropped: Iterable[str]) -> UnsupportedFilterError | None:
    """The first variable of a file that kerchunk would leave out without a word, for a filter that it does not know."""
    return _unsupported(path, sorted(_filters(path).keys() - {*dropped}))


def refused_by_check(error: BaseException) -> bool:
    """Whether VirtualiZarr raised this because types, codecs or chunk shapes differ: said by the function, as its classes are coarse."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    return bool(code and code.co_name in CHECKS and "virtualizarr" in code.co_filename)


def _unsupported(path: str, names: Iterable[str]) -> UnsupportedFilterError | None:
    """The first of these variables that kerchunk itself does not take, for its filters (`kerchunk/hdf.py:247`)."""
    from kerchunk.hdf import Hdf5FeatureNotSupported, SingleHdf5ToZarr

    filters = _filters(path)
    wanted = [name for name in names if filters.get(name)]
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
                message = f"variable {name} in {path} {filters_in_words(filters[name])}, of which kerchunk references cannot undo one: "
                return UnsupportedFilterError(message + "make a Zarr store, which holds the values", name, [path])
    return None


def _filters(path: str) -> dict[str, Filters]:
    """The filters of each variable of an HDF5 file; of no other file."""
    with opened_index(path) as index:
        return {name: storage.hdf5_filters for name in index.names() if (storage := index.storage(name))}
