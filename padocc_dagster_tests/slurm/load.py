"""Definitions for the tests of the launcher: an asset whose runs last, eat memory, fail or die as their config says.

Every beginning and end is written to a ledger, a line each, so that a test can count what ran twice and what never ended.
"""

import json
import os
import signal
import time
from pathlib import Path

import dagster as dg

from padocc_dagster.sensors.kubernetes_pods import kubernetes_pods
from padocc_dagster.sensors.slurm_jobs import slurm_jobs

LEDGER = "LOAD_LEDGER"
pieces = dg.DynamicPartitionsDefinition(name="pieces")


class Load(dg.Config):
    seconds: float = 0
    mib: int = 0
    until: str = ""
    """A file to wait for."""
    raises: bool = False
    signal: int = 0
    """A signal to die of, in the first attempt."""
    deaf: bool = False
    """Ignore SIGTERM."""


def note(context: dg.AssetExecutionContext, event: str) -> None:
    """Append a line to the ledger in one write."""
    run = context.run
    line = {"event": event, "piece": context.partition_key, "run": run.run_id, "root": run.root_run_id or run.run_id}
    line |= {"job": os.environ.get("SLURM_JOB_ID"), "time": time.time()}
    with open(Path(os.environ[LEDGER]), "a") as file:
        file.write(json.dumps(line) + "\n")


@dg.asset(partitions_def=pieces)
def load(context: dg.AssetExecutionContext, config: Load) -> None:
    if config.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(context, "began")
    print(f"piece {context.partition_key} says hello")
    kept = bytearray(config.mib * 2**20)
    kept[::4096] = b"x" * len(kept[::4096])
    end = time.monotonic() + config.seconds
    while time.monotonic() < end or (config.until and not Path(config.until).exists()):
        time.sleep(0.1)
    if config.signal and "dagster/retry_number" not in context.run.tags:
        os.kill(os.getpid(), config.signal)
    if config.raises:
        raise ValueError("as asked")
    note(context, "ended")


defs = dg.Definitions(assets=[load], sensors=[slurm_jobs, kubernetes_pods], executor=dg.in_process_executor)
