"""The source files: their headers, and their values as stored. Read with netCDF4, without xarray or kerchunk."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from padocc_dagster.pipeline.comparison.encoding import Encoding, encoding_of, inherit
from padocc_dagster.pipeline.source_states import digest, states_of

ENCODING_ATTRIBUTES = ("units", "calendar", "scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned", "dtype")
BOUNDS_ATTRIBUTES = ("bounds", "climatology")


class SourceError(Exception):
    """A source file that cannot be compared; the sentence says why."""


@dataclass(frozen=True)
class SourceVariable:
    """One variable of a source file, without its sizes."""

    name: str
    dimensions: tuple[str, ...]
    encoding: Encoding
    itemsize: int

    @property
    def is_char(self) -> bool:
        return self.encoding.dtype == "str" and self.itemsize == 1


@dataclass(frozen=True, slots=True)
class Header:
    """What one file says of its variables. Parts that files have in common are the same object, so that 50 000 stay small."""

    sizes: tuple[tuple[str, int], ...]
    variables: tuple[SourceVariable, ...]

    def size(self, dimension: str) -> int | None:
        return dict(self.sizes).get(dimension)

    def shape(self, variable: SourceVariable) -> tuple[int, ...]:
        sizes = dict(self.sizes)
        return tuple(sizes[d] for d in variable.dimensions)

    def variable(self, name: str) -> SourceVariable | None:
        return next((v for v in self.variables if v.name == name), None)


def source_fingerprint(sources: Iterable[str]) -> str:
    """The digest of the files' states, in order: see `source_states.digest`. Raises OSError for a missing one."""
    return digest(states_of(sources))


def read_header(path: str, common: dict[Any, Any]) -> Header:
    """Read one file's header. `common` holds the parts seen in other files. Raises SourceError for what cannot be compared."""
    with opened(path) as dataset:
        if dataset.groups:
            raise SourceError(f"{path} has groups ({', '.join(dataset.groups)}), which products do not keep: flatten the file")
        sizes = tuple((name, len(dimension)) for name, dimension in dataset.dimensions.items())
        variables = tuple(common.setdefault(v, v) for v in _variables(path, dataset))
    return Header(common.setdefault(sizes, sizes), common.setdefault(variables, variables))


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """Open a source file with every sort of decoding off. Raises SourceError when netCDF4 cannot open it."""
    import netCDF4

    try:
        dataset = netCDF4.Dataset(path)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path} cannot be opened as NetCDF: {error}") from error
    try:
        dataset.set_auto_maskandscale(False)
        dataset.set_auto_chartostring(False)
        yield dataset
    finally:
        dataset.close()


def read_block(dataset: Any, name: str, key: tuple[slice, ...]) -> Any:
    """The raw values of a part of a variable, as a NumPy array."""
    import numpy as np

    variable = dataset.variables[name]
    values = variable[key if key else ...]
    return np.asarray(values, dtype=object) if variable.dtype is str else np.asarray(values)


def attributes_of(path: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The global attributes of a file, and those of each variable."""
    with opened(path) as dataset:
        own = {v: {k: item.getncattr(k) for k in item.ncattrs()} for v, item in dataset.variables.items()}
        return {k: dataset.getncattr(k) for k in dataset.ncattrs()}, own


def _variables(path: str, dataset: Any) -> list[SourceVariable]:
    encodings, bounds = {}, {}
    for name, variable in dataset.variables.items():
        if getattr(variable, "_isvlen", False) and variable.dtype is not str:
            raise SourceError(f"variable {name} in {path} has a type of variable length, which cannot be compared")
        present = set(variable.ncattrs())
        encodings[name] = encoding_of(variable.dtype, {k: variable.getncattr(k) for k in ENCODING_ATTRIBUTES if k in present})
        bounds |= {variable.getncattr(k): name for k in BOUNDS_ATTRIBUTES if k in present}
    encodings = inherit(encodings, bounds)
    return [
        SourceVariable(name, tuple(v.dimensions), encodings[name], 64 if v.dtype is str else v.dtype.itemsize)
        for name, v in dataset.variables.items()
    ]
