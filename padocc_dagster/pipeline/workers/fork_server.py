"""A process that has imported PADOCC and forks the workers, which so begin at once: `python -P -m … SOCKET`.

A forked worker is as clean as a fresh interpreter. In the process that it is a copy of nothing has ever happened but imports, and
callers with another environment are refused, so that what libraries read from it while they are imported is right. The imports happen at
the first request: where nobody asks (on SLURM) the server stays small.

For each connection a keeper is forked. It receives the worker's standard streams and the caller's environment, forks the worker, tells
its process id, waits for it and tells how it ended. So no caller waits for another, and the server keeps no books.

The socket lies in a folder that other users cannot enter (`services/home.py`): whoever reaches it can run operations as this user.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.workers import worker

WAITING_CALLERS = 128


def listen(address: Path) -> socket.socket:
    """Listen on a Unix socket in the place of whatever is there. Whoever finds it can connect."""
    listener, beside = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), address.with_suffix(".new")
    beside.unlink(missing_ok=True)
    listener.bind(str(beside))
    listener.listen(WAITING_CALLERS)
    beside.rename(address)
    return listener


def serve(listener: socket.socket) -> NoReturn:
    """Fork a keeper for each connection, for ever."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers that have ended are nobody's concern
    ready = False
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                ready = ready or load()
                if os.fork() == 0:
                    listener.close()
                    alone(partial(keep, connection))
            except Exception:  # the caller sees the end of the connection, and starts a fresh interpreter
                traceback.print_exc()


def load() -> bool:
    """Import what the operations need, once, and let the garbage collector leave it where it is, in memory that all workers share."""
    import padocc.phases  # noqa: F401

    worker.operations()
    gc.collect()
    gc.freeze()
    return True


def keep(connection: socket.socket) -> None:
    """Fork the worker that the caller asks for, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rwb", buffering=0) as line:
        if json.loads(line.readline()) != clean_environment():
            line.write(b'{"refused": "the environment is another one"}\n')
            return
        pid = os.fork()
        if pid == 0:
            alone(lambda: work(connection, streams))
        for stream in streams:
            os.close(stream)
        with contextlib.suppress(BrokenPipeError):
            line.write(json.dumps({"pid": pid}).encode() + b"\n")
            _, status = os.waitpid(pid, 0)
            line.write(json.dumps({"returncode": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def work(connection: socket.socket, streams: list[int]) -> None:
    """Become the worker."""
    os.close(connection.detach())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    environment = clean_environment()
    os.environ.clear()
    os.environ.update(environment)
    worker.main()


def alone(deed: Callable[[], None]) -> NoReturn:
    """Do this in a forked process and end it: what its parent was about to do is not its own."""
    status = 1
    try:
        deed()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(listen(Path(sys.argv[1])))
