"""A signal that comes right before a process waits is not missed. Before this was so, one in 160 and one in 300 was."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, random, signal, sys, tempfile, time
from pathlib import Path
from padocc_dagster import warm
from padocc_dagster.local import keeper
from padocc_dagster.pipeline.workers import fork_server
from padocc_dagster.slurm.node import hosted

def pause(most):
    end = time.perf_counter() + random.random() * most
    while time.perf_counter() < end:
        pass

def kept():
    pid = os.fork()
    if pid == 0:
        keeper._execute("a run")
        os._exit(0)
    pause(0.006)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)

def hosted_operations():
    with hosted._operations(hosted.Warmth(warm, fork_server, {}), Path(sys.argv[2])):
        pause(0.004)

warm.execute = lambda run: time.sleep(60)
random.seed(1)
for _ in range(150):
    signal.alarm(20)
    globals()[sys.argv[1]]()
"""


@pytest.mark.parametrize("of", ["kept", "hosted_operations"])
def test_a_signal_that_comes_right_before_a_process_waits_is_not_missed(of: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    address = tmp_path_factory.mktemp("s") / "s"
    done = subprocess.run([sys.executable, "-c", SCRIPT, of, str(address)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"
