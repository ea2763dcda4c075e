"""The watchdog over a worker: one that makes no progress for too long is stopped, with its stack on record."""

import threading
from contextlib import suppress
from pathlib import Path
from signal import SIGUSR2
from types import TracebackType
from typing import TYPE_CHECKING

from padocc_dagster.pipeline.running.progress import Sample, Stall, interval_seconds, stall_of
from padocc_dagster.pipeline.running.samples import processes_of, sample_of, threads_of

if TYPE_CHECKING:
    import psutil

STACK_SIGNAL = SIGUSR2
"""The signal at which a worker writes the stacks of its threads (`worker.main`) to its standard output."""
SECONDS_FOR_THE_STACK = 2.0


class Watchdog:
    """For the block, the worker is sampled, and stopped after `limit` seconds without progress; 0 sets no limit.

    `stall` is None unless the worker was stopped; `threads` is then what the kernel said of its threads.
    """

    def __init__(self, pid: int, folder: Path | None, limit: float) -> None:
        self.stall: Stall | None = None
        self.threads = ""
        self._pid, self._folder, self._limit = pid, folder, limit
        self._interval = interval_seconds(limit)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watchdog over a worker", daemon=True)

    def __enter__(self) -> "Watchdog":
        if self._limit:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._limit:
            self._thread.join()

    def _look(self) -> None:
        import psutil

        samples: list[Sample] = []
        started: set[psutil.Process] = set()
        try:
            worker = psutil.Process(self._pid)
            while not self._over.wait(self._interval):
                processes = processes_of(worker)
                started.update(processes)
                samples.append(sample_of(processes, self._folder))
                stall = stall_of(samples, 2 * self._interval)
                if stall.seconds >= self._limit:
                    self._record(worker, stall)
                    break
                if not stall.seconds:
                    samples = samples[-1:]
        except psutil.NoSuchProcess:
            pass  # the worker has ended, and what it started must not keep its caller waiting
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _record(self, worker: "psutil.Process", stall: Stall) -> None:
        self.stall, self.threads = stall, threads_of(worker)
        worker.send_signal(STACK_SIGNAL)
        self._over.wait(SECONDS_FOR_THE_STACK)
