"""How long an audit takes: a working directory of many published products whose sources are unchanged.

    python benchmarks/audit.py [--products 10000] [--sources 10] [--directory FOLDER]

Products are small kerchunk files with a report of the size that a real one has; sources are tiny files. `padocc-dagster audit` runs twice,
in a process of its own, and once more after the times of one source were put back over other bytes, which it has to find.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.published import SOURCES
from padocc_dagster.pipeline.workdir.source_states import digest, states_of, table_of
from padocc_dagster.pipeline.workdir.status import append_row

GROUPS = 10
VARIABLES = [{"name": f"v{n}", "dimensions": ["time", "lat", "lon"], "shape": [120, 64, 80], "compared": "raw"} for n in range(12)]


def make(root: Path, products: int, sources: int) -> Workdir:
    """The working directory. Every product has sources of its own."""
    workdir = Workdir(root / "work")
    for group in range(GROUPS):
        codes = [f"p{number:05d}" for number in range(group, products, GROUPS)]
        write_lines(workdir.main_list(f"g{group}"), codes)
        for code in codes:
            publish(workdir, Project(f"g{group}", code), root / "archive" / code, sources)
    return workdir


def publish(workdir: Workdir, project: Project, archive: Path, sources: int) -> None:
    """One published product with its sources, as `publish.py` would leave it."""
    archive.mkdir(parents=True)
    paths = [str(archive / f"{project.code}_{number:03d}.nc") for number in range(sources)]
    for path in paths:
        Path(path).write_bytes(b"CDF\x01" + bytes(60))
    workdir.project_dir(project).mkdir(parents=True)
    append_row(workdir.status_log(project), "complete", "Success")
    states = states_of(paths)
    place = workdir.completed / project.group / f"{project.code}_k1.0"
    place.mkdir(parents=True)
    refs = {f"tas/{number}.0.0": [path, 0, 64] for number, path in enumerate(paths)}
    (place / f"{place.name}.json").write_text(json.dumps({"version": 1, "refs": refs}))
    comparison = {"passed": True, "variables": VARIABLES, "source_fingerprint": digest(states), "options": {}}
    report = {"project": str(project), "published": "2026-01-01T00:00:00+00:00", "links": {}, "comparison": comparison}
    (place / f"{place.name}_report.json").write_text(json.dumps({**report, "config": VARIABLES, SOURCES: table_of(states)}))


def audit(workdir: Workdir) -> tuple[float, float, int, str]:
    """Wall and CPU seconds, exit status and last line of one audit."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "padocc_dagster.cli", "audit", "-w", str(workdir.root)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, ended.returncode, (ended.stdout or ended.stderr).strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--sources", type=int, default=10)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        begun = time.monotonic()
        workdir = make(Path(folder).resolve(), options.products, options.sources)
        print(f"made {options.products} products with {options.products * options.sources} sources in {time.monotonic() - begun:.0f} s")
        for name in ("first", "second"):
            print("{}: {:.1f} s wall, {:.1f} s CPU, exit status {}: {}".format(name, *audit(workdir)))
        changed = next((Path(folder) / "archive").rglob("*.nc"))
        status = os.stat(changed)
        changed.write_bytes(bytes(64))
        os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
        print("one changed: {:.1f} s wall, {:.1f} s CPU, exit status {}: {}".format(*audit(workdir)))


if __name__ == "__main__":
    main()
