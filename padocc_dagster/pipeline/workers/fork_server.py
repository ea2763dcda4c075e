"""A process that has imported PADOCC and forks the workers, which so begin at once: `python -P -m … SOCKET`.

On one machine `local/fork_server.py` is used instead, which forks the processes of runs as well.

A forked worker is as clean as a fresh interpreter. In the process that it is a copy of nothing has ever happened but imports, and
callers with another environment are refused, so that what libraries read from it while they are imported is right. The imports happen at
the first request: where nobody asks (on SLURM) the server stays small.

For each connection a keeper is forked. It receives the worker's standard streams and the caller's environment, forks the worker, sends
its process id, waits for it and reports how it ended. So no caller waits for another, and the server keeps no records.

The socket lies in a folder that other users cannot enter (`services/home.py`): whoever reaches it can run operations as this user.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import padocc_dagster
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.workers import worker

WAITING_CALLERS = 128
WORKER_NAME = "padocc-worker"
"""What the system shows as the name of a forked worker, as far as it has room for one."""
USED_BY_OPERATIONS = (
    "cfgrib.xarray_plugin",
    "distributed",  # dask imports it when it computes its first array
    "filelock",
    "fsspec.implementations.asyn_wrapper",
    "fsspec.implementations.http",
    "fsspec.implementations.local",
    "fsspec.implementations.reference",
    "kerchunk.xarray_backend",
    "padocc_dagster.pipeline.making.initialise",
    "padocc_dagster.pipeline.workdir.lease",
    "pint",
    "requests",
    "upath.core",
    "virtualizarr",
)
"""What operations import at its first use: 0.2 s in each. Without `cfapyx`, which starts a thread; it takes 10 ms."""


@dataclass(frozen=True)
class Request:
    """What a caller sends: open files, and a line with a JSON object."""

    streams: list[int]
    content: dict[str, Any]

    def close(self) -> None:
        """Close the open files."""
        for stream in self.streams:
            os.close(stream)


def listen(address: Path) -> socket.socket:
    """Listen on a Unix socket in the place of whatever is there. Whoever finds it can connect."""
    listener, beside = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), address.with_suffix(".new")
    beside.unlink(missing_ok=True)
    listener.bind(str(beside))
    listener.listen(WAITING_CALLERS)
    beside.rename(address)
    return listener


def serve(listener: socket.socket, load: Callable[[], None], answer: Callable[[socket.socket], None]) -> NoReturn:
    """Call `load` at the first request, and fork a process for each, which calls `answer` with the connection; for ever.

    After an installation into one of Python's folders the server begins anew, before the next request: modules of two versions do not mix.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers that have ended are nobody's concern
    began_with, ready = installed(), False
    while True:
        select.select([listener], [], [])
        if installed() != began_with:
            os.execv(sys.executable, sys.orig_argv)  # who waits at the old socket sees its end, and starts a fresh interpreter
        connection, _ = listener.accept()
        with connection:
            try:
                if not ready:
                    load()
                    ready = True
                if os.fork() == 0:
                    listener.close()
                    alone(partial(answer, connection))
            except Exception:  # the caller sees the end of the connection, and starts a fresh interpreter
                traceback.print_exc()


def installed() -> dict[str, int]:
    """The folders with installed packages → when something was last installed there; this package's files → when they were edited."""
    files = [path for folder in os.walk(Path(padocc_dagster.__file__).parent) for path in Path(folder[0]).glob("*.py")]
    found = {}
    for path in [*files, *(Path(entry) for entry in sys.path if entry.endswith("-packages"))]:
        with contextlib.suppress(OSError):
            found[str(path)] = path.stat().st_mtime_ns
    return found


def load() -> None:
    """Import what the operations need, once, and let the garbage collector leave it where it is, in memory that all workers share."""
    import padocc.phases  # noqa: F401

    worker.operations()
    for name in USED_BY_OPERATIONS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def receive(connection: socket.socket) -> Request:
    """Read a request. Raises ValueError for anything else."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as lines:
        return Request(streams, json.loads(lines.readline()))


def keep(connection: socket.socket, request: Request) -> None:
    """Fork the worker that the caller asks for, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if request.content != clean_environment():
        connection.sendall(b'{"refused": "the environment is another one"}\n')
        return
    pid = os.fork()
    if pid == 0:
        alone(lambda: work(connection, request.streams))
    request.close()
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(json.dumps({"pid": pid}).encode() + b"\n")
        _, status = os.waitpid(pid, 0)
        connection.sendall(json.dumps({"returncode": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def work(connection: socket.socket, streams: list[int]) -> None:
    """Become the worker."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(WORKER_NAME)
    os.close(connection.detach())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    environment = clean_environment()
    os.environ.clear()
    os.environ.update(environment)
    worker.main()


def alone(work_of_child: Callable[[], None]) -> NoReturn:
    """Do this in a forked process and end it: what its parent was about to do is not its own."""
    status = 1
    try:
        work_of_child()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(listen(Path(sys.argv[1])), load, lambda connection: keep(connection, receive(connection)))
