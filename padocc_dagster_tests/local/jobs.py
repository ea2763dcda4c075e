"""Definitions whose runs do what their tags say, for tests of the launcher. Imported by the processes of runs."""

import os
import signal
import subprocess
import time
from pathlib import Path

import dagster as dg


@dg.op
def act(context: dg.OpExecutionContext) -> None:
    """Print, wait for a file, write the environment down, or end the process, as the run's tags say."""
    tags = context.run_tags
    print("printed by the op", flush=True)
    subprocess.run(["echo", "printed by a child"], check=True)
    if path := tags.get("write"):
        names = ("DAGSTER_HOME", "PADOCC_DAGSTER_TEST", "TEST_PASSWORD")
        Path(path).write_text("\n".join([*(os.environ.get(name, "") for name in names), os.getcwd(), str(os.getpid())]))
    if path := tags.get("wait"):
        Path(path).touch()
        while not Path(f"{path}.go").exists():
            time.sleep(0.02)
    if number := tags.get("signal"):
        os.kill(os.getpid(), getattr(signal, number))
    if status := tags.get("exit"):
        os._exit(int(status))
    if "fail" in tags:
        raise dg.Failure("as the tags say")


@dg.job
def job() -> None:
    act()


defs = dg.Definitions(jobs=[job], executor=dg.in_process_executor)
