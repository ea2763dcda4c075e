"""How PADOCC and xarray open source files and products: as a project's config has it.

PADOCC passes its `xarray_kwargs` on where it finds dimensions and where it samples sources (`padocc/phases/compute.py:908`,
`validate.py:1263`): not where it makes a Zarr store, and not to the product that it holds against the samples.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from padocc_dagster.pipeline.making.dimensions import with_identical
from padocc_dagster.pipeline.making.replacing import replaced

FOR_FILES_ONLY = ("engine",)


def opened_with(options: Mapping[str, Any], dropped: Iterable[str], sources: Iterable[str]) -> AbstractContextManager[None]:
    """For the block, sources are opened with these options and without the dropped variables, and products are decoded alike.

    Arguments that PADOCC gives itself take precedence.
    """
    import xarray

    open_one, open_many = xarray.open_dataset, xarray.open_mfdataset
    of_sources = {**options, **({"drop_variables": list(dropped)} if dropped else {})}
    of_products = {name: value for name, value in options.items() if name not in FOR_FILES_ONLY}
    known = set(sources)

    def one(path: Any, *rest: Any, **given: Any) -> Any:
        return open_one(path, *rest, **{**(of_sources if path in known else of_products), **given})

    def many(paths: Any, *rest: Any, **given: Any) -> Any:
        return open_many(paths, *rest, **{**of_sources, **given})

    return replaced(xarray, open_dataset=one, open_mfdataset=many)


def dropping(names: Iterable[str]) -> AbstractContextManager[None]:
    """For the block, references made by PADOCC leave these variables out.

    PADOCC 1.5.1 only knows variables that are kept (`padocc/phases/compute.py:969`), and always keeps a dimension's own coordinate.
    """
    from padocc.phases.compute import KerchunkDS

    names, determine = list(names), KerchunkDS._determine_drop_vars

    def with_more(operation: Any, reference: dict[str, Any]) -> None:
        determine(operation, reference)
        operation.drop_vars = [*operation.drop_vars, *names]

    return replaced(KerchunkDS, _determine_drop_vars=with_more)


@contextmanager
def identical_too(identical: Sequence[str], files: Sequence[str]) -> Iterator[None]:
    """For the block, what PADOCC finds of dimensions has these in addition, and all files have the first file's values of them.

    xarray would otherwise align the files, and make a longer dimension of two that differ in the last digits.
    """
    if not identical:
        yield
        return
    import xarray
    from padocc.phases.compute import ComputeOperation

    determine, combine = ComputeOperation._determine_dim_specs, xarray.combine_nested
    open_files, open_file = xarray.open_mfdataset, xarray.open_dataset
    known = set(files)

    def with_more(operation: Any) -> None:
        determine(operation)
        operation.combine_kwargs = with_identical(operation.combine_kwargs, identical, files[0])

    def combined(datasets: Sequence[Any], *rest: Any, **options: Any) -> Any:
        return combine([_with_those_of(datasets[0], dataset, identical) for dataset in datasets], *rest, **options)

    def opened_together(paths: Any, **options: Any) -> Any:
        with open_file(paths[0]) as first:
            first = first[[name for name in identical if name in first.variables]].load()
            return open_files(paths, **{"preprocess": lambda dataset: _with_those_of(first, dataset, identical), **options})

    def opened(path: Any, *rest: Any, **options: Any) -> Any:
        dataset = open_file(path, *rest, **options)
        if path not in known or path == files[0]:
            return dataset
        with open_file(files[0], *rest, **options) as first:
            return _with_those_of(first[[name for name in identical if name in first.variables]].load(), dataset, identical)

    with replaced(ComputeOperation, _determine_dim_specs=with_more):
        with replaced(xarray, combine_nested=combined, open_mfdataset=opened_together, open_dataset=opened):
            yield


def _with_those_of(first: Any, dataset: Any, names: Sequence[str]) -> Any:
    """A dataset with another's variables of these names."""
    return dataset.assign({name: first.variables[name] for name in names if name in dataset.variables and name in first.variables})


def regular_chunks() -> AbstractContextManager[None]:
    """For the block, files opened together come in regular chunks: along a dimension, all as large as the largest.

    PADOCC writes a Zarr store in the chunks that the source files have (`padocc/phases/compute.py:1731`). Where those differ from file to
    file, as in months of 31, 28 and 31 days, xarray refuses to write.
    """
    import xarray

    open_files = xarray.open_mfdataset
    return replaced(xarray, open_mfdataset=lambda *files, **options: _regular(open_files(*files, **options)))


def _regular(dataset: Any) -> Any:
    for name, variable in dataset.variables.items():
        irregular = {dimension: max(sizes) for dimension, sizes in variable.chunksizes.items() if _differ(sizes)}
        if irregular:
            dataset[name] = dataset[name].chunk(irregular)
    return dataset


def _differ(sizes: tuple[int, ...]) -> bool:
    """Whether Zarr cannot hold these chunks: all of one size, except that the last may be smaller."""
    return any(size != sizes[0] for size in sizes[:-1]) or sizes[-1] > sizes[0]
