"""Projects through an instance on a private SLURM, one job a run or warm: two of the ways that `table.py` compares.

CPU is that of all processes: services, Postgres, SLURM's daemons and jobs, from the drop of the config until no run is left.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.command_line import calls
from benchmarks.usage import Usage, counted
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.status import project_state
from padocc_dagster.runs import unfinished
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm, serve
from tools.slurm_cluster.cluster import Cluster

GROUP, POLICY = "bench", "padocc_dagster.allocations:allocation_for"
QUIET_SECONDS = 6.0
WARM = {"time": "12:00:00", "idle_seconds": 30}


def through_slurm(sources: Mapping[str, Path], folder: Path, warm: bool) -> dict[str, Any]:
    """The projects, each a folder of files, from the inbox to publication; `warm` as in the launcher's settings."""
    folder.mkdir()
    with counted() as usage:
        with usage.joined():
            cluster = Cluster(folder / "cluster", min_job_age_seconds=2)
            cluster.start()
            launcher = {"allocation_policy": POLICY, "warm": WARM if warm else False}
            try:
                with serve(folder / "served", cluster, "padocc_dagster.definitions", **launcher) as live:
                    return {"projects": len(sources), **_measured(live, usage, sources)}
            finally:
                cluster.stop()


def _measured(live: LiveSlurm, usage: Usage, sources: Mapping[str, Path]) -> dict[str, Any]:
    time.sleep(QUIET_SECONDS)
    workdir = live.services.home.workdir
    since, before, began = time.time(), _cpu(usage), time.monotonic()
    projects = [{"code": code, "pattern": f"{files}/*.nc"} for code, files in sources.items()]
    draft = workdir.inbox / ".bench.yaml"
    draft.write_text(yaml.safe_dump({"group": GROUP, "projects": projects}))
    draft.rename(workdir.inbox / "bench.yaml")

    def published() -> int:
        return sum(project_state(workdir, Project(GROUP, code)).phase == "complete" for code in sources)

    live.wait("all products", lambda: published() == len(sources), 600 + 120 * len(sources))
    wall = time.monotonic() - began
    live.wait("the last run", lambda: not unfinished(live.instance))
    used = _cpu(usage) - before
    jobs = live.cluster.command("sacct", "-n", "-P", "-X", "-S", "now-1day", "-o", "JobID").splitlines()
    return {
        "wall": wall,
        "cpu": used,
        "cpu_per_project": used / len(sources),
        "peak_mib": usage.peak_mib,
        "completed": published(),
        "runs": live.instance.get_runs_count(),
        "jobs": len(jobs),
        "calls": {name: len(live.shims.calls(name, since)) for name in calls(live.shims)},
    }


def _cpu(usage: Usage) -> float:
    """Without this process, which only watches."""
    return usage.cpu_seconds() - time.process_time()
