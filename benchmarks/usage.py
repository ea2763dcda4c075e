"""What all processes that were started within a block use together, also those that are gone: counted by a control group of their own."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

V1 = Path("/sys/fs/cgroup/cpuacct")
V2 = [Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")]
SAMPLE_SECONDS = 2.0


@dataclass
class Usage:
    """A control group. Processes join it with `joined`, their children with them."""

    folder: Path
    peak_mib: float = 0.0
    """The most memory of all processes together, in samples `SAMPLE_SECONDS` apart. What forks share counts once."""

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

    def sample_memory(self) -> None:
        pids = (self.folder / "cgroup.procs").read_text().split()
        self.peak_mib = max(self.peak_mib, sum(_pss_mib(pid) for pid in pids if int(pid) != os.getpid()))


def _pss_mib(pid: str) -> float:
    """A process's memory, of what it shares its part; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def counted() -> Iterator[Usage]:
    """A new control group, which is removed when its processes have ended. Needs root, as in a container."""
    root = V1 if V1.is_dir() else next(folder for folder in V2 if (folder / "cgroup.procs").exists())
    folder = root / f"padocc-dagster-benchmark-{secrets.token_hex(4)}"
    folder.mkdir()
    usage, ended = Usage(folder), threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            usage.sample_memory()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield usage
    finally:
        ended.set()
        watching.join()
        folder.rmdir()
