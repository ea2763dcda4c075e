"""What the kernel has counted of a job's memory, where SLURM gives each job a control group (`man cgroup.conf`).

Only groups named by the job's number count: a group above includes other people's work.
"""

import re
from collections.abc import Iterable
from pathlib import Path

PEAKS = ("memory.peak", "memory.max_usage_in_bytes")
"""Bytes, as cgroup v2 (Linux 5.19 and later) and v1 name the file."""
NO_LIMIT = 1 << 60
LIMITS = ("memory.max", "memory.limit_in_bytes")
"""Bytes; `max` is none in v2, and a number near 2**63 is none in v1."""
EVENTS = ("memory.events", "memory.oom_control")
"""Lines `name value`, one of them `oom_kill`: processes that the kernel killed for want of memory."""


def job_folders(job_id: int, lines: str, root: Path = Path("/sys/fs/cgroup")) -> list[Path]:
    """The folders of a process's memory group and of those above it up to the job's, by the lines of its /proc/PID/cgroup.

    Empty when the process is not in a group of the job.
    """
    found = {}
    for line in lines.splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            found["v1"] = root / "memory" / path.lstrip("/")
        elif number == "0":
            found["v2"] = root / path.lstrip("/")
    folder = found.get("v1", found.get("v2"))
    name = f"job_{job_id}"
    if folder is None or name not in folder.parts:
        return []
    above = [folder, *folder.parents]
    return above[: [part.name for part in above].index(name) + 1]


def peak_memory_mib(folders: list[Path]) -> int | None:
    """The most memory that the job had at a time, file cache included. None where it is not counted."""
    peaks = [int(text) for folder in folders for name in PEAKS if (text := _text(folder / name)).strip().isdigit()]
    return -(-max(peaks) // (1 << 20)) if peaks else None


def memory_limit_mib(folders: list[Path]) -> int | None:
    """The most memory that the kernel lets the job have. None for no limit."""
    limits = [int(text) for folder in folders for name in LIMITS if (text := _text(folder / name)).strip().isdigit()]
    least = min(limits, default=NO_LIMIT)
    return least >> 20 if least < NO_LIMIT else None


def was_out_of_memory(folders: list[Path]) -> bool:
    """Whether the kernel killed a process of the job for want of memory."""
    return oom_kills(folders) > 0


def oom_kills(folders: list[Path]) -> int:
    """How many processes of the job the kernel has killed for want of memory."""
    lines = [line.split() for folder in folders for name in EVENTS for line in _text(folder / name).splitlines()]
    return max((int(line[1]) for line in lines if len(line) == 2 and line[0] == "oom_kill" and line[1].isdigit()), default=0)


def held_mib(pids: Iterable[int], root: Path = Path("/proc")) -> int:
    """The memory of these processes together, without the file cache: what they share counts once (`Pss` of smaps_rollup, proc(5))."""
    kib = 0
    for pid in pids:
        words = re.findall(r"^Pss_(?:Anon|Shmem): +(\d+) kB$", _text(root / str(pid) / "smaps_rollup"), re.MULTILINE)
        kib += sum(map(int, words))
    return -(-kib // 1024)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
