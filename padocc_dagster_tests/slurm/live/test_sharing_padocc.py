"""Many small projects through one job: from the inbox to published products, and what that costs."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from benchmarks.local import make_sources
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.status import project_state
from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm, serve
from padocc_dagster_tests.slurm.live.sharing import no_hosts
from tools.slurm_cluster.cluster import Cluster

PROJECTS = int(os.environ.get("SHARING_PROJECTS", 4))
PHASES = ["scan", "compute", "validate", "complete"]
POLICY = "padocc_dagster.allocations:allocation_for"
WARM = {"time": "12:00:00", "idle_seconds": 30, "wait_seconds": 1800}
"""The machine may have other work, and runs wait longer than in a job that has its CPU for itself."""


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    with serve(tmp_path_factory.mktemp("sharing"), cluster, "padocc_dagster.definitions", allocation_policy=POLICY, warm=WARM) as served:
        yield served


def services_seconds(live: LiveSlurm) -> float:
    """What the services have used, and what they started and waited for."""
    return sum(sum(psutil.Process(service.process.pid).cpu_times()) for service in live.services.all if service.process)


def jobs_seconds(live: LiveSlurm) -> dict[str, float]:
    """CPU seconds of each job that is over, by its steps."""
    rows = live.cluster.command("sacct", "-n", "-P", "-S", "now-1day", "-o", "JobIDRaw,TotalCPU").splitlines()
    return {job: clock(used) for job, _, used in (row.partition("|") for row in rows) if "." not in job}


def begun(folder: Path) -> Counter[str]:
    """How often each phase of a project was begun."""
    lines = map(json.loads, (folder / "padocc_dagster" / "events.jsonl").read_text().splitlines())
    return Counter(line["phase"] for line in lines if line["kind"] == "began")


def clock(text: str) -> float:
    """Seconds of `[hours:]minutes:seconds`."""
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def test_many_small_projects_are_published_by_one_job(
    live: LiveSlurm, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    sources = make_sources(tmp_path / "sources", PROJECTS)
    codes = list(sources)
    before = services_seconds(live)
    config = {"group": "warm", "projects": [{"code": code, "pattern": f"{sources[code]}/*.nc"} for code in codes]}
    draft = live.services.home.workdir.inbox / ".warm.yaml"
    draft.write_text(yaml.safe_dump(config))
    draft.rename(draft.with_name("warm.yaml"))
    projects = [Project("warm", code) for code in codes]
    workdir = live.services.home.workdir
    live.wait("all products", lambda: all(project_state(workdir, project).phase == "complete" for project in projects), 300 + 30 * PROJECTS)
    no_hosts(live)
    used = services_seconds(live) - before
    runs = [run for run in live.instance.get_runs() if run.tags.get(tags.PARTITION, "").startswith("warm:")]
    jobs = {run.tags[tags.JOB_ID] for run in runs}
    seconds = live.wait("the accounting", lambda: (found := jobs_seconds(live)) and all(found.get(job) for job in jobs) and found)
    in_jobs = sum(seconds.values())
    calls = ", ".join(f"{len(live.shims.calls(name))} {name}" for name in ("sbatch", "squeue", "sacct", "scontrol"))
    cpu = f"CPU a project: {in_jobs / PROJECTS:.1f} s in jobs, {used / PROJECTS:.1f} s in services"
    shape = f"{PROJECTS} projects of 10 real files: {len(runs)} runs in {len(jobs)} job of {len(seconds)}"
    record_property("figure", f"{shape}; {cpu}; {calls}")
    for project in projects:
        assert begun(workdir.project_dir(project)) == dict.fromkeys(PHASES, 1)
    assert len(jobs) == 1 and len(runs) == PROJECTS
