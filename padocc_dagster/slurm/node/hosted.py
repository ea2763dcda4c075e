"""A run at work in a host: how its process begins, what it may use, and how it ended.

The process is a fork of the host, which has imported all that a run needs (`padocc_dagster.warm`); where that failed, a fresh
interpreter. It is the first of a session, by which all that it starts is found again. Its PADOCC operations are forks of a process that
it forks before it does anything else, so that their memory and their end are counted as its own.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from padocc_dagster.slurm.node import cgroup, host, leftovers
from padocc_dagster.slurm.node.charge import FORK_SERVER, now
from padocc_dagster.slurm.node.host_folder import Request
from padocc_dagster.slurm.node.report import Report, write

COLD = "import sys; from padocc_dagster import warm; warm.execute(sys.argv[1])"
COLD_PROCESSES: list[subprocess.Popen[bytes]] = []
"""Kept, for Python reaps what nobody refers to."""


@dataclass(frozen=True)
class Warmth:
    """The modules that the host has imported for its runs: they know Dagster and PADOCC, and are not imported by name here."""

    warm: Any
    workers: Any
    installed: Any
    """What was installed when they were imported."""

    @property
    def is_outdated(self) -> bool:
        """Whether something has been installed or edited since."""
        return bool(self.workers.installed() != self.installed)


@dataclass
class Hosted:
    """A run at work."""

    request: Request
    report: Report
    pid: int
    groups: list[Path]
    """The job's memory groups (`cgroup.py`)."""
    oom_kills: int
    """How many processes of the job the kernel had killed before."""
    began: float = field(default_factory=time.monotonic)
    stop_signal: str | None = None
    kill_at: float | None = None
    out_of_memory: bool = False
    out_of_time: bool = False
    peak_mib: int = 0

    def cancel(self, grace_seconds: int) -> None:
        """Let the run end in order; after so many seconds it is killed."""
        if self.stop_signal is None:
            self.stop_signal = signal.SIGUSR1.name
            write(Path(self.request.report), replace(self.report, stop_signal=self.stop_signal))
            self.kill_at = time.monotonic() + grace_seconds
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def check(self, memory_mib: int) -> None:
        """Kill the run when it is past its time, or holds more than so many MiB (0: the kernel sees to that)."""
        present = time.monotonic()
        if memory_mib:
            held = cgroup.held_mib(leftovers.of_session(self.pid))
            self.peak_mib = max(self.peak_mib, held)
            self.out_of_memory = self.out_of_memory or held > memory_mib
        self.out_of_time = self.out_of_time or (self.stop_signal is None and present - self.began > self.request.wall_seconds)
        if self.out_of_memory or self.out_of_time or (self.kill_at is not None and present > self.kill_at):
            self.kill()

    def kill(self) -> None:
        leftovers.kill_session(self.pid)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self, status: int, most_kib: int) -> bool:
        """Write the run's report: `status` as os.wait4 gives it, and the most that one of its processes held. False when that failed."""
        leftovers.kill_session(self.pid)
        code = os.waitstatus_to_exitcode(status)
        killed = self.out_of_memory or (code == -signal.SIGKILL and cgroup.oom_kills(self.groups) > self.oom_kills)
        ended = replace(
            self.report,
            ended=now(),
            exit_status=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            stop_signal=self.stop_signal,
            out_of_memory=killed,
            out_of_time=self.out_of_time,
            peak_memory_mib=max(-(-most_kib // 1024), self.peak_mib),
        )
        return write(Path(self.request.report), ended)


def begin(request: Request, report: Report, warmth: Warmth | None, scratch: Path) -> Hosted:
    """Start the process of a run that this job has claimed. `scratch` is a folder on this node that nobody else can enter."""
    groups = cgroup.job_folders(report.job_id, Path("/proc/self/cgroup").read_text())
    kills = cgroup.oom_kills(groups)
    if warmth is None:
        with open(request.log, "ab") as log:
            process = host.start((sys.executable, "-P", "-c", COLD, request.run_id), log)
        COLD_PROCESSES.append(process)
        return Hosted(request, report, process.pid, groups, kills)
    return Hosted(request, report, warmth.warm.fork(partial(_work, request, warmth, scratch / request.run_id)), groups, kills)


def _work(request: Request, warmth: Warmth, address: Path) -> int:
    """What the run's process does."""
    os.setsid()
    with open(request.log, "ab") as log, open(os.devnull, "rb") as nothing:
        for source, number in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source.fileno(), number)
    with suppress(OSError):  # short of memory, the kernel is to kill this process, and not its host
        Path("/proc/self/oom_score_adj").write_text("1000")
    with _operations(warmth, address):
        warmth.warm.execute(request.run_id)  # a run that fails has said so itself
    return 0


@contextmanager
def _operations(warmth: Warmth, address: Path) -> Iterator[None]:
    """A process that forks the run's PADOCC operations, until the run has ended."""
    with warmth.workers.listen(address) as listener:
        pid = warmth.warm.fork(lambda: _serve(listener, warmth.workers))
    os.environ[FORK_SERVER] = str(address)
    yield
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)  # what its children used counts as this process's use from now on


def _serve(listener: Any, workers: Any) -> NoReturn:
    """As `serve` of the fork server, except that it waits for its children, whose memory is counted so, and ends at SIGTERM."""
    ended, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)  # a handler alone would not end an `accept` that begins when the signal has just come
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    while True:
        ready, _, _ = select.select([listener, ended], [], [])
        if ended in ready:
            _reap()
            os._exit(0)
        connection, _ = listener.accept()
        with connection:
            if os.fork() == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                listener.close()
                workers.alone(partial(_keep, workers, connection))
        _reap()


def _keep(workers: Any, connection: Any) -> None:
    workers.keep(connection, workers.receive(connection))


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
