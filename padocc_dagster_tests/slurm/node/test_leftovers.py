"""What outlives its parent, really started: the process that adopts it can end it."""

import subprocess
import sys
from pathlib import Path

import psutil

ORPHAN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.setsid()
print(os.getpid(), flush=True)
time.sleep(30)
"""
PARENT = f"""
import subprocess, sys
orphan = subprocess.Popen([sys.executable, "-c", {ORPHAN!r}], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(orphan.stdout.readline().decode(), flush=True)
"""
PROGRAM = f"""
import os, subprocess, sys
from pathlib import Path
from padocc_dagster.slurm.node import leftovers
leftovers.adopt()
orphan = int(subprocess.run([sys.executable, "-c", {PARENT!r}], stdout=subprocess.PIPE, check=True).stdout)
parent = int(Path(f"/proc/{{orphan}}/stat").read_text().rpartition(")")[2].split()[1])
leftovers.kill(10)
print(orphan, parent == os.getpid())
"""


def test_what_has_lost_its_parent_is_adopted_and_killed_in_whichever_session_it_is() -> None:
    command = [sys.executable, "-c", PROGRAM]
    orphan, adopted = subprocess.run(
        command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    ).stdout.split()
    assert adopted == "True" and not psutil.pid_exists(int(orphan))
