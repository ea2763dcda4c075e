"""Ends of processes for the tests: an operation killed at the n-th call of a function; workers found, and calls in threads."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.workers import worker
from padocc_dagster.pipeline.workers.fork_server import WORKER_NAME

KILLED_AT_CALL = """
import importlib, json, os, signal, sys
from padocc_dagster.pipeline.workers.worker import operations
where, count, operation, arguments = json.loads(sys.stdin.read())
module, name = where.rsplit(".", 1)
module = importlib.import_module(module)
original, calls = getattr(module, name), [0]
def counted(*args, **kwargs):
    calls[0] += 1
    if calls[0] == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)
call = operations()[operation]
setattr(module, name, counted)
call(**arguments)
"""


def killed_at_call(where: str, count: int, operation: str, **arguments: Any) -> bool:
    """Carry out an operation in a process that is killed just before the count-th call of `where`. False when it never came."""
    request = json.dumps([where, count, operation, arguments])
    child = subprocess.run(
        [sys.executable, "-P", "-c", KILLED_AT_CALL], input=request, text=True, env=clean_environment(), capture_output=True
    )
    assert child.returncode in (0, -signal.SIGKILL), child.stderr
    return child.returncode != 0


def workers(ancestor: int | None = None) -> list[psutil.Process]:
    """The workers at work that a process, this one if none is given, or its fork server has started."""
    found = []
    for process in psutil.Process(ancestor).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.name() == WORKER_NAME or worker.__name__ in process.cmdline():
                found.append(process)
    return found


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 300.0) -> Any:
    """Wait until the condition holds, and return what it gave."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.001)
    return value


def in_thread(call: Callable[[], Any]) -> Callable[[], Any]:
    """Start a call in a thread. The function returned waits for its end and gives its value, or the exception as a value."""
    ended: list[Any] = []

    def run() -> None:
        try:
            ended.append(call())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> Any:
        thread.join(300)
        return ended[0]

    return result
