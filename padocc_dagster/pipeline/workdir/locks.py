"""One worker per project and one writer per group, on any file system that several hosts share.

The lock is filelock's `SoftFileLease`, a marker file that the holder refreshes every third of `LEASE_SECONDS`, with the changes of
`lease.py`. It needs no lock daemon, so it works on NFS. A holder that was killed is noticed at once on the same host; on another,
when nobody refreshed its marker for `LEASE_SECONDS`, half of them watched. A holder that could not refresh its marker (stopped for
a minute, file system gone) has lost the lock, and ends itself when it notices, within another `LEASE_SECONDS`.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LEASE_SECONDS = 60.0
WAIT_SECONDS = 90.0  # longer than the lease, so that a waiting process outlasts a holder that dies
EMPTY_SECONDS = 2.0
POLL_SECONDS = 0.1
LOST_LOCK_EXIT_STATUS = 75


class LockedError(Exception):
    """Somebody else is at work on the same project or group."""


@contextmanager
def held(path: Path, what: str, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock for the block. Raises LockedError, naming the holder, when it is not free within `wait` seconds.

    If the holder looks dead, the wait is extended by up to `LEASE_SECONDS`. A holder that died a moment ago may still block the lock; it
    looks dead `LEASE_SECONDS` later.
    """
    from filelock import Timeout

    from padocc_dagster.pipeline.workdir.lease import Lease

    path.parent.mkdir(parents=True, exist_ok=True)
    _spoil_empty_marker(path)
    lease = Lease(path, lease_duration=LEASE_SECONDS, on_compromise=_give_up)
    try:
        try:
            lease.acquire(timeout=wait, poll_interval=POLL_SECONDS)
        except Timeout:
            lease.acquire(timeout=LEASE_SECONDS if lease.looks_dead else 0, poll_interval=POLL_SECONDS)
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
    """The identity of an empty marker, which a later one at the same place does not have; None when there is none.

    It is opened: to a mere `stat` NFS answers for seconds what it knew before, and the holder may have written its name since.
    """
    try:
        with open(path, "rb") as file:
            marker = os.fstat(file.fileno())
    except OSError:  # gone, or on NFS stale: removed between the two
        return None
    return None if marker.st_size else (marker.st_ino, marker.st_ctime_ns)


def _holder(path: Path) -> str:
    try:
        fields = path.read_text(errors="replace").split()
    except OSError:
        return "another process"
    return f"another process (marker {path}: {' '.join(fields[1:3])})"


def _give_up(loss: Any) -> None:
    sys.stderr.write(f"lost the lock {loss.lock_file} ({loss.reason}): this process ends, as another may be at work\n")
    sys.stderr.flush()
    os._exit(LOST_LOCK_EXIT_STATUS)
