"""What the services cost while nothing happens: `python -m benchmarks.idle [PROJECTS] [SECONDS]`, by default 100 and 300.

Serves a working directory of published projects, waits until Dagster knows all of them, and prints the CPU time of each service as a share
of one core, and its memory.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import psutil

from benchmarks.conductor import make
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster_tests.live.conftest import Live, free_port, start, stop

SETTLING = 60.0


def main(projects: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workdir = Workdir(Path(folder) / "work")
        with patch("os.fsync"):
            make(workdir, projects)
        port = free_port()
        process = start(workdir.root, port)
        live = Live(workdir, Path(folder), port, process)
        try:
            live.wait("all projects to be known", lambda: _known(live) == projects)
            time.sleep(SETTLING)
            before = services_of(process)
            time.sleep(seconds)
            after = services_of(process)
            for name, (used, memory) in after.items():
                print(f"{name:12} {100 * (used - before.get(name, (0.0, 0))[0]) / seconds:5.2f} % of a core, {memory / 2**20:.0f} MiB")
            total = sum(used for used, _ in after.values()) - sum(used for used, _ in before.values())
            print(f"{'together':12} {100 * total / seconds:5.2f} % of a core, {projects} projects, {seconds:.0f} s")
        finally:
            stop(process)


def _known(live: Live) -> int:
    return len(live.instance.get_materialized_partitions(dg.AssetKey("completed_product")))


def services_of(process: "subprocess.Popen[bytes]") -> dict[str, tuple[float, int]]:
    """Seconds of CPU and bytes of memory of the supervisor and of each service, with what it started and is still there."""
    found: dict[str, tuple[float, int]] = {}
    for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
        try:
            words, seconds, resident = " ".join(each.cmdline()), sum(each.cpu_times()[:4]), each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        names = {"services.daemon": "daemon", "services.webserver": "web server", "api grpc": "code server", "fork_server": "fork server"}
        name = next((name for part, name in names.items() if part in words), "supervisor")
        used, memory = found.get(name, (0.0, 0))
        found[name] = used + seconds, memory + resident
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100, float(sys.argv[2]) if sys.argv[2:] else 300.0)
