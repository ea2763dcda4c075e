"""What all processes that were started within a block use together, also those that are gone: counted by a control group of their own."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

V1 = Path("/sys/fs/cgroup/cpuacct")
V2 = [Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")]


@dataclass
class Usage:
    """A control group. Processes join it with `joined`, their children with them."""

    folder: Path

    @contextmanager
    def joined(self) -> Iterator[None]:
        """What this process starts within the block is counted."""
        before = self.folder.parent / "cgroup.procs"
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))
        try:
            yield
        finally:
            before.write_text(str(os.getpid()))

    def cpu_seconds(self) -> float:
        if (old := self.folder / "cpuacct.usage").exists():
            return int(old.read_text()) / 1e9
        lines = dict(line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
        return int(lines["usage_usec"]) / 1e6


@contextmanager
def counted() -> Iterator[Usage]:
    """A new control group, which is removed when its processes have ended. Needs root, as in a container."""
    root = V1 if V1.is_dir() else next(folder for folder in V2 if (folder / "cgroup.procs").exists())
    folder = root / f"padocc-dagster-benchmark-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        yield Usage(folder)
    finally:
        folder.rmdir()
