"""Starting, finding and ending processes of this machine. What they are is not known here."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil

MARK = "PADOCC_DAGSTER_UP"
"""The environment variable by which every process that a service started, directly or not, is found again."""
PR_SET_PDEATHSIG = 1
LOG_BYTES = 10_000_000
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def start(argv: list[str], log: Path, environment: Mapping[str, str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, with its output added to `log`. It gets SIGTERM when this process dies.

    Call it from the main thread: Linux ties the signal at the parent's death to the thread that started the child.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    with open(log, "ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )


def rotate(log: Path, most_bytes: int = LOG_BYTES) -> None:
    """Move what is in a log that has grown too large to `<name>.log.1`, in the place of what was moved before.

    The programs that write to it keep it open, and add at its end. What they write in the instant between the copy and the cut is lost.
    """
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > most_bytes:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def dies_with_parent() -> Callable[[], None] | None:
    """The `preexec_fn` of a child that gets SIGTERM when the thread that starts it ends; None where there is no such thing."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def ask_for_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_signal


def marked(mark: str) -> list[psutil.Process]:
    """The living processes that carry the mark in their environment; this one is left out."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark and is_alive(process):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def descendants(pid: int) -> list[psutil.Process]:
    """The children of a process and theirs; none when it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def spawned(pid: int) -> list[psutil.Process]:
    """The worker processes that a process has started by `multiprocessing`, without its bookkeeper, which ignores SIGTERM."""
    children = []
    for process in descendants(pid):
        try:
            if process.ppid() == pid and "--multiprocessing-fork" in process.cmdline():
                children.append(process)
        except psutil.Error:
            continue
    return children


def end(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Ask the processes to end (SIGTERM), and kill those that are there after `seconds`."""
    processes = list(processes)
    for process in processes:
        _signal(process, signal.SIGTERM)
    for process in _outlasting(processes, seconds):
        _signal(process, signal.SIGKILL)
    _outlasting(processes, 2)


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)


def _outlasting(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those still alive after so many seconds; returns as soon as none is."""
    deadline = time.monotonic() + seconds
    while (alive := [p for p in processes if is_alive(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs. A zombie whose parent does not collect it is dead."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def lineage(process: psutil.Process) -> set[int]:
    """The ids of the process and of its ancestors."""
    try:
        return {process.pid, *(parent.pid for parent in process.parents())}
    except psutil.Error:
        return {process.pid}


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, without colour codes, indented."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join("    " + COLOUR.sub("", line) for line in lines[-count:])
