"""What one source file declares of each of its variables, as far as a product depends on it. Read from the header alone."""

from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.attributes import Value, normal
from padocc_dagster.pipeline.comparison.chunk_index import Index, opened_index
from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.sources import Common, coordinates_of, variables_of
from padocc_dagster.pipeline.comparison.storage import Storage

Filters = tuple[tuple[int, tuple[int, ...]], ...]
"""HDF5's numbers and parameters of filters, in the order in which they were applied."""


class Stored(NamedTuple):
    """How a file stores a variable."""

    dtype: str
    """NumPy's name with byte order, as in `<f4`."""
    filters: Filters
    chunks: tuple[int, ...]
    """The shape of a chunk; of a variable that is not chunked, its own shape; a record in a NetCDF3 file."""
    shape: tuple[int, ...]


class Declared(NamedTuple):
    """What a file declares of a variable."""

    dimensions: tuple[str, ...]
    dtype: str
    """As netCDF4 reads it, which is in the machine's byte order where the file is NetCDF3; `str` for texts of variable length."""
    encoding: Encoding
    """What its raw values mean; bounds have the units and the calendar of what they bound."""
    units: str | None
    """As the file spells them."""
    fill: Value | None
    """`_FillValue`; None where the file declares none."""
    meaning: tuple[tuple[str, Value], ...]
    """The attributes that give its values their meaning."""
    stored: Stored | None
    """None where the file is neither HDF5 nor NetCDF3."""


class Variables(NamedTuple):
    """All variables of a file, and which of them are coordinates."""

    declared: tuple[tuple[str, Declared], ...]
    coordinates: frozenset[str]


def variables_in(path: str, dataset: Any, common: Common) -> Variables:
    """What a file, which netCDF4 has opened, declares.

    Raises SourceError for a type that cannot be compared, OSError, and ValueError for a damaged header.
    """
    attributes = {name: {key: variable.getncattr(key) for key in variable.ncattrs()} for name, variable in dataset.variables.items()}
    found = []
    with opened_index(path) as index:
        for variable in variables_of(path, dataset, attributes, index, common):
            own, dtype = attributes[variable.name], dataset.variables[variable.name].dtype
            declared = Declared(
                variable.dimensions,
                "str" if dtype is str else dtype.str,
                variable.encoding,
                str(own["units"]) if "units" in own else None,
                normal(own["_FillValue"]) if "_FillValue" in own else None,
                variable.meaning,
                _stored(index, variable.name, variable.storage),
            )
            found.append((variable.name, declared))
    return Variables(tuple(found), coordinates_of(dataset.dimensions, attributes))


def _stored(index: Index, name: str, storage: Storage | None) -> Stored | None:
    if storage is None:
        return None
    shape, chunks = index.shapes(name)
    return Stored(storage.dtype, storage.hdf5_filters, chunks, shape)
