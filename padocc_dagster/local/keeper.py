"""The keeper of one run: it forks the run's process, passes signals on to it, waits for its end, and reports that where the run could not.

    python -P -m padocc_dagster.local.keeper    a keeper that is a fresh interpreter; standard input is the socket to the launcher

A keeper outlives the process that started it: the daemon, the code server and the fork server may all end. SIGTERM interrupts the run. When
a keeper is killed, the system kills the run's process with it, and the run monitor or the next `up` reports the run.
"""

import json
import os
import signal
import socket
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padocc_dagster import warm
from padocc_dagster.local.records import Records

WATCHED = (signal.SIGTERM, signal.SIGCHLD)
RUN_NAME = "padocc-run"
"""What the system shows as the name of a run's process."""


@dataclass(frozen=True)
class Launch:
    """What a launcher sends: the run, the environment in which it executes, and the instance's folder, its working directory."""

    run: str
    environment: dict[str, str]
    home: str

    def line(self) -> bytes:
        return json.dumps({"run": self.run, "environment": self.environment, "home": self.home}).encode() + b"\n"

    @classmethod
    def of(cls, request: dict[str, Any]) -> "Launch":
        return cls(request["run"], request["environment"], request["home"])


def keep(launch: Launch, connection: socket.socket) -> None:
    """Execute a run in a fork and see to its end. The launcher is sent this process's id before the run begins.

    A run that has a keeper already is left to that. Nothing is started when the launcher has gone: the run is launched anew.
    """
    _name("padocc-keeper")
    claim = Records(Path(launch.home)).claim(launch.run)
    with suppress(OSError):
        os.setsid()
    try:
        connection.sendall(json.dumps({"keeper": os.getpid() if claim else None}).encode() + b"\n")
    except OSError:
        if claim:
            claim.release()
        return
    finally:
        connection.close()
    if claim is None:
        return
    warm.enter(launch.environment, launch.home)
    how = describe(_execute(launch.run))
    if how is None or _report(launch.run, how):
        claim.release()


def _execute(run_id: str) -> int:
    """Execute the run in a fork, and return how that ended, as os.waitstatus_to_exitcode does."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)  # they wait for sigwait: a handler could miss one that comes right before the wait
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = warm.fork(lambda: _run(run_id))
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:  # until it is collected, no other process has its id
        if signal.sigwait(WATCHED) == signal.SIGTERM:
            os.kill(pid, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run(run_id: str) -> int:
    _name(RUN_NAME)
    return warm.execute(run_id)


def _name(name: str) -> None:
    """Show this process under a name, where the system has room for one."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def describe(returncode: int) -> str | None:
    """What ended the run's process, None for a process that ended well."""
    if not returncode:
        return None
    if returncode > 0:
        return f"The run's process ended with exit status {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    memory = ", which the system sends when memory runs out" if returncode == -signal.SIGKILL else ""
    return f"The run's process was ended by {name}{memory}"


def _report(run_id: str, how: str) -> bool:
    """Report the end of the process, if the run has none yet. Returns whether Dagster knows."""
    from dagster import DagsterInstance

    from padocc_dagster.dagster_private import report_process_ended

    try:
        with DagsterInstance.get() as instance:
            report_process_ended(instance, run_id, how)
        return True
    except Exception:  # each database has errors of its own; the record stays, and the monitor finds it
        traceback.print_exc()
        return False


def main() -> None:
    connection = socket.socket(fileno=os.dup(0))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    with connection.makefile("rb") as lines:
        launch = Launch.of(json.loads(lines.readline()))
    keep(launch, connection)


if __name__ == "__main__":
    main()
