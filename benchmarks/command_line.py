"""Projects through PADOCC's command line, serial and on SLURM: two of the ways that `table.py` compares.

Serial, one process works through the group in each phase. With `--parallel`, PADOCC submits one array job for each phase, a task for each
project; the next phase is submitted when the queue is empty. Initialisation and completion have no parallel form. `--wait_sbatch` cannot be
used: it gives `-w` to sbatch, which takes the script for a list of nodes (`padocc/groups/mixins/allocations.py:477`).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.usage import Usage, counted
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import project_state
from padocc_dagster_tests.slurm.live.shims import COMMANDS, Shims
from tools.slurm_cluster.cluster import Cluster

GROUP, PHASES = "bench", ("scan", "compute", "validate")
PADOCC = str(Path(sys.prefix) / "bin" / "padocc")


def serial(sources: Mapping[str, Path], root: Path) -> dict[str, Any]:
    """All phases of all projects, one after the other."""
    with counted() as usage:
        return {**_through(usage, sources, root, dict(os.environ)), "jobs": 0, "calls": {}}


def parallel(sources: Mapping[str, Path], root: Path, folder: Path) -> dict[str, Any]:
    """The same with `--parallel`, on a private SLURM in `folder`."""
    folder.mkdir()
    with counted() as usage:
        with usage.joined():
            cluster = Cluster(folder / "cluster", min_job_age_seconds=2)
            cluster.start()
        try:
            shims = Shims(folder / "shims")
            path = f"{shims.folder}{os.pathsep}{os.environ['PATH']}"
            site = folder / "lotus.json"
            site.write_text(json.dumps({"partition": "main"}))
            environment = {**os.environ, **cluster.environment(), "PATH": path, "VIRTUAL_ENV": sys.prefix, "LOTUS_CFG": str(site)}

            def wait() -> None:
                while cluster.command("squeue", "-h"):
                    time.sleep(1.0)

            found = _through(usage, sources, root, environment, "--parallel", wait=wait)
            rows = cluster.command("sacct", "-n", "-P", "-X", "-S", "now-1day", "-o", "JobID").splitlines()
            return {**found, "jobs": len(rows), "calls": calls(shims)}
        finally:
            cluster.stop()


def calls(shims: Shims) -> dict[str, int]:
    """How often each of SLURM's commands was called."""
    return {name: len(shims.calls(name)) for name in COMMANDS}


def _through(
    usage: Usage,
    sources: Mapping[str, Path],
    root: Path,
    environment: dict[str, str],
    *options: str,
    wait: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    root.mkdir()
    config = root / "bench.csv"
    config.write_text("".join(f"{code},{folder}/*.nc,,\n" for code, folder in sources.items()))
    where = ["-G", GROUP, "-w", str(root)]
    commands = {
        "init": ["init", *where, "-i", str(config), "-C", "kerchunk"],
        **{phase: [phase, *where, "-C", "kerchunk", *options] for phase in PHASES},
        "complete": ["complete", *where, "--completion_dir", str(root / "completed")],
    }
    (root / "completed").mkdir()
    before, began, seconds = usage.cpu_seconds(), time.monotonic(), {}
    environment = {name: value for name, value in environment.items() if name != "WORKDIR"} | {"OMP_NUM_THREADS": "1"}
    with usage.joined():
        for phase, words in commands.items():
            since = usage.cpu_seconds()
            with open(root / f"{phase}.out", "wb") as output:
                subprocess.run([PADOCC, *words], env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
            wait()
            seconds[phase] = round(usage.cpu_seconds() - since, 1)
    wall, cpu = time.monotonic() - began, usage.cpu_seconds() - before
    ends = {code: project_state(Workdir(root), Project(GROUP, code)) for code in sources}
    completed = sum(end.phase == "complete" for end in ends.values())
    states = {code: f"{end.phase} {end.verdict}" for code, end in ends.items()}
    figures = {"wall": wall, "cpu": cpu, "cpu_per_project": cpu / len(sources), "peak_mib": usage.peak_mib}
    return {"projects": len(sources), **figures, "completed": completed, "phases": seconds, "states": states}
