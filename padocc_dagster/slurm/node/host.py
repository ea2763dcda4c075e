"""The main process of a batch job: it claims a run, starts the command that does the work, and says how that ended.

    python -m padocc_dagster.slurm.node.host --report FILE --grace SECONDS -- COMMAND…

The batch script `exec`s this, so that SLURM's signals reach it. SIGUSR1 is a person's cancelling: the command gets SIGTERM and so many
seconds to finish. SIGTERM (wall time, preemption, `scancel`, the end of slurmstepd) and SIGINT kill all of it at once: Dagster would report
a failure of its own, which hides the cause that the launcher finds. SIGHUP is ignored. Nothing that the command has started outlives it.

Exit status: the command's; 128 and the number of the signal that ended it or this process; 0 also when the run has a job already; 73
when the report cannot be made, and 126 or 127 when the command cannot be started. Standard library only: every job loads this.
"""

import argparse
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from padocc_dagster.slurm.node import cgroup, charge, leftovers
from padocc_dagster.slurm.node.charge import PR_SET_PDEATHSIG, leave, now, say, take_charge, worker_environment
from padocc_dagster.slurm.node.report import Report, write

CANCEL = signal.SIGUSR1
AT_ONCE = (signal.SIGTERM, signal.SIGINT)
WATCHED = (CANCEL, *AT_ONCE, signal.SIGCHLD)
SWEEP_SECONDS = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Host the command; returns the exit status."""
    charge.watch(*WATCHED)
    charge.end_with_parent()
    arguments = _parser().parse_args(argv)
    report = take_charge(arguments.report)
    return report if isinstance(report, int) else _host(arguments.report, report, arguments.command, arguments.grace)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m padocc_dagster.slurm.node.host", description="Host a run in a SLURM job.")
    parser.add_argument("--report", type=Path, required=True, help="the file that says how the run goes")
    parser.add_argument("--grace", type=int, required=True, help="seconds that a cancelled run has to finish")
    parser.add_argument("command", nargs="+", help="after --: the program and its arguments")
    return parser


def _host(path: Path, report: Report, command: Sequence[str], grace_seconds: int) -> int:
    early = sorted(signal.sigpending() & {CANCEL, *AT_ONCE})
    if early:
        first = signal.Signals(early[0])
        write(path, replace(report, stop_signal=first.name, ended=now()))
        return leave(f"{first.name} came before the run was started", 128 + (signal.SIGTERM if first == CANCEL else first))
    try:
        child = start(command)
    except OSError as error:
        status = 127 if isinstance(error, FileNotFoundError) else 126
        write(path, replace(report, exit_status=status, ended=now()))
        return leave(f"{command[0]} cannot be started: {error.strerror}", status)
    ender = _watch(child, grace_seconds, lambda number: write(path, replace(report, stop_signal=number.name)))
    ended, status = now(), child.returncode
    leftovers.kill(SWEEP_SECONDS)
    groups = cgroup.job_folders(report.job_id, Path("/proc/self/cgroup").read_text())
    out_of_memory = cgroup.was_out_of_memory(groups)
    report = replace(
        report,
        ended=ended,
        exit_status=status if status >= 0 else None,
        signal=-status if status < 0 else None,
        stop_signal=ender.name if ender else None,
        out_of_memory=out_of_memory,
        peak_memory_mib=(cgroup.peak_memory_mib(groups) if out_of_memory else None) or _most_of_one_process_mib(),
    )
    if not write(path, report):
        say(f"The end of the run could not be written to {path}: {report}")
    if status and ender in AT_ONCE:
        return 128 + ender
    return status if status >= 0 else 128 - status


def _most_of_one_process_mib() -> int:
    """The group's own count includes the file cache: a job that reads large files seems to use all that it requested."""
    return -(-resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)


def start(command: Sequence[str], log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start a command that ends with this process, in a session of its own, printing into the log."""
    libc, host = ctypes.CDLL(None), os.getpid()
    leftovers.adopt()

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != host:
            os._exit(128 + signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    environment = worker_environment(os.environ)
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True, preexec_fn=prepare
    )


def _watch(child: subprocess.Popen[bytes], grace_seconds: int, note: Callable[[signal.Signals], object]) -> signal.Signals | None:
    """Wait for the child's end and pass signals on. Returns the first that requested its end, with which `note` is called at once."""
    first, deadline = None, None
    while child.poll() is None:
        number = _next_signal(deadline)
        if number == signal.SIGCHLD:
            continue
        if number == CANCEL and first is None:
            child.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + grace_seconds
        elif number != CANCEL:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            deadline = None
        if number is not None and first is None:
            first = number
            note(first)
    return first


def _next_signal(deadline: float | None) -> signal.Signals | None:
    """The next watched signal; None when the deadline has passed."""
    if deadline is None:
        return signal.Signals(signal.sigwait(WATCHED))
    found = signal.sigtimedwait(WATCHED, max(0.0, deadline - time.monotonic()))
    return signal.Signals(found.si_signo) if found else None


if __name__ == "__main__":
    sys.exit(main())
