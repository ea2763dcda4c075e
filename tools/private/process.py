"""The cluster's processes: started apart from whoever starts them, found again by pid file, ended only if they are the cluster's own."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from .folder import ClusterError, PrivateFolder


def wait_until(what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
    """Look until it holds; ClusterError that names it when it does not within that time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise ClusterError(f"after {seconds:.0f} seconds, {what} is still not so")
        time.sleep(0.03)


def spawn(folder: PrivateFolder, daemon: str, command: list[str]) -> None:
    """Start a daemon in a session of its own, by a command that becomes it."""
    path = shutil.which(command[0], path=folder.path)
    if path is None:
        raise ClusterError(f"{command[0]} is not installed")
    out = os.open(folder.printed(daemon), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
        pid = os.posix_spawn(path, command, folder.environment, file_actions=actions, setsid=True)
    finally:
        os.close(out)
    folder.pid_file(daemon).write_text(f"{pid}\n")
    # The kernel shows no environment for a moment after a program is executed, and by that a process is known.
    wait_until(f"{daemon} runs", lambda: _is_own(folder, daemon, pid) or _has_ended(pid))


def find(folder: PrivateFolder, daemon: str) -> int | None:
    """The id of the cluster's own live process of that name, None if there is none.

    A pid file may outlive its process and name somebody else's: the program and the variable by which the
    cluster's daemons are known must be right as well.
    """
    try:
        pid = int(folder.pid_file(daemon).read_text())
    except (OSError, ValueError):
        return None
    return pid if _is_own(folder, daemon, pid) else None


def _is_own(folder: PrivateFolder, daemon: str, pid: int) -> bool:
    process = Path("/proc") / str(pid)
    try:
        program = Path(os.fsdecode((process / "cmdline").read_bytes().split(b"\0")[0])).name
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return program == daemon.partition("@")[0] and os.fsencode("=".join(folder.known_by)) in variables


def _has_ended(pid: int) -> bool:
    """Whether all that the process held is free again.

    One that is dying still holds its ports when it has lost its environment, and, as a zombie, as long as it has other threads.
    """
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    process = Path("/proc") / str(pid)
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "X" or (state == "Z" and len(list((process / "task").iterdir())) == 1)
    except OSError:
        return True


def end(folder: PrivateFolder, daemon: str, number: int = signal.SIGTERM, seconds: float = 20) -> None:
    """Send a signal that ends the daemon, and wait until it is gone; one that does not go by then is killed."""
    pid = find(folder, daemon)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)  # one that was halted would not hear
    try:
        wait_until(f"{daemon} (process {pid}) has ended", lambda: _has_ended(pid), seconds)
    except ClusterError:
        if number == signal.SIGKILL:
            raise
        end(folder, daemon, signal.SIGKILL)
    folder.pid_file(daemon).unlink(missing_ok=True)
