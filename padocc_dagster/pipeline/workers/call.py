"""One PADOCC operation in a process of its own.

PADOCC keeps options in process-wide dictionaries that leak from project to project (`padocc/core/utils.py:52`), logs by name,
reads its environment, and prints. So each operation runs in a process in which nothing ran before (`worker.py`), with a clean
environment, is given its request on standard input and answers on standard output. The worker ends when its parent does, however that
died. It is a fresh interpreter or, where a fork server listens (`fork_server.py`), a copy of one that has only imported PADOCC.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from padocc_dagster.pipeline.workers.environment import clean_environment
from padocc_dagster.pipeline.workers.forked import FORK_SERVER, ForkedWorker

ENDS_WITH_WORKER = "PADOCC_DAGSTER_RUN_ENDS_WITH_ITS_WORKER"
"""Set by a batch job around a run, whose launcher tells a killed run from a failed one, and repeats it with more memory."""
KILLED = "Failed-SIGKILL"


class WorkerError(Exception):
    """An operation did not end as it should: what its status row says, and the class of its error."""

    def __init__(self, status: str, error_class: str, message: str):
        self.status, self.error_class = status, error_class
        super().__init__(message)


class WorkerDiedError(WorkerError):
    """The worker ended without an answer: killed, or out of memory."""

    def __init__(self, operation: str, returncode: int):
        cause = _cause(returncode)
        super().__init__(f"Failed-{cause}", "WorkerDiedError", f"the process of {operation} ended by {cause} before it could answer")


class OperationFailedError(WorkerError):
    """The worker ended with an exception, whose class and message it could still tell."""

    def __init__(self, error_class: str, message: str):
        super().__init__(f"Failed-{error_class}", error_class, message)


def _cause(returncode: int) -> str:
    if returncode >= 0:
        return f"ExitStatus{returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"Signal{-returncode}"


def follow(status: str) -> None:
    """End this process as its worker was ended, if that was killed and whoever hosts this process acts on it (`ENDS_WITH_WORKER`).

    Short of memory, the kernel kills the process that uses most of it: the worker, and not the run around it.
    """
    if status == KILLED and os.environ.get(ENDS_WITH_WORKER):
        os.kill(os.getpid(), signal.SIGKILL)


def start() -> subprocess.Popen[bytes] | ForkedWorker:
    """Start a worker that waits for its request. In a batch job it is a child of the run: there its memory and its end are counted."""
    address = os.environ.get(FORK_SERVER)
    if address and not os.environ.get(ENDS_WITH_WORKER):
        try:
            return ForkedWorker(address, clean_environment())
        except ConnectionError:
            pass  # a fresh interpreter does as well
    command = [sys.executable, "-P", "-m", "padocc_dagster.pipeline.workers.worker"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(), cwd="/")


def call(operation: str, **arguments: Any) -> Any:
    """Carry out one operation of `worker.operations` and return its answer.

    Arguments and answer are JSON values. Raises WorkerDiedError when the process ends without an answer, and
    OperationFailedError when the operation raised. When this process is interrupted, the worker is killed before the
    interruption goes on.
    """
    with start() as worker:
        try:
            worker.stdin.write(json.dumps({"operation": operation, "arguments": arguments}).encode() + b"\n")
            worker.stdin.flush()
            answer = worker.stdout.read()
            worker.wait()
        except BrokenPipeError:
            answer = b""
            worker.wait()
        except BaseException:
            worker.kill()
            raise
    try:
        result = json.loads(answer)  # one that was told whole counts, however the process ended after it
    except ValueError:
        raise WorkerDiedError(operation, worker.returncode) from None
    if "error" in result:
        raise OperationFailedError(*result["error"])
    return result["answer"]
