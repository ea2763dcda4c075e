"""What a worker used for one piece of work, measured by itself, and what its run had requested."""

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Requested(BaseModel):
    """What the run's job requested of a cluster; None for what it did not request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    wall_seconds: int | None = None
    """For all phases of the run together."""
    memory_mib: int | None = None
    cpus: int | None = None


class Used(BaseModel):
    """What a worker used, its own children included."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seconds: float
    """Wall time."""
    cpu_seconds: float
    peak_mib: int
    """The most that it held, and the most that one of its children held for each CPU that it worked on."""
    cpus: int = 1
    requested: Requested | None = None


class Meter:
    """Measures from its construction on."""

    def __init__(self) -> None:
        self._began, self._cpu = time.monotonic(), _cpu_seconds()

    def used(self, cpus: int = 1, requested: dict[str, int] | None = None) -> Used:
        """What was used until now, on so many CPUs."""
        return Used(
            seconds=round(time.monotonic() - self._began, 3),
            cpu_seconds=round(_cpu_seconds() - self._cpu, 3),
            peak_mib=_peak_mib(cpus),
            cpus=cpus,
            requested=Requested.model_validate(requested) if requested else None,
        )


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def _peak_mib(cpus: int) -> int:
    """Linux keeps this process's own peak in VmHWM; ru_maxrss is inherited from the process that started it."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        own = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if cpus > 1 else 0
    return -(-(own + cpus * children) // 1024)
