"""Samples of a worker, taken from outside: its counters of reads and writes, its processor time, and the files of its project.

The heartbeat of the project's lock goes on whatever the worker does. It changes none of these: it neither reads nor writes, and its marker
lies elsewhere.
"""

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.pipeline.running.progress import Sample

if TYPE_CHECKING:
    import psutil

FILES_LOOKED_AT = 1000
COUNTED = ("wchar", "read_bytes", "write_bytes")
"""Of /proc/PID/io: bytes written by system calls, and those that really came from a disk or went there, memory maps included."""


def processes_of(worker: "psutil.Process") -> "list[psutil.Process]":
    """The worker and all that it started. Raises psutil.NoSuchProcess when the worker has ended."""
    import psutil

    if worker.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(worker.pid)
    return [worker, *worker.children(recursive=True)]


def sample_of(processes: "Iterable[psutil.Process]", folder: Path | None) -> Sample:
    """Take a sample of a worker with all that it started, which work on the project in `folder`."""
    import psutil

    cpu_seconds, bytes_read, reads, counters = 0.0, 0, 0, []
    for process in processes:
        with suppress(psutil.Error):  # it has just ended
            times = process.cpu_times()
            cpu_seconds += times.user + times.system
            counted = _counted(process.pid)
            bytes_read += counted.get("rchar", 0)
            reads += counted.get("syscr", 0)
            done = [counted[name] for name in COUNTED] if counted else [int(times.user + times.system)]
            counters.append((process.pid, *done))
    return Sample(time.monotonic(), cpu_seconds, (tuple(counters), _files(folder)), bytes_read, reads)


def threads_of(worker: "psutil.Process") -> str:
    """A line for each thread of the worker, as the kernel sees it: state, and what it waits for; empty where that is not known."""
    lines = []
    with suppress(OSError):
        for task in sorted(Path(f"/proc/{worker.pid}/task").iterdir(), key=lambda path: int(path.name)):
            with suppress(OSError):
                state = (task / "stat").read_text().rpartition(")")[2].split()[0]
                waits = (task / "wchan").read_text().strip("0\n") or "nothing that the kernel names"
                lines.append(f"thread {task.name} {(task / 'comm').read_text().strip()}: state {state}, waits in {waits}")
    return "\n".join(lines)


def _counted(pid: int) -> dict[str, int]:
    """What the kernel counts of a process's reads and writes; nothing where it does not."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}


def _files(folder: Path | None) -> int:
    """A digest of sizes and times of change of the project's files; of the first `FILES_LOOKED_AT` where a store has more."""
    found: list[tuple[str, int, int]] = []
    for entry in islice(_entries(folder), FILES_LOOKED_AT) if folder else ():
        with suppress(OSError):
            state = entry.stat(follow_symlinks=False)
            found.append((entry.path, state.st_size, state.st_mtime_ns))
    return hash(tuple(found))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """All that lies in a folder, level by level."""
    folders = deque([str(folder)])
    while folders:
        with suppress(OSError), os.scandir(folders.popleft()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
