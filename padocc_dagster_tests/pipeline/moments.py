"""A worker that is killed, or held, at a named moment: at its first step in the file system after a certain file is there.

`python -m … MOMENT END`, with the path of the file and `kill` or `hold`. Python tells every such step before it is made
(`sys.addaudithook`).
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.running import call as calls
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.workers import worker

STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir")


@contextmanager
def ending_at(moment: Path, end: str = "kill") -> Iterator[None]:
    """For the block, workers that this process starts are killed, or held for ever, at the moment when the file is there."""
    start = calls.start
    command = [sys.executable, "-P", "-m", __name__, str(moment), end]
    calls.start = lambda: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(), cwd="/")
    try:
        yield
    finally:
        calls.start = start


def main(moment: str, end: str) -> None:
    def hook(event: str, _: tuple[Any, ...]) -> None:
        if event not in STEPS or not os.path.exists(moment):
            return
        if end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if threading.current_thread() is threading.main_thread():  # not the one that ends the worker with its parent
            time.sleep(1000)

    sys.addaudithook(hook)
    worker.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
