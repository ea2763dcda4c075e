"""The first process of a pod: it claims a run, starts the command that does the work, and writes down how that ended.

    python -m padocc_dagster.kubernetes.pod.host --report FILE -- COMMAND…

SIGTERM (a deletion, a deadline, an eviction) kills the command at once: Dagster would report a failure of its own, which hides the cause
that the launcher finds.

Exit status: the command's; 128 and the number of the signal that ended it or this process; 0 also when another pod has the run; 73 when
the report cannot be made, and 126 or 127 when the command cannot be started. Standard library only: every pod loads this.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from padocc_dagster.kubernetes.pod.report import Report, claim, read, write

UID, NODE = "PADOCC_POD_UID", "PADOCC_NODE"
"""Variables that the launcher has Kubernetes set."""
STOP = (signal.SIGTERM, signal.SIGINT)
CANNOT_CLAIM = os.EX_CANTCREAT


def main(argv: Sequence[str] | None = None) -> int:
    """Host the command; returns the exit status."""
    # Blocked signals wait for sigwait, so that none is lost between two steps, and none interrupts a step.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP, signal.SIGCHLD))
    parser = argparse.ArgumentParser(prog="python -m padocc_dagster.kubernetes.pod.host", description="Host a run in a pod.")
    parser.add_argument("--report", type=Path, required=True, help="the file that says how the run goes")
    parser.add_argument("command", nargs="+", help="after --: the program and its arguments")
    arguments = parser.parse_args(argv)
    report = Report(os.environ.get(UID, ""), os.environ.get(NODE) or os.uname().nodename, _now())
    if not report.pod:
        return _leave(f"{UID} is not set: this program is started in the launcher's pods", os.EX_USAGE)
    try:
        mine = claim(arguments.report, report)
        other = None if mine else read(arguments.report)
    except OSError as error:
        return _leave(f"The run is not started, because its report {arguments.report} cannot be made: {error.strerror}", CANNOT_CLAIM)
    if not mine:
        where = f", on {other.node} since {other.began:%Y-%m-%d %H:%M:%S %Z}" if other else ""
        return _leave(f"Another pod works on this run, or has worked on it{where}. Nothing is done here.", 0)
    return _host(arguments.report, report, arguments.command)


def _host(path: Path, report: Report, command: Sequence[str]) -> int:
    environment = {**os.environ, "PADOCC_DAGSTER_RUN_ENDS_WITH_ITS_WORKER": "1"}
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, start_new_session=True, preexec_fn=_unblock)
    except OSError as error:
        status = 127 if isinstance(error, FileNotFoundError) else 126
        write(path, replace(report, exit_status=status, ended=_now()))
        return _leave(f"{command[0]} cannot be started: {error.strerror}", status)
    status, stopped = _wait(child.pid)
    report = replace(
        report,
        ended=_now(),
        exit_status=status if status >= 0 else None,
        signal=-status if status < 0 else None,
        stopped=stopped,
        peak_memory_mib=-(-resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024),
    )
    if not write(path, report):
        _say(f"The end of the run could not be written to {path}: {report}")
    return status if status >= 0 else 128 - status


def _wait(pid: int) -> tuple[int, bool]:
    """Wait for the child's end. Returns its status, negative for a signal, and whether it was stopped.

    The orphans of a pod are children of its first process, which collects them too.
    """
    stopped, ended = False, {}
    while pid not in ended:
        if signal.sigwait((*STOP, signal.SIGCHLD)) in STOP:
            stopped = True
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while (each := os.waitpid(-1, os.WNOHANG))[0]:
                ended[each[0]] = os.waitstatus_to_exitcode(each[1])
    return ended[pid], stopped


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _now() -> datetime:
    return datetime.now(UTC)


def _leave(sentence: str, status: int) -> int:
    _say(sentence)
    return status


def _say(sentence: str) -> None:
    with suppress(OSError):  # the node's disk may be full
        print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
