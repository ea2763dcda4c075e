"""What a killed test leaves on the machine is removed: daemons, data and mounts, which do not end with the process that made them.

Child processes need no more than `processes.dies_with_parent`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import psutil
import pytest

WAIT = "import os, sys; sys.stdin.read(1) or os.execvp(sys.argv[1], sys.argv[1:])"
"""The end of the file means that the tests' process has ended: the kernel has closed its side of the pipe."""
ROOT = Path(__file__).parents[1]


class IfKilled:
    """A process that runs a command as soon as this process ends, however it ends. `cancel`, or the end of the block, prevents that."""

    def __init__(self, *command: str | Path) -> None:
        argv = [sys.executable, "-I", "-S", "-c", WAIT, *map(str, command)]
        output = subprocess.DEVNULL
        # In a session of its own, because Ctrl-C goes to the whole session of the tests.
        self._process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True)

    def cancel(self) -> None:
        self._process.communicate(b"x")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Path]:
    """An empty file system in memory at `folder`, with options such as `size=16k`. Skips the test where none can be mounted."""
    folder.mkdir(exist_ok=True)
    unmount = ["umount", "--lazy", str(folder)]  # lazy: a job that ends just now has its log open
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    with IfKilled(*unmount):
        try:
            yield folder
        finally:
            subprocess.run(unmount, check=True)


@contextmanager
def fill(folder: Path) -> Iterator[None]:
    """Nothing more can be written on the disk of the folder within the block."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
        yield
    finally:
        filler.unlink()


def at_work_below(pid: int, name: str = "") -> list[int]:
    """The processes that descend from this one and have not ended, those of that name where one is given."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and name in ("", process.name()):
                found.append(process.pid)
    return found
