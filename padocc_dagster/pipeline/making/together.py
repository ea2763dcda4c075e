"""A Zarr store written by several processes: each opens its share of the files, joins them, and writes its own region of the store.

PADOCC opens the files with `open_mfdataset` and calls `to_zarr` (`padocc/phases/compute.py:1690,1739`). Here the process in which it runs
gets all but the values: a dataset of the same form, whose values along the joined dimension stay where the files were opened. Wherever
that is not sure to give the same store, xarray does it all itself.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import lcm
from typing import Any, NamedTuple

from padocc_dagster.pipeline.comparison.children import Children
from padocc_dagster.pipeline.making.replacing import replaced

JOINED: dict[str, Any] = {"compat": "no_conflicts", "data_vars": "all", "coords": "different", "join": "outer", "combine_attrs": "override"}
"""How `open_mfdataset` joins files, where nothing else is requested."""
_own: dict[str, Any] = {}
"""In a process that shares the work: the dataset of its files."""


class Share(NamedTuple):
    """The files of one process, the dimension along which they are joined, and how xarray opens them."""

    paths: Sequence[str]
    dimension: str
    options: dict[str, Any]


class Form(NamedTuple):
    """What a process opened: a dataset of the same form, the variables of which it keeps the values, and their length."""

    dataset: Any
    names: tuple[str, ...]
    length: int


class Region(NamedTuple):
    """Where a process writes the values that it keeps."""

    store: str
    dimension: str
    begin: int


@contextmanager
def stores_together(processes: Children | None) -> Iterator[None]:
    """For the block, xarray opens files and writes a Zarr store in all processes, or in this one alone; dask starts no threads."""
    import dask
    import xarray

    open_many, to_zarr = xarray.open_mfdataset, xarray.Dataset.to_zarr
    asked: list[tuple[Any, dict[str, Any]]] = []
    forms: list[Form] = []

    def many(paths: Any, **given: Any) -> Any:
        is_first, joined = not asked, None
        asked.append((paths, given))
        if processes and is_first:
            forms[:], joined = _opened(processes, list(paths), given)
        return open_many(paths, **given) if joined is None else joined

    def written(dataset: Any, store: Any, **given: Any) -> Any:
        if not forms:
            return to_zarr(dataset, store, **given)
        (paths, options), kept = asked[0], forms[:]
        forms.clear()
        try:
            with dask.config.set(scheduler=_nothing):  # metadata, and what is in memory; a `Delayed` of it all takes longer to make
                dataset.to_zarr(store, **given)
            if processes and _write(processes, kept, dataset, store, options["concat_dim"][0]):
                return None
        except Exception as error:
            warnings.warn(f"several processes could not write {store} ({type(error).__name__}: {error}): one does", stacklevel=1)
        return to_zarr(xarray.open_mfdataset(paths, **options), store, **{**given, "mode": "w"})

    with dask.config.set(scheduler="synchronous"):
        with replaced(xarray, open_mfdataset=many), replaced(xarray.Dataset, to_zarr=written):
            yield


def _nothing(graph: Any, keys: Any, **options: Any) -> Any:
    """A scheduler of dask's that computes nothing."""
    return [_nothing(graph, key) for key in keys] if isinstance(keys, list) else None


def _opened(processes: Children, paths: list[str], given: dict[str, Any]) -> tuple[list[Form], Any]:
    """The forms of all shares, and what they are joined to; nothing where xarray had better open the files itself."""
    import xarray

    along = given.get("concat_dim")
    if given.get("combine") != "nested" or not isinstance(along, list) or len(along) != 1 or len(paths) < 2 * processes.count:
        return [], None
    size = -(-len(paths) // processes.count)
    shares = [Share(paths[start : start + size], along[0], given) for start in range(0, len(paths), size)]
    if len(shares) != processes.count:
        return [], None
    try:
        forms = processes.each(_open_share, shares)
        if not _go_together(forms, along[0]):
            return [], None
        how = {name: given.get(name, default) for name, default in JOINED.items()}
        return forms, xarray.combine_nested([form.dataset for form in forms], concat_dim=along, **how)
    except Exception:  # xarray fails with the same, and names the file
        return [], None


def _go_together(forms: Sequence[Form], dimension: str) -> bool:
    """Whether all shares have the same variables, and differ along the joined dimension alone; and begin with a chunk of the store."""
    first = forms[0]
    for form in forms[1:]:
        alike = (dict(form.dataset.dtypes), form.names) == (dict(first.dataset.dtypes), first.names)
        same = all(form.dataset.indexes[name].equals(index) for name, index in first.dataset.indexes.items() if name != dimension)
        if not alike or not same or set(form.dataset.variables) != set(first.dataset.variables):
            return False
    largest = [max(max(form.dataset[name].chunksizes[dimension]) for form in forms) for name in first.names]
    return bool(first.names) and all(begin % chunk == 0 for begin in _begins(forms) for chunk in largest)


def _begins(forms: Sequence[Form]) -> list[int]:
    return [sum(form.length for form in forms[:number]) for number in range(len(forms))]


def _write(processes: Children, forms: Sequence[Form], dataset: Any, store: str, dimension: str) -> bool:
    """Fill a store that has its metadata: each process writes its own values, this one the rest. False where chunks would be shared."""
    import zarr

    names, group = forms[0].names, zarr.open_group(store, mode="r")
    step = lcm(*(_chunks_of(group, name)[dataset[name].dims.index(dimension)] for name in names))
    if any(begin % step for begin in _begins(forms)):
        return False
    rest = [name for name, variable in dataset.variables.items() if variable.chunks is not None and name not in names]
    if rest:
        dataset[rest].drop_vars([name for name in dataset[rest].variables if name not in rest]).to_zarr(store, mode="r+")
    processes.each(_write_region, [Region(store, dimension, begin) for begin in _begins(forms)])
    return True


def _chunks_of(group: Any, name: str) -> tuple[int, ...]:
    chunks: tuple[int, ...] = group[name].chunks
    return chunks


def _open_share(share: Share) -> Form:
    """Open some files, as xarray does it for all, and keep their values here."""
    import dask
    import xarray

    with dask.config.set(scheduler="synchronous"):
        whole = xarray.open_mfdataset(share.paths, **share.options)
        chunked = {name: variable for name, variable in whole.variables.items() if variable.chunks is not None}
        kept = [name for name, variable in chunked.items() if share.dimension in variable.dims and name in whole.data_vars]
        shown = {}
        for name, variable in chunked.items():
            if name in kept:
                values = dask.array.zeros(variable.shape, dtype=variable.dtype, chunks=variable.chunks)
            else:
                values = dask.array.from_array(variable.values, chunks=variable.chunks)  # type: ignore[no-untyped-call]
            shown[name] = xarray.Variable(variable.dims, values, variable.attrs, variable.encoding)
    _own["dataset"] = whole[kept].drop_vars([name for name in whole[kept].variables if name not in kept])
    form = whole.assign(shown)
    form.set_close(None)
    return Form(form, tuple(map(str, kept)), whole.sizes[share.dimension])


def _write_region(region: Region) -> None:
    import dask
    import zarr

    own, group = _own.pop("dataset"), zarr.open_group(region.store, mode="r")
    for name, variable in own.variables.items():
        own[name] = own[name].chunk(dict(zip(variable.dims, _chunks_of(group, str(name)), strict=True)))
    end = region.begin + own.sizes[region.dimension]
    with dask.config.set(scheduler="synchronous"):
        own.to_zarr(region.store, region={region.dimension: slice(region.begin, end)})
