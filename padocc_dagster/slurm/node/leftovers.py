"""What a job's command leaves behind when it ends: processes that outlived their parents, in whichever session they are.

Linux only (prctl(2), proc(5)).
"""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """From now on, each descendant of this process that loses its parent becomes its child."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def kill(seconds: float) -> None:
    """Kill every child of this process, and wait for it. Gives up after so many seconds: SLURM ends what hangs in the kernel."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for pid in _children():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def kill_session(session: int) -> None:
    """Kill every process of a session: what a run has started, unless it has made a session of its own."""
    for pid in of_session(session):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def of_session(session: int) -> list[int]:
    """The processes of a session."""
    return [pid for pid, _, own in _processes() if own == session]


def _children() -> list[int]:
    """The processes whose parent is this one."""
    return [pid for pid, parent, _ in _processes() if parent == os.getpid()]


def _processes() -> list[tuple[int, int, int]]:
    """Each process with its parent and its session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            words = stat.read_text(errors="replace").rpartition(")")[2].split()
            found.append((int(stat.parent.name), int(words[1]), int(words[3])))
    return found
