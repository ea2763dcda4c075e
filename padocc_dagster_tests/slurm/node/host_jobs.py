"""Main processes of jobs, really started, as a batch script would start them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from padocc_dagster.slurm.node.report import Report, read

PYTHON = (sys.executable, "-S", "-E", "-c")
HOST = (sys.executable, "-P", "-m", "padocc_dagster.slurm.node.host")
SLEEP = "import time; time.sleep(300)"
STEP = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
"""In place of slurmstepd: a process whose child is the host."""
WORKER = """
import os, signal, subprocess, sys, time
def write(name):
    open(name + ".new", "w").write(str(os.getpid()))
    os.rename(name + ".new", name)
"""


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not seen within {seconds} s: {what}"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@dataclass
class Jobs:
    """Hosts, started as a batch script would, in one folder and for one run."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def report(self) -> Path:
        return self.folder / "run.json"

    def start(self, *command: str, job_id: int = 7, grace: int = 60, before: Callable[[], None] | None = None, **more: str):
        environment = {**os.environ, "SLURM_JOB_ID": str(job_id), **more}
        environment = {name: value for name, value in environment.items() if value}
        argv = [*HOST, "--report", str(self.report), "--grace", str(grace), "--", *command]
        pipe = subprocess.PIPE
        host = subprocess.Popen(argv, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True, preexec_fn=before)
        self.started.append(host)
        return host

    def work(self, code: str, **more):
        """A host whose command is Python code, which has `write(name)` to show how far it is."""
        return self.start(*PYTHON, WORKER + code, **more)

    def pid(self, name: str) -> int:
        """The process that has written the file `name`."""
        wait_for((self.folder / name).exists, name)
        return int((self.folder / name).read_text())

    def reported(self) -> Report:
        found = read(self.report)
        assert found is not None
        return found
