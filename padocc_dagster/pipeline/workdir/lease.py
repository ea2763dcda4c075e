"""filelock's lease, with an end that also comes on NFS and that a contender need not have watched from the beginning.

filelock takes a dead holder's marker only where two file names can be exchanged in one step, which NFS cannot
(`filelock/_soft.py:320`), and only in a contender that has itself watched the marker for the whole lease. Here the dead marker is
removed, by one contender at a time, and the time for which nobody refreshed it counts from its own time stamp.
"""

import os
import tempfile
import time
from pathlib import Path

from filelock import SoftFileLease


def clock_of(folder: Path) -> float:
    """The time now, as the folder's file system stamps files: seconds since 1970, on NFS by the server's clock."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        return os.fstat(probe.fileno()).st_mtime


class Lease(SoftFileLease):
    """A marker is dead when its process on this host is gone, or when nobody refreshed it for `lease_duration` seconds.

    The latter counts only after half a lease of watching, which is longer than the time between two refreshes: a clock may be wrong.
    """

    _polled = float("-inf")
    _silent_when_first_seen = 0.0

    @property
    def looks_dead(self) -> bool:
        """Whether the marker last seen had not been refreshed for a lease, as far as the clocks can be trusted."""
        seen = self._marker_seen
        return seen is not None and self._silent_when_first_seen + time.monotonic() - seen[1] >= self.lease_duration

    def _marker_unchanged_for(self, marker: os.stat_result) -> float:
        now, polled_before = time.monotonic(), self._polled
        self._polled = now
        if now - polled_before > self.lease_duration / 3:
            self._marker_seen = None  # this process was stopped, and with it perhaps the file system and every holder
        watched = super()._marker_unchanged_for(marker)
        if watched == 0:
            self._silent_when_first_seen = max(0.0, clock_of(Path(self.lock_file).parent) - marker.st_mtime)
        return watched if watched < self.lease_duration / 2 else watched + self._silent_when_first_seen

    def _take_over(self, marker: os.stat_result, breaker_pid: int | None) -> None:
        """Remove a marker judged dead; the next poll finds the lock free. filelock calls this with what it judged."""
        path = Path(self.lock_file)
        guard = path.with_name(f"{path.name}.removing")
        try:
            guard.touch(exist_ok=False)
        except FileExistsError:
            if clock_of(path.parent) - _opened(guard).st_mtime > self.lease_duration:
                guard.unlink(missing_ok=True)
            return
        try:
            found = _opened(path)
            if (found.st_ino, found.st_mtime_ns) == (marker.st_ino, marker.st_mtime_ns):
                path.unlink()
        finally:
            guard.unlink(missing_ok=True)


def _opened(path: Path) -> os.stat_result:
    """The file's state, opened for it: NFS answers a mere `stat` from its cache."""
    with open(path, "rb") as file:
        return os.fstat(file.fileno())
