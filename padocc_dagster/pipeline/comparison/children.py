"""Processes that share the work on one project, forked from its worker.

netCDF's C library must not be entered by two threads, so processes it is. They are forked before anything is opened: a fork of a process
in which zarr or dask have started their threads may hang. Results come in the order of what was asked for.
"""

import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

PR_SET_PDEATHSIG = 1
ENDED_BY_POOL = -signal.SIGTERM
"""The exit code of those that the pool ends when one of them has died."""
PARTS = 8
"""Parts of the work for each process: more keep all of them busy to the end, and cost more calls."""
LONGEST_PART = 50
JOIN_SECONDS = 5.0
"""How long the exit code of a process that has died may take to be known."""
OWN = ("end_with_parent", "filelock-lease")
"""In the names of the threads that a worker starts: `workers/worker.py`, `workdir/lease.py`."""
WORTH_FILES = 40
"""Source files from which on two processes are worth their start."""
One = TypeVar("One")
Result = TypeVar("Result")


class ChildDied(BaseException):
    """A child was ended by a signal, most likely for lack of memory. No `except Exception` of PADOCC or of the comparison takes it for an
    error of the data: the worker ends as its child did (`workers/worker.py`), which is reported like the death of a worker."""

    def __init__(self, signal_number: int) -> None:
        self.signal = signal_number
        super().__init__(f"a process that shared the work was ended by {signal.Signals(signal_number).name}")


class Children:
    """So many processes, ready for calls. Each has its own queue, so that it can be asked for what it has opened before."""

    def __init__(self, executors: Sequence[ProcessPoolExecutor], processes: Sequence[BaseProcess]) -> None:
        self.count = len(executors)
        self._executors, self._processes = executors, processes

    def map(self, function: Callable[[One], Result], items: Sequence[One]) -> Iterator[Result]:
        """The results in order, each when it is there; a process that is free goes on. Raises ChildDied, and what the function raises."""
        size = max(1, min(LONGEST_PART, len(items) // (PARTS * self.count)))
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        results: list[Future[list[Result]]] = [Future() for _ in parts]
        waiting, lock = iter(range(len(parts))), threading.Lock()

        def feed(executor: ProcessPoolExecutor) -> None:
            with lock:
                number = next(waiting, None)
            if number is None:
                return
            try:
                work = executor.submit(_each, function, parts[number])
            except (BrokenProcessPool, RuntimeError) as broken:
                results[number].set_exception(broken)
                return

            def ended(done: "Future[list[Result]]") -> None:
                if done.cancelled():
                    return
                error = done.exception()
                if not isinstance(error, BrokenProcessPool):  # the pool reports that with a lock held, which `submit` waits for (3.12)
                    feed(executor)
                if error:
                    results[number].set_exception(error)
                else:
                    results[number].set_result(done.result())

            work.add_done_callback(ended)

        for executor in (*self._executors, *self._executors):  # one part is at work, the next one waits
            feed(executor)
        try:
            with self._watched():
                for result in results:
                    yield from result.result()
        finally:
            with lock:
                waiting = iter(())

    def each(self, function: Callable[[One], Result], items: Sequence[One]) -> list[Result]:
        """The results of one call in each process, of which the first gets the first item. Raises as `map` does."""
        with self._watched():
            calls = [executor.submit(function, item) for executor, item in zip(self._executors, items, strict=True)]
            return [call.result() for call in calls]

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Raise ChildDied where a process has died."""
        try:
            yield
        except BrokenProcessPool:
            deadline = time.monotonic() + JOIN_SECONDS
            while True:  # the pool's thread waits for the processes too, and whoever comes second has no exit code for a moment
                ended = [code for code in (process.exitcode for process in self._processes) if code not in (None, 0, ENDED_BY_POOL)]
                if ended:
                    raise ChildDied(-ended[0] if ended[0] < 0 else signal.SIGKILL) from None
                if time.monotonic() > deadline:
                    raise ChildDied(-ENDED_BY_POOL) from None
                time.sleep(0.02)


@contextmanager
def children(count: int) -> Iterator[Children | None]:
    """So many processes for the block; None for less than two, and where a thread of a library makes a fork unsafe."""
    if count < 2 or not _may_fork():
        yield None
        return
    before = set(active_children())
    fork = get_context("fork")
    executors = [ProcessPoolExecutor(1, mp_context=fork, initializer=_end_with_parent, initargs=(os.getpid(),)) for _ in range(count)]
    try:
        for executor in executors:
            executor.submit(os.getpid).result()  # the fork context starts a process at the first call
        yield Children(executors, [process for process in active_children() if process not in before])
    except BaseException:
        for process in set(active_children()) - before:
            process.kill()
        raise
    finally:
        for executor in executors:
            executor.shutdown(cancel_futures=True)


def _each(function: Callable[[One], Result], items: Sequence[One]) -> list[Result]:
    return [function(item) for item in items]


def useful(cpus: int, files: int) -> int:
    """How many processes are worth their start for so many source files."""
    return min(cpus, 2 * files // WORTH_FILES)


def _may_fork() -> bool:
    """Whether no thread runs but the main one and those that a worker starts, which hold no lock of a library."""
    if sys.platform != "linux":
        return False
    own = {each.native_id for each in threading.enumerate() if any(name in each.name for name in OWN)}
    # The main thread is not asked for its id: in a process that was forked it says that of its parent's (CPython 3.11).
    return {int(path.name) for path in Path("/proc/self/task").iterdir()} <= own | {os.getpid()}


def _end_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however that dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    gc.freeze()  # a full collection need not look at what was inherited, of which every page that it touches is copied
