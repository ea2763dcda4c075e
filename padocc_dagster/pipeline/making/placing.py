"""Source files laid beside the product for PADOCC's validation: each at its place, with its times in the product's units.

PADOCC looks for a file's place by the first value of its coordinate, with a tolerance of 1e-5 of that value
(`padocc/phases/validate.py:1330`): for seconds since 1970 that is four hours, so the hours before the file are taken for its own.
Without a coordinate every file begins at 0. And it holds numbers of time against each other whatever their units are
(`padocc/phases/validate.py:1237`), and whatever xarray cut off when it wrote them again. Where a file belongs is known here, from the
order of the files and their lengths.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.encoding import Encoding
from padocc_dagster.pipeline.comparison.seen import ENGINES
from padocc_dagster.pipeline.comparison.times import rounded_equal
from padocc_dagster.pipeline.making.replacing import replaced
from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster.pipeline.workdir.specs import spec_of


class Times(NamedTuple):
    """The encoding of a time."""

    units: str
    calendar: str


@contextmanager
def placed(workdir: Workdir, project: Project, sources: Sequence[str], product: Product) -> Iterator[None]:
    """For the block, PADOCC finds each source at its place along the one dimension of concatenation, with times as in the product."""
    import xarray
    from padocc.phases.validate import ValidateOperation

    kwargs = read_json(workdir.detail_cfg(project)).get("kwargs") or {}
    concat = list((kwargs.get("combine_kwargs") or {}).get("concat_dims") or ())
    lengths = _lengths(sources, concat[0]) if len(concat) == 1 else []
    if not lengths:
        yield
        return
    dimension, starts = concat[0], [0, *accumulate(lengths)]
    positions = {path: range(start, end) for path, start, end in zip(sources, starts, starts[1:], strict=False)}
    bare = not _has_coordinate(sources, dimension, spec_of(workdir, project).dropped)
    opened, sliced = xarray.open_dataset, ValidateOperation._get_preslice
    wanted, written = _times_of(product, dimension)

    def open_dataset(path: Any, *rest: Any, **given: Any) -> Any:
        dataset = opened(path, *rest, **given)
        if path not in positions:
            return dataset
        if bare:
            dataset = dataset.assign_coords({dimension: positions[path]})
        if given.get("decode_times") is False:
            dataset = _as_written(_in_units(dataset, wanted), wanted, written, positions[path])
        return dataset

    def preslice(operation: Any, test: Any, sample: Any, variables: Sequence[str], rf: int = 0) -> Any:
        place = positions[operation.allfiles[rf]]
        numbered = test.assign_coords({dimension: range(test.sizes[dimension])}), sample.assign_coords({dimension: place})
        found = sliced(operation, *numbered, variables, rf=rf)
        for slices in found._preslice_set.values():
            if slices and isinstance(slices.get(dimension), slice):
                slices[dimension] = slice(place.start, place.stop)
        return found

    with replaced(xarray, open_dataset=open_dataset), replaced(ValidateOperation, _get_preslice=preslice):
        yield


def _times_of(product: Product, dimension: str) -> tuple[dict[str, Times], dict[str, Any]]:
    """How the product encodes its times, and the numbers of those that begin with the dimension of concatenation."""
    import xarray

    with xarray.open_dataset(str(product.path), engine=ENGINES[product.cloud_format], decode_times=False) as dataset:
        times = _times_in(dataset)
        found = {name: dataset.variables[name] for name in times if name in dataset.variables}
        return times, {name: variable.values for name, variable in found.items() if variable.dims[:1] == (dimension,)}


def _times_in(dataset: Any) -> dict[str, Times]:
    """Time variables that were opened undecoded, with their units; bounds have those of what they bound."""
    found: dict[str, Times] = {}
    for name, variable in dataset.variables.items():
        if " since " in str(variable.attrs.get("units", "")):
            times = Times(str(variable.attrs["units"]), _calendar(variable.attrs.get("calendar")))
            found[str(name)] = times
            if "bounds" in variable.attrs:
                found.setdefault(str(variable.attrs["bounds"]), times)
    return found


def _calendar(name: Any) -> str:
    return "standard" if name in (None, "gregorian") else str(name)


def _in_units(dataset: Any, wanted: Mapping[str, Times]) -> Any:
    """The dataset, opened undecoded, with the numbers of its times in these units; a time that cannot be decoded stays as it is."""
    for name, own in _times_in(dataset).items():
        if name in dataset.variables and wanted.get(name, own) != own:
            variable = dataset.variables[name]
            with suppress(ValueError):
                values = _converted(variable.values, own, wanted[name])
                dataset = dataset.assign({name: (variable.dims, values, {**variable.attrs, **wanted[name]._asdict()})})
    return dataset


def _as_written(dataset: Any, times: Mapping[str, Times], written: Mapping[str, Any], place: range) -> Any:
    """The dataset with the product's numbers for those times of its own that differ by no more than xarray cuts off."""
    import numpy as np

    for name, numbers in written.items():
        variable, part = dataset.variables.get(name), numbers[place.start : place.stop]
        if variable is not None and variable.shape == part.shape and variable.dtype.kind == part.dtype.kind == "f":
            with suppress(ValueError):
                equal = rounded_equal(variable.values, part, Encoding(str(part.dtype), *times[name]))
                dataset = dataset.assign({name: (variable.dims, np.where(equal, part, variable.values), variable.attrs)})
    return dataset


def _converted(values: Any, own: Times, wanted: Times) -> Any:
    import cftime
    import numpy as np

    numbers = np.array(values, dtype="f8")
    known = np.isfinite(numbers)
    if known.any():
        numbers[known] = cftime.date2num(cftime.num2date(numbers[known], *own), *wanted)
    return numbers


def _lengths(sources: Sequence[str], dimension: str) -> list[int]:
    """The files' lengths along the dimension; empty when one does not have it."""
    import netCDF4

    lengths = []
    for path in sources:
        with netCDF4.Dataset(path) as dataset:
            if dimension not in dataset.dimensions:
                return []
            lengths.append(len(dataset.dimensions[dimension]))
    return lengths


def _has_coordinate(sources: Sequence[str], dimension: str, dropped: Sequence[str]) -> bool:
    import netCDF4

    with netCDF4.Dataset(sources[0]) as dataset:
        return dimension in dataset.variables and dimension not in dropped
