"""What people do to source files under a published product."""

import os
import time
from pathlib import Path


def later_than(path: Path) -> None:
    """Wait until the file system's clock, which is coarse, has moved on from the file's last change."""
    probe = path.with_name(".probe")
    while True:
        probe.write_bytes(b"")
        moved = os.stat(probe).st_ctime_ns > os.stat(path).st_ctime_ns
        probe.unlink()
        if moved:
            return
        time.sleep(0.001)


def put_back_times(path: Path, before: os.stat_result) -> None:
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def rewritten(path: Path, by: Path, put_back: bool = True) -> None:
    """Another file's bytes, as many as there were, written into this file; with `put_back`, its time of modification as it was."""
    later_than(path)
    status = os.stat(path)
    path.write_bytes(by.read_bytes()[: status.st_size].ljust(status.st_size, b"\0"))
    if put_back:
        put_back_times(path, status)


def same_values(path: Path) -> None:
    """The same bytes written again as another file, later."""
    later_than(path)
    other = path.with_name(f"{path.name}.new")
    other.write_bytes(path.read_bytes())
    os.rename(other, path)


def replaced(path: Path, by: Path) -> None:
    """Another file of equal size and time of modification renamed into its place."""
    status, other = os.stat(path), path.with_name(f"{path.name}.new")
    other.write_bytes(by.read_bytes()[: status.st_size].ljust(status.st_size, b"\0"))
    put_back_times(other, status)
    os.rename(other, path)


def shortened(path: Path) -> None:
    os.truncate(path, os.stat(path).st_size // 2)
