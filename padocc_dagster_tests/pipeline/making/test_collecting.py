"""No garbage is collected in the middle of a file's references, where it can deadlock, and none is left for long."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import pytest

from padocc_dagster.pipeline.making.collecting import collecting_between_files
from padocc_dagster.pipeline.making.operation import clear_cache, construct
from padocc_dagster_tests.pipeline.projects import Made


@contextmanager
def collections_within_files() -> Iterator[list[str]]:
    """The threads in which garbage is collected while a driver reads a file. Every allocation is an occasion."""
    from padocc.phases.compute import KerchunkConverter

    within, threads, read = False, [], KerchunkConverter._hdf5_to_zarr

    def read_watched(converter: object, path: str, **options: object) -> object:
        nonlocal within
        within = True
        try:
            return read(converter, path, **options)
        finally:
            within = False

    def seen(phase: str, _: dict[str, int]) -> None:
        if within and phase == "start":
            threads.append(threading.current_thread().name)

    thresholds = gc.get_threshold()
    KerchunkConverter._hdf5_to_zarr = read_watched
    gc.callbacks.append(seen)
    gc.set_threshold(1)
    try:
        yield threads
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(seen)
        KerchunkConverter._hdf5_to_zarr = read


def make_references(made: Made) -> None:
    from padocc.phases.compute import KerchunkDS

    clear_cache(made.workdir, made.project)
    construct(KerchunkDS, made.workdir, made.project, "compute").run(mode="kerchunk", aggregator="V")


def test_no_garbage_is_collected_while_a_file_is_read(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    with collections_within_files() as threads, collecting_between_files():
        make_references(made)
    assert threads == []
    assert gc.isenabled()
    assert made.verified()["problems"] == []


def test_without_that_it_is_collected_in_zarrs_thread(at: Callable[[str], Made]) -> None:
    """When this fails, zarr collects no garbage while kerchunk waits for it, and `making/collecting.py` is not needed any more."""
    with collections_within_files() as threads, nullcontext():
        make_references(at("scanned"))
    assert [name for name in threads if name != threading.main_thread().name]


class Node:
    """An object in a cycle of its own, which only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


def test_what_one_file_leaves_is_collected_before_the_next(at: Callable[[str], Made], monkeypatch: pytest.MonkeyPatch) -> None:
    from padocc.phases.compute import KerchunkConverter

    read, left, alive = KerchunkConverter._hdf5_to_zarr, [], []

    def read_leaving(converter: object, path: str, **options: object) -> object:
        alive.append(sum(node() is not None for node in left))
        left.append(weakref.ref(Node()))
        return read(converter, path, **options)

    monkeypatch.setattr(KerchunkConverter, "_hdf5_to_zarr", read_leaving)
    with collecting_between_files():
        make_references(at("scanned"))
    assert len(left) == 3 and alive == [0, 0, 0]


def test_collection_goes_on_after_a_file_that_cannot_be_read(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    made.sources[0].write_bytes(b"no file of any kind")
    with collecting_between_files(), pytest.raises(Exception, match="drivers failed"):
        from padocc.phases.compute import KerchunkConverter

        KerchunkConverter._grib_to_zarr, grib = lambda *_, **__: None, KerchunkConverter._grib_to_zarr
        try:
            make_references(made)
        finally:
            KerchunkConverter._grib_to_zarr = grib
    assert gc.isenabled()
