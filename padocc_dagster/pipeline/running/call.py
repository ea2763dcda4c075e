"""One PADOCC operation in a process of its own.

PADOCC keeps options in process-wide dictionaries that leak from project to project (`padocc/core/utils.py:52`), logs by name,
reads its environment, and prints. So each operation runs in a process in which nothing ran before (`worker.py`), with a clean
environment, is given its request on standard input and answers on standard output. The worker ends when its parent does, however that
died. It is a fresh interpreter or, where a fork server listens (`fork_server.py`), a copy of one that has only imported PADOCC. One that
makes no progress is stopped (`watchdog.py`).
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.running.forked import FORK_SERVER, ForkedWorker
from padocc_dagster.pipeline.running.progress import LIMIT, Stall, limit_seconds
from padocc_dagster.pipeline.running.watchdog import Watchdog
from padocc_dagster.pipeline.workdir.layout import Project, Workdir

ENDS_WITH_WORKER = "PADOCC_DAGSTER_RUN_ENDS_WITH_ITS_WORKER"
"""Set by a batch job around a run, whose launcher knows a killed run from a failed one, and retries it with more memory."""
KILLED = "Failed-SIGKILL"
WORKER_MODULE = "padocc_dagster.pipeline.workers.worker"


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


class NoProgressError(WorkerError):
    """The worker was stopped because it made no progress. `stack` is what its threads were at, as text."""

    def __init__(self, operation: str, stall: Stall, stack: str):
        self.stack = stack
        message = f"the process of {operation} was stopped: {stall}. {LIMIT} sets how long it may take, 0 sets no limit"
        super().__init__("Failed-NoProgressError", "NoProgressError", message)


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
    """Start a worker that waits for its request. In a batch job the fork server is the run's own, so that memory and ends are counted
    there."""
    address = os.environ.get(FORK_SERVER)
    if address:
        try:
            return ForkedWorker(address, clean_environment())
        except ConnectionError:
            pass  # a fresh interpreter does as well
    command = [sys.executable, "-P", "-m", WORKER_MODULE]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(), cwd="/")


def call(operation: str, **arguments: Any) -> Any:
    """Carry out one operation of `worker.operations` and return its answer.

    Arguments and answer are JSON values. Raises WorkerDiedError when the process ends without an answer, OperationFailedError when the
    operation raised, NoProgressError when the process was stopped, and ValueError when the limit for that is no number. When this
    process is interrupted, the worker is killed before the interruption goes on.
    """
    limit = limit_seconds()
    with start() as worker, Watchdog(worker.pid, _folder(arguments), limit) as watchdog:
        try:
            assert worker.stdin and worker.stdout  # pipes, as `start` asks for
            worker.stdin.write(json.dumps({"operation": operation, "arguments": arguments}).encode() + b"\n")
            worker.stdin.flush()
            output = worker.stdout.read()
            worker.wait()
        except BrokenPipeError:
            output = b""
            worker.wait()
        except BaseException:
            worker.kill()
            raise
    stack, _, answer = output.rpartition(b"\n")
    try:
        result = json.loads(answer)  # an answer that is whole counts, however the process ended after it
    except ValueError:
        if watchdog.stall:
            raise NoProgressError(operation, watchdog.stall, "\n".join([stack.decode(errors="replace"), watchdog.threads])) from None
        raise WorkerDiedError(operation, worker.wait()) from None
    if "error" in result:
        raise OperationFailedError(*result["error"])
    return result["answer"]


def _folder(arguments: dict[str, Any]) -> Path | None:
    """The folder of the project that is worked on; None when it is none, or has a name that the worker will refuse."""
    try:
        return Workdir(Path(arguments["root"])).project_dir(Project.parse(arguments["project"]))
    except (KeyError, ValueError):
        return None
