"""PADOCC's work on single files done by several processes: references made, and read into virtual datasets.

PADOCC itself goes on as it always does, file after file, and finds each result ready. What a process could not do, PADOCC does itself, so
that it fails with the same error at the same file.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from padocc_dagster.pipeline.comparison.children import Children
from padocc_dagster.pipeline.making.replacing import replaced

NOTHING = (None, None)


@contextmanager
def references_ahead(children: Children | None, files: Sequence[str]) -> Iterator[None]:
    """For the block, PADOCC finds the references of the files, and the virtual datasets made of them, ready."""
    if children is None:
        yield
        return
    from padocc.phases import aggregate
    from padocc.phases.compute import KerchunkConverter

    run, open_virtual = KerchunkConverter.run, aggregate.open_virtual_dataset
    converted: Iterator[tuple[Any, Any]] = iter(())
    opened: Iterator[tuple[Any, Any]] = iter(())

    def run_ahead(converter: Any, path: str, extension: str | None = None, **options: Any) -> Any:
        nonlocal converted
        if len(files) > 1 and path == files[1]:  # the first one has found the driver
            convert = partial(_converted, converter._bypass_driver, extension, options)
            asked = ((file, extension, options) for file in files[1:])
            converted = zip(asked, children.map(convert, files[1:]), strict=True)
        asked_for, found = _next(converted)
        if found is not None and asked_for == (path, extension, options):
            return found
        return run(converter, path, extension=extension, **options)

    def open_ahead(url: str, **given: Any) -> Any:
        nonlocal opened
        folder, _, name = url.rpartition("/")
        if name == "0.json":
            urls = [f"{folder}/{number}.json" for number in range(len(files))]
            opened = zip(urls, children.map(_opened, urls), strict=True)
        asked_for, found = _next(opened)
        return found if found is not None and asked_for == url else open_virtual(url=url, **given)

    with replaced(KerchunkConverter, run=run_ahead), replaced(aggregate, open_virtual_dataset=open_ahead):
        yield


def _next(results: Iterator[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The next result; none from where one could not be sent between processes."""
    try:
        return next(results, NOTHING)
    except Exception:
        return NOTHING


def _converted(bypass_driver: bool, extension: str | None, options: dict[str, Any], path: str) -> Any:
    """The references of one file and the driver that made them, as PADOCC's converter returns them; None where it fails."""
    from padocc.core.logs import FalseLogger
    from padocc.phases.compute import KerchunkConverter

    gc.disable()  # see `collecting.py`
    try:
        return KerchunkConverter(logger=FalseLogger(), bypass_driver=bypass_driver).run(path, extension=extension, **options)
    except Exception:
        return None


def _opened(url: str) -> Any:
    """The virtual dataset of a file of references, as `padocc/phases/aggregate.py:80` opens it; None where that fails."""
    from padocc.phases import aggregate

    gc.enable()
    try:
        return aggregate.open_virtual_dataset(url=url, parser=aggregate.KerchunkJSONParser(), registry=_registry())
    except Exception:
        return None


@cache
def _registry() -> Any:
    from padocc.phases import aggregate

    store = aggregate.from_url("file://")
    return aggregate.ObjectStoreRegistry({"file://": store})
