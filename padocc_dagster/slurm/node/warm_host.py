"""The main process of a job that hosts many runs, one after another on each of its CPUs.

    python -m padocc_dagster.slurm.node.warm_host --folder FOLDER --report FILE

It claims its report, then imports what runs need, once, and from then on forks a process for each run that waits in its folder
(`host_folder.py`). A run that dies, exceeds its memory or its own wall time, or is cancelled, ends alone. A run is started only when
all of its wall time is left. SIGUSR2, a minute before the end of the job's wall time, lets it start no more; what has not started goes
to another host. SIGTERM (wall time, preemption, `scancel`, the end of slurmstepd) and SIGINT kill all of it at once: the launcher finds
the cause. After `idle_seconds` without a run it ends. All periods are measured by this node's clock that only runs forward, none by the
time of day.

Exit status: 0, 128 and the number of the signal that ended it, or 73 when its report cannot be made. Until it is in charge, it uses
the standard library alone.
"""

import argparse
import importlib
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from padocc_dagster.slurm.node import cgroup, charge, hosted, leftovers
from padocc_dagster.slurm.node.charge import leave, now, say, take_charge, worker_environment
from padocc_dagster.slurm.node.host_folder import Host, HostFolder, Pace, Request
from padocc_dagster.slurm.node.hosted import Hosted, Warmth
from padocc_dagster.slurm.node.report import Report, claim, write

