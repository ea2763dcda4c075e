"""Workers that do something else than PADOCC's work: a worker (`python -m … `) or a fork server (`python -m … SOCKET`) whose operations
sleep, burn, wait for a lock that never comes, or work."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from padocc_dagster.pipeline.workdir import locks
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workers import fork_server, worker

SHORT_LEASE_SECONDS = 0.6
"""The lock's heartbeat beats several times within a test's limit."""


def with_lock(stall: Callable[[], Any]) -> Callable[..., Any]:
    """An operation that stalls while it holds the project's lock, whose heartbeat goes on."""

    def operation(root: str, project: str, **_: Any) -> Any:
        locks.LEASE_SECONDS = SHORT_LEASE_SECONDS
        with locks.held(Workdir(Path(root)).project_lock(Project.parse(project)), project):
            return stall()

    return operation


def sleep_for_ever() -> NoReturn:
    while True:
        time.sleep(1000)


def burn_for_ever() -> NoReturn:
    while True:
        pass


def deadlock() -> None:
    lock, held = threading.Lock(), threading.Event()

    def hold() -> None:
        lock.acquire()
        held.set()
        time.sleep(1000)

    threading.Thread(target=hold, name="holder", daemon=True).start()
    held.wait()
    lock.acquire()


def read_as_grib() -> None:
    """kerchunk looks for "GRIB" in a file that has no such letters (`kerchunk/grib2.py:65`)."""
    import fsspec
    from kerchunk.grib2 import _split_file

    with fsspec.open(locks.__file__, "rb") as file:
        list(_split_file(file))


def sleep_in_a_child() -> None:
    subprocess.run(["sleep", "1000"], check=True)


def die_before_a_child() -> NoReturn:
    """Killed, while a process that it has started holds its standard streams open."""
    if os.fork() == 0:
        sleep_for_ever()
    time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)


def work(step: Callable[[], Any]) -> Callable[..., str]:
    """An operation that takes a step from time to time, longer than the tests' limit."""

    def operation(seconds: float, **_: Any) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            step()
            time.sleep(0.2)
        return "done"

    return operation


def read_a_little() -> None:
    with open("/dev/zero", "rb", buffering=0) as file:
        file.read(1)


def print_a_line() -> None:
    print("still at work", flush=True)


def read_in_a_child() -> None:
    subprocess.run(["head", "-c", "1", "/dev/zero"], check=True, stdout=subprocess.DEVNULL)


STALLS = {
    "sleeps": sleep_for_ever,
    "burns": burn_for_ever,
    "deadlock": deadlock,
    "reads as GRIB": read_as_grib,
    "sleeps in a child": sleep_in_a_child,
}
STEPS = {"reads": read_a_little, "prints": print_a_line, "reads in a child": read_in_a_child}


def operations() -> dict[str, Callable[..., Any]]:
    stalls = {name: with_lock(stall) for name, stall in STALLS.items()}
    steps = {name: work(step) for name, step in STEPS.items()}
    return {**stalls, **steps, "dies": die_before_a_child, "scan": stalls["deadlock"], "verify": stalls["burns"]}


if __name__ == "__main__":
    worker.operations = operations
    if len(sys.argv) > 1:
        fork_server.serve(
            fork_server.listen(Path(sys.argv[1])), fork_server.load, lambda caller: fork_server.keep(caller, fork_server.receive(caller))
        )
    worker.main()
