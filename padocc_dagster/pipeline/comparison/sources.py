"""The source files: their headers, and their values as stored. Read with netCDF4 and the chunk index, without xarray or kerchunk."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from padocc_dagster.pipeline.comparison.attributes import ENCODING, NOISE, REFERRING, Value, normal, with_meaning
from padocc_dagster.pipeline.comparison.chunk_index import Index, opened_index
from padocc_dagster.pipeline.comparison.encoding import BOUNDS_ATTRIBUTES, Encoding, encoding_of, inherit
from padocc_dagster.pipeline.comparison.storage import Storage
from padocc_dagster.pipeline.workdir.source_states import digest, states_of


class SourceError(Exception):
    """A source file that cannot be compared; the sentence says why."""


@dataclass(frozen=True)
class SourceVariable:
    """One variable of a source file, without its sizes and its values."""

    name: str
    dimensions: tuple[str, ...]
    encoding: Encoding
    itemsize: int
    storage: Storage | None = None
    """How its chunks are stored; None where the file is neither HDF5 nor NetCDF3."""
    meaning: tuple[tuple[str, Value], ...] = ()
    """The attributes that give its values their meaning."""

    @property
    def is_char(self) -> bool:
        return self.encoding.dtype == "str" and self.itemsize == 1


@dataclass(frozen=True, slots=True)
class Header:
    """What one file says of its variables. Parts that files have in common are the same object, so that 50 000 stay small."""

    sizes: tuple[tuple[str, int], ...]
    variables: tuple[SourceVariable, ...]
    coordinates: frozenset[str] = frozenset()
    """The variables that xarray takes for coordinates: those of a dimension's name, and those that `coordinates` attributes name."""

    def size(self, dimension: str) -> int | None:
        return dict(self.sizes).get(dimension)

    def shape(self, variable: SourceVariable) -> tuple[int, ...]:
        sizes = dict(self.sizes)
        return tuple(sizes[d] for d in variable.dimensions)

    def variable(self, name: str) -> SourceVariable | None:
        return next((v for v in self.variables if v.name == name), None)


@dataclass
class Differing:
    """An attribute without bearing on values that is not the same in all files."""

    first_file: str
    """The first file that has it otherwise than the first of all."""
    value: Any
    files: int = 1


@dataclass
class Common:
    """What the headers of a project's files share, gathered while they are read one after another."""

    parts: dict[Any, Any] = field(default_factory=dict)
    """Equal parts of headers, each kept once."""
    attributes: dict[tuple[str, str], Value] | None = None
    """Of the first file: variable (empty for global ones) and attribute → value, those without bearing on values."""
    differing: dict[tuple[str, str], Differing] = field(default_factory=dict)

    def same_part(self, part: Any) -> Any:
        return self.parts.setdefault(part, part)

    def note(self, path: str, found: dict[tuple[str, str], Value]) -> None:
        """Count what is otherwise than in the first file."""
        if self.attributes is None:
            self.attributes = found
            return
        if found == self.attributes:
            return
        for key in found.keys() | self.attributes.keys():
            if found.get(key) == self.attributes.get(key):
                continue
            if key in self.differing:
                self.differing[key].files += 1
            else:
                self.differing[key] = Differing(path, found.get(key))


def source_fingerprint(sources: Iterable[str]) -> str:
    """The digest of the files' states, in order: see `source_states.digest`. Raises OSError for a missing one."""
    return digest(states_of(sources))


def read_header(path: str, common: Common) -> Header:
    """Read one file's header. Raises SourceError for what cannot be compared, and OSError."""
    with opened(path) as dataset, opened_index(path) as index:
        if dataset.groups:
            raise SourceError(f"{path} has groups ({', '.join(dataset.groups)}), which products do not keep: flatten the file")
        sizes = tuple((name, len(dimension)) for name, dimension in dataset.dimensions.items())
        attributes = {name: _attributes(variable) for name, variable in dataset.variables.items()}
        variables = tuple(map(common.same_part, variables_of(path, dataset, attributes, index, common)))
        others = {("", name): normal(value) for name, value in _attributes(dataset).items() if name not in NOISE}
    others |= {
        (v.name, name): normal(value)
        for v in variables
        for name, value in attributes[v.name].items()
        if name not in NOISE and name not in dict(v.meaning)
    }
    common.note(path, others)
    named = coordinates_of(dataset.dimensions, attributes)
    return Header(common.same_part(sizes), common.same_part(variables), common.same_part(named))


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
        return _attributes(dataset), {name: _attributes(variable) for name, variable in dataset.variables.items()}


def _attributes(item: Any) -> dict[str, Any]:
    return {name: item.getncattr(name) for name in item.ncattrs()}


def variables_of(path: str, dataset: Any, attributes: dict[str, dict[str, Any]], index: Index, common: Common) -> list[SourceVariable]:
    """The variables of an open file, whose attributes are given. Raises SourceError for what cannot be compared."""
    encodings: dict[str, Encoding] = {}
    bounds: dict[str, str] = {}
    for name, variable in dataset.variables.items():
        if getattr(variable, "_isvlen", False) and variable.dtype is not str:
            raise SourceError(f"variable {name} in {path} has a type of variable length, which cannot be compared")
        own = attributes[name]
        encodings[name] = _encoding(variable.dtype, own, common)
        bounds |= {own[key]: name for key in BOUNDS_ATTRIBUTES if key in own}
    encodings = inherit(encodings, bounds)
    return [
        SourceVariable(
            name,
            tuple(v.dimensions),
            encodings[name],
            64 if v.dtype is str else v.dtype.itemsize,
            index.storage(name),
            with_meaning(attributes[name]),
        )
        for name, v in dataset.variables.items()
    ]


def _encoding(dtype: Any, own: dict[str, Any], common: Common) -> Encoding:
    """The encoding of a variable, worked out once for all files that declare the same."""
    declared = {name: own[name] for name in own if name in ENCODING}
    key = (dtype, *((name, str(type(value)), normal(value)) for name, value in declared.items()))
    if key not in common.parts:
        common.parts[key] = encoding_of(dtype, declared)
    encoding: Encoding = common.parts[key]
    return encoding


def coordinates_of(dimensions: Iterable[str], attributes: dict[str, dict[str, Any]]) -> frozenset[str]:
    """As `xarray.conventions.decode_cf_variables` finds them: an attribute counts only when all that it names is there."""
    named = {dimension for dimension in dimensions if dimension in attributes}
    for own in attributes.values():
        words = str(own.get(REFERRING[0], "")).split()
        if all(word in attributes for word in words):
            named.update(words)
    return frozenset(named)