CLOSE = signal.SIGUSR2
AT_ONCE = (signal.SIGTERM, signal.SIGINT)
WATCHED = (CLOSE, *AT_ONCE, signal.SIGCHLD)
STOPS = {CLOSE, *AT_ONCE}
LOOK_SECONDS = 1.0
SWEEP_SECONDS = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Host runs until there are none, or the time is over; returns the exit status."""
    began = time.monotonic()
    charge.watch(*WATCHED)
    charge.end_with_parent()
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1,))  # requests the end of a job of one run
    parser = argparse.ArgumentParser(prog="python -m padocc_dagster.slurm.node.warm_host", description="Host many runs in a SLURM job.")
    parser.add_argument("--folder", type=Path, required=True, help="where the runs wait")
    parser.add_argument("--report", type=Path, required=True, help="the file that says how the job goes")
    arguments = parser.parse_args(argv)
    report = take_charge(arguments.report)
    if isinstance(report, int):
        return report
    folder = HostFolder(arguments.folder)
    host = folder.host()
    if host is None:
        return leave(f"{folder.path} does not say what this job is for", os.EX_NOINPUT)
    environment = worker_environment(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    leftovers.adopt()
    with tempfile.TemporaryDirectory(prefix="padocc-dagster-", ignore_cleanup_errors=True) as scratch:
        return WarmHost(folder, host, arguments.report, report, began, _warmth(host.definitions), Path(scratch)).run()


def _warmth(definitions: str) -> Warmth | None:
    """Import what runs need. None when that fails, and the log says why: then each run has an interpreter of its own, and reports it."""
    try:
        warm = importlib.import_module("padocc_dagster.warm")
        workers = importlib.import_module(warm.WORKERS)
        installed = workers.installed()
        if definitions:
            importlib.import_module(definitions)  # Dagster, which imports it next, leaves out the first entry of sys.path
        warm.preload(*[definitions] if definitions else [])
        return Warmth(warm, workers, installed)
    except Exception:
        traceback.print_exc()
        return None


@dataclass
class WarmHost:
    folder: HostFolder
    host: Host
    path: Path
    """Of the job's report."""
    report: Report
    began: float
    """By time.monotonic()."""
    warmth: Warmth | None
    scratch: Path
    closed: bool = False
    at_work: dict[int, Hosted] = field(default_factory=dict)
    """By process id."""
    idle_since: float = field(default_factory=time.monotonic)
    ended_by: signal.Signals | None = None

    @cached_property
    def watched_mib(self) -> int:
        """The memory of a run that this host has to watch over. 0 where the kernel ends a run that exceeds it: one at a time, in a job
        with a limit."""
        groups = cgroup.job_folders(self.report.job_id, Path("/proc/self/cgroup").read_text())
        return self.host.memory_mib if self.host.at_once > 1 or cgroup.memory_limit_mib(groups) is None else 0

    def run(self) -> int:
        while self.ended_by is None and not (self.closed and not self.at_work):
            self._reap()
            self._attend()
            if not self.closed:
                self._start_waiting()
                self._close_when_idle()
            self._wait()
        if self.ended_by is not None:
            self._kill_all(self.ended_by)
        self.folder.close()
        leftovers.kill(SWEEP_SECONDS)
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(part.ru_utime + part.ru_stime for part in used)
        say(f"{self.folder.pace().runs} runs have ended here, with {seconds:.1f} s of CPU in all")
        ended = replace(self.report, ended=now(), stop_signal=self.ended_by.name if self.ended_by else None)
        if not write(self.path, replace(ended, exit_status=None if self.ended_by else 0)):
            say(f"The end of the job could not be written to {self.path}")
        return 128 + self.ended_by if self.ended_by else 0

    def _wait(self) -> None:
        """Wait for a signal, a second at most: what waits in the folder comes without one."""
        if self.closed and not self.at_work:
            return
        found = signal.sigtimedwait(WATCHED, LOOK_SECONDS)
        if found and found.si_signo == CLOSE:
            say("The wall time is nearly over: no more runs are started here")
            self._close()
        elif found and found.si_signo in AT_ONCE:
            self.ended_by = signal.Signals(found.si_signo)

    def _reap(self) -> None:
        """Write down the ends of runs whose process has ended."""
        while self.at_work:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid not in self.at_work:
                continue  # left by a run that has ended
            run = self.at_work.pop(pid)
            run_id = run.request.run_id
            if not run.end(status, usage.ru_maxrss):
                say(f"The end of run {run_id} could not be written to {run.request.report}")
            pace = self.folder.pace()
            self.folder.set_pace(Pace(pace.runs + 1, pace.seconds + time.monotonic() - run.began))
            self.folder.remove(run_id, "cancelled")
            self.folder.move(run_id, "claimed", "done")
            self.idle_since = time.monotonic()

    def _attend(self) -> None:
        """See to the runs at work: their time, their memory, and whether a person has cancelled them."""
        cancelled = set(self.folder.runs("cancelled")) if self.at_work else set()
        for run in self.at_work.values():
            if run.request.run_id in cancelled:
                run.cancel(self.host.grace_seconds)
            run.check(self.watched_mib)

    def _start_waiting(self) -> None:
        """Start runs that wait, as far as there is room."""
        waiting = self.folder.runs("open") if len(self.at_work) < self.host.at_once else []
        if waiting and self.warmth and self.warmth.is_outdated:
            say("Something has been installed since this job began: runs are started in another job, by what is installed now")
            self._close()
        for run_id in waiting:
            if len(self.at_work) >= self.host.at_once or self.closed or signal.sigpending() & STOPS:
                return
            request = self.folder.request(run_id, "open")
            if request is None or request.wall_seconds > self.host.wall_seconds - (time.monotonic() - self.began):
                self.folder.move(run_id, "open", "returned")
            elif self.folder.move(run_id, "open", "claimed"):
                self._start(request)

    def _start(self, request: Request) -> None:
        """Start a run, unless another job has it."""
        report = Report(self.report.job_id, self.report.host, now())
        try:
            mine = claim(Path(request.report), report)
        except OSError as error:
            say(f"Run {request.run_id} is not started, because its report {request.report} cannot be made: {error.strerror}")
            self.folder.move(request.run_id, "claimed", "returned")
            self._close()
            return
        if mine:
            run = hosted.begin(request, report, self.warmth, self.scratch)
            self.at_work[run.pid] = run
        elif request.run_id not in {run.request.run_id for run in self.at_work.values()}:
            say(f"Run {request.run_id} is not started: another job has it, or had it")
            self.folder.remove(request.run_id, "claimed")

    def _close_when_idle(self) -> None:
        if self.at_work or time.monotonic() - self.idle_since < self.host.idle_seconds:
            return
        self._close()
        if self.folder.runs("closed"):  # one has joined in the last moment
            self.folder.reopen()
            self.closed = False

    def _close(self) -> None:
        self.folder.close()
        self.closed = True

    def _kill_all(self, number: signal.Signals) -> None:
        """End all runs as SLURM ends the job. They stay among the claimed: SLURM's word on the job is their cause."""
        for run in self.at_work.values():
            run.stop_signal = run.stop_signal or number.name
            run.kill()
        while self.at_work:
            pid, status, usage = os.wait4(-1, 0)
            if pid in self.at_work:
                run = self.at_work.pop(pid)
                run.end(status, usage.ru_maxrss)


if __name__ == "__main__":
    sys.exit(main())
