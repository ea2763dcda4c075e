"""One project of many small files, made and compared by one process and by several: the ratio of the wall times.

    python benchmarks/several.py [--files 1000] [--cpus 2] [--rounds 3] [--format kerchunk --format zarr] [--directory FOLDER]

Both ways take turns, each in workers forked from a process that has imported PADOCC, as an instance has one. Each round makes the product
anew and compares it with its sources. The products of both must hold the same bytes. Prints JSON: medians, the ratio of each round and
their median, CPU seconds and peak memory as the workers measured them, and the load of the machine, which other work may share.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.cpus import SETTING
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.running.forked import FORK_SERVER
from padocc_dagster.pipeline.running.learning import used_by
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.making.test_several import content
from padocc_dagster_tests.pipeline.projects import Made, make

PRODUCTS = {"kerchunk": "k1.0a.json", "zarr": "zr1.0a.zarr"}
Way = dict[str, Any]


def once(made: Made, cpus: int) -> Way:
    """Compute and compare once. Wall seconds of each, what the workers used, and the load before."""
    os.environ[SETTING] = str(cpus)
    load, begun = os.getloadavg()[0], time.monotonic()
    outcome = made.run("compute")
    computed = time.monotonic()
    assert outcome.passed, outcome
    assert phases.verify(made.workdir, made.project).passed
    ended, used = time.monotonic(), used_by(made.workdir, made.project)["compute"].used
    seconds = {"compute": computed - begun, "compare": ended - computed, "together": ended - begun}
    rounded = {name: round(value, 2) for name, value in seconds.items()}
    return {"cpus": cpus, **rounded, "cpu_seconds": used.cpu_seconds, "peak_mib": used.peak_mib, "load": round(load, 1)}


def measure(root: Path, files: int, cpus: int, rounds: int, cloud_format: str) -> dict[str, Any]:
    """Rounds of both ways in turn, and what follows from them."""
    series = Series(lengths=(4,) * files, names=tuple(f"f_{number:05d}.nc" for number in range(files)), lat=24, lon=36)
    made = make(root, series, cloud_format=cloud_format)
    made.through("scan")
    product, seen, ways = made.folder / PRODUCTS[cloud_format], [], []
    for number in range(rounds):
        for count in (1, cpus) if number % 2 == 0 else (cpus, 1):
            ways.append(once(made, count))
            seen.append(content(product))
    serial, several = ([way for way in ways if way["cpus"] == count] for count in (1, cpus))
    ratios = [one["together"] / other["together"] for one, other in zip(serial, several, strict=True)]
    return {
        "format": cloud_format,
        "files": files,
        "cpus": cpus,
        "same_bytes": all(each == seen[0] for each in seen),
        "seconds_on_one": median(way["together"] for way in serial),
        "seconds_on_several": median(way["together"] for way in several),
        "ratio": round(median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "runs": ways,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", action="append", choices=list(PRODUCTS))
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        socket = Path(folder) / "fork-server"
        command = [sys.executable, "-P", "-m", "padocc_dagster.pipeline.workers.fork_server", str(socket)]
        server = subprocess.Popen(command, env=clean_environment(), stderr=subprocess.DEVNULL)
        try:
            os.environ[FORK_SERVER] = str(socket)
            found = [
                measure(Path(folder).resolve() / name, options.files, options.cpus, options.rounds, name)
                for name in options.format or PRODUCTS
            ]
        finally:
            server.kill()
            server.wait()
    print(json.dumps({"machine": platform.platform(), "cpus": os.cpu_count(), "measured": found}, indent=1))


if __name__ == "__main__":
    main()
