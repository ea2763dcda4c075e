"""Garbage collection while PADOCC makes kerchunk references of HDF5 files, which can deadlock (VirtualiZarr#1072, h5py#2019).

kerchunk visits a file's objects holding h5py's lock (`kerchunk/hdf.py`, `visititems`), and waits in there for the thread of zarr. When
Python collects garbage in that thread and finds an h5py object, it waits for the lock: for ever.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from padocc_dagster.pipeline.making.replacing import replaced

FILES_BETWEEN_FULL_COLLECTIONS = 100
YOUNG = 1
"""The generations that are collected after every file: what one file has left, in little time."""


@contextmanager
def collecting_between_files() -> Iterator[None]:
    """For the block, while references are made, Python collects garbage after each source file, in this thread, and never within one.

    From the last file on, when the references are put together (`padocc/phases/compute.py:1259`), it collects as it always does.
    """
    from padocc.phases.compute import KerchunkConverter, KerchunkDS

    create, combine, run = KerchunkDS.create_refs, KerchunkDS._combine_and_save, KerchunkConverter.run
    enabled, files = gc.isenabled(), 0
    gc.freeze()  # what was there before is not looked at again with every full collection

    def create_uncollected(operation: Any, *arguments: Any, **options: Any) -> Any:
        gc.disable()
        try:
            return create(operation, *arguments, **options)
        finally:
            if enabled:
                gc.enable()

    def run_and_collect(converter: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal files
        try:
            return run(converter, *arguments, **options)
        finally:
            files += 1
            gc.collect() if files % FILES_BETWEEN_FULL_COLLECTIONS == 0 else gc.collect(YOUNG)

    def combine_collected(operation: Any, *arguments: Any, **options: Any) -> Any:
        if enabled:
            gc.enable()
        return combine(operation, *arguments, **options)

    with replaced(KerchunkDS, create_refs=create_uncollected, _combine_and_save=combine_collected):
        with replaced(KerchunkConverter, run=run_and_collect):
            yield
