"""Source files laid beside the product for PADOCC's validation: each at its place, with its times in the product's units.

PADOCC looks for a file's place by the first value of its coordinate, with a tolerance of 1e-5 of that value
(`padocc/phases/validate.py:1330`): for seconds since 1970 that is four hours, so the hours before the file are taken for its own.
Without a coordinate every file begins at 0. And it holds numbers of time against each other in any units
(`padocc/phases/validate.py:1237`), with what xarray cut off when it wrote them again. Where a file belongs is known here, from the
order of the files and their lengths.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.encoding import Encoding, differences
from padocc_dagster.pipeline.comparison.products import described
from padocc_dagster.pipeline.comparison.seen import ENGINES
from padocc_dagster.pipeline.comparison.values import difference
from padocc_dagster.pipeline.making.replacing import replaced
from padocc_dagster.pipeline.workdir.files import read_json
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.product import Product
from padocc_dagster.pipeline.workdir.specs import spec_of


class Times(NamedTuple):
    """A time of the product, or its bounds."""

    values: Any
    """Raw numbers."""
    encoding: Encoding
    units: dict[str, Any]
    """Its attributes `units` and `calendar`, those that it has."""
    is_joined: bool
    """Whether it runs along the dimension of concatenation."""


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
    times = _times_of(product, dimension)

    def open_dataset(path: Any, *rest: Any, **given: Any) -> Any:
        dataset = opened(path, *rest, **given)
        if path not in positions:
            return dataset
        if bare:
            dataset = dataset.assign_coords({dimension: positions[path]})
        if given.get("decode_times") is False:
            dataset = _with_times(dataset, times, positions[path])
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


def _times_of(product: Product, dimension: str) -> dict[str, Times]:
    import xarray

    with xarray.open_dataset(str(product.path), engine=ENGINES[product.cloud_format], decode_times=False) as dataset:
        found = {}
        for v in described(dataset.variables, {}).variables.values():
            if v.encoding.is_time:
                units: dict[str, Any] = {key: v.attributes[key] for key in ("units", "calendar") if key in v.attributes}
                found[v.name] = Times(dataset.variables[v.name].values, v.encoding, units, v.dimensions[:1] == (dimension,))
        return found


def _with_times(dataset: Any, times: Mapping[str, Times], place: range) -> Any:
    """A source, opened undecoded, with the product's numbers and units for those of its times that are the same times."""
    own = described(dataset.variables, {}).variables
    for name in own.keys() & times.keys():
        variable, (values, encoding, units, is_joined) = dataset.variables[name], times[name]
        part = values[place.start : place.stop] if is_joined else values
        raw = not differences(own[name].encoding, encoding)
        if own[name].encoding.is_time and not difference(variable.values, part, own[name].encoding, encoding, raw, rewritten=True):
            dataset = dataset.assign({name: (variable.dims, part, {**variable.attrs, **units})})
    return dataset


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
