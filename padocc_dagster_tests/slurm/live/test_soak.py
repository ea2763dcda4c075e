"""Many small projects through the cluster while its controller ends and comes back, over and over.

`make soak` takes an hour: SOAK_PROJECTS and SOAK_RESTART_SECONDS in the environment say how much and how often.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.status import project_state, read_rows
from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm, serve
from tools.slurm_cluster.cluster import Cluster

PROJECTS = int(os.environ.get("SOAK_PROJECTS", 2))
RESTART_SECONDS = float(os.environ.get("SOAK_RESTART_SECONDS", 30))
PHASES = ["init", "scan", "compute", "validate", "complete"]


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    """PADOCC's definitions and policy, and a group of small projects."""
    folder = tmp_path_factory.mktemp("soak")
    with serve(folder, cluster, "padocc_dagster.definitions", largest_allocation={"memory": "4G"}) as served:
        yield served


def test_all_projects_are_published_once_while_the_controller_restarts(
    live: LiveSlurm, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    codes = [f"p{number:03}" for number in range(PROJECTS)]
    for seed, code in enumerate(codes):
        write(tmp_path / code, Series(), seed)
    config = {"group": "soak", "projects": [{"code": code, "pattern": f"{tmp_path}/{code}/*.nc"} for code in codes]}
    draft = live.services.home.workdir.inbox / ".soak.yaml"
    draft.write_text(yaml.safe_dump(config))
    draft.rename(draft.with_name("soak.yaml"))
    began, done = time.monotonic(), threading.Event()
    restarts: list[float] = []
    breaking = threading.Thread(target=restart_often, args=(live.cluster, done, restarts))
    breaking.start()
    try:
        live.wait("all products", lambda: all(is_published(live, code) for code in codes), 300 + 60 * PROJECTS)
    finally:
        done.set()
        breaking.join()
    took = time.monotonic() - began
    live.wait("every job to be settled", lambda: all(run.tags.get(tags.STATE) == tags.ENDED for run in runs(live)))
    assert restarts
    for code in codes:
        rows = read_rows(live.services.home.workdir.status_log(Project("soak", code)))
        assert [row.phase for row in rows] == PHASES, code
    twice = [job for job, count in Counter(run.tags[tags.JOB_ID] for run in runs(live)).items() if count > 1]
    assert not twice
    record_property(
        "figure",
        f"soak: {PROJECTS} projects in {len(runs(live))} jobs, {len(restarts)} restarts of slurmctld in {took:.0f} s: "
        f"all published, duplicates = {len(twice)}, lost = 0",
    )


def restart_often(cluster: Cluster, done: threading.Event, restarts: list[float]) -> None:
    """Stop the controller and start it again, at once and then often, until the projects are done.

    It is asked to end: one that is killed may forget a job that has just started, launch it again, and drain the node
    for it ("Duplicate jobid"), which an admin must undo.
    """
    while True:
        cluster.stop_daemon("slurmctld")
        done.wait(3)
        cluster.start_daemon("slurmctld")
        restarts.append(time.time())
        if done.wait(RESTART_SECONDS):
            return


def is_published(live: LiveSlurm, code: str) -> bool:
    state = project_state(live.services.home.workdir, Project("soak", code))
    return state.phase == "complete" and state.verdict is not None


def runs(live: LiveSlurm) -> list[dg.DagsterRun]:
    """The runs of the group's projects."""
    found = live.instance.get_runs(dg.RunsFilter(job_name="__ASSET_JOB"))
    return [run for run in found if run.tags.get(tags.PARTITION, "").startswith("soak:")]
