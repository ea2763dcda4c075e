"""One worker per project and one writer per group, on any file system that several hosts share.

The lock is filelock's `SoftFileLease`: a marker file that the holder refreshes. It needs no lock daemon, so it works on NFS; a
holder that was killed is found out at once on the same host, and after `LEASE_SECONDS` from another. A holder that could not
refresh its marker (stopped for minutes, file system gone) has lost the lock, and ends itself before it can write again.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LEASE_SECONDS = 120.0
WAIT_SECONDS = 60.0
EMPTY_SECONDS = 2.0
LOST_LOCK_EXIT_STATUS = 75


class LockedError(Exception):
    """Somebody else is at work on the same project or group."""


@contextmanager
def held(path: Path, what: str, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock for the block. Raises LockedError, naming the holder, when it is not free within `wait` seconds."""
    from filelock import SoftFileLease, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    _spoil_empty_marker(path)
    lease = SoftFileLease(path, lease_duration=LEASE_SECONDS, on_compromise=_give_up, timeout=wait)
    try:
        lease.acquire(poll_interval=0.1)
    except Timeout:
        raise LockedError(f"{what} is being worked on by {_holder(path)}: wait until it ends, or stop it first") from None
    try:
        yield
    finally:
        lease.release()


def _spoil_empty_marker(path: Path) -> None:
    """Let filelock take over a marker that stays empty, as a process leaves it that is killed before it writes its name.

    filelock never breaks an empty marker (`filelock/_soft.py:259`), but one that it cannot read it takes over after two seconds.
    """
    found = _empty_marker(path)
    if found:
        time.sleep(EMPTY_SECONDS)
        if _empty_marker(path) == found:
            path.write_text("abandoned\n")


def _empty_marker(path: Path) -> tuple[int, int] | None:
    """What tells an empty marker from a later one at the same place; None when there is none."""
    try:
        marker = os.stat(path)
    except FileNotFoundError:
        return None
    return None if marker.st_size else (marker.st_ino, marker.st_ctime_ns)


def _holder(path: Path) -> str:
    try:
        fields = path.read_text(errors="replace").split()
    except OSError:
        return "another process"
    return f"another process (marker {path}: {' '.join(fields[1:3])})"


def _give_up(loss: Any) -> None:
    sys.stderr.write(f"lost the lock {loss.lock_file} ({loss.reason}): this process ends before it writes anything more\n")
    sys.stderr.flush()
    os._exit(LOST_LOCK_EXIT_STATUS)
