"""Hosts that lose each other: nodes without a link whose workers live on, and two daemons on two hosts.

One cluster of three nodes and one instance. All projects are of one group config, and a computation waits where its gate is closed.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import yaml

from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import project_state, read_rows
from padocc_dagster.services import processes
from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.slurm.live import second_host
from padocc_dagster_tests.slurm.live.conftest import ROOT, SIZES, LiveSlurm, serve
from padocc_dagster_tests.slurm.live.jobs import jobs
from padocc_dagster_tests.slurm.private import private
from tools.slurm_cluster import hosts

GATED = "padocc_dagster_tests.slurm.live.gated"
"""The module with the definitions. It is not imported here: it changes the workers and the locks of the process that does so."""
PHASES = ["scan", "compute", "validate", "complete"]
PROJECTS = 2
FINISHES, CUT_SHORT = Project("cut", "finishes"), Project("cut", "cut-short")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    if problem := hosts.problem():
        pytest.skip(f"no live test of several hosts: {problem}")
    with private(tmp_path_factory.mktemp("cut"), cpus=2, nodes=3) as three:
        with serve(tmp_path_factory.mktemp("instance"), three, GATED, **SIZES) as served:
            yield served
    assert not list(Path("/sys/class/net").glob(f"{hosts.bridge(three.folder)}*")), "the cluster left a link"


def gate(workdir: Workdir, project: Project) -> Path:
    """The file for whose end a computation waits (`gated_worker.py`)."""
    return workdir.root / "closed" / project.code


def drop(live: LiveSlurm, group: str, codes: list[str]) -> None:
    """A group config in the inbox, with sources of its own for each project."""
    sources, inbox = live.ledger.with_name("sources"), live.services.home.workdir.inbox
    for code in codes:
        write(sources / code, Series())
    draft = inbox / f".{group}.yaml"
    draft.write_text(yaml.safe_dump({"group": group, "projects": [{"code": code, "pattern": f"{sources / code}/*.nc"} for code in codes]}))
    draft.rename(inbox / f"{group}.yaml")


def events(live: LiveSlurm, project: Project, kind: str, phase: str) -> list[dict[str, Any]]:
    path = live.services.home.workdir.project_dir(project) / "padocc_dagster" / "events.jsonl"
    lines = map(json.loads, path.read_text().splitlines() if path.exists() else [])
    return [line for line in lines if line["kind"] == kind and line.get("phase") == phase]


def runs_of(live: LiveSlurm, project: Project) -> list[dg.DagsterRun]:
    """Oldest first."""
    return list(reversed(live.instance.get_runs(dg.RunsFilter(tags={tags.PARTITION: str(project)}))))


def has_begun_to_compute(live: LiveSlurm, run: dg.DagsterRun) -> bool:
    """Whether the run's step has come so far that its worker wants the project's lock."""
    starts = live.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
    return any(entry.dagster_event.step_key == "cloud_product" for entry in starts)


def holder(live: LiveSlurm, project: Project) -> tuple[str, psutil.Process]:
    """The host and the process that the project's lock names."""
    text = live.services.home.workdir.project_lock(project).read_text()
    pid, host = (next(word.partition("=")[2] for word in text.split() if word.startswith(f"{name}=")) for name in ("pid", "host"))
    return host, psutil.Process(int(pid))


def published_once(live: LiveSlurm, project: Project) -> None:
    """Each phase has passed once, and no more."""
    workdir = live.services.home.workdir
    live.wait(f"{project} to be published", lambda: project_state(workdir, project).phase == "complete")
    assert [row.phase for row in read_rows(workdir.status_log(project))] == ["init", *PHASES]


@pytest.fixture(scope="module")
def cut(live: LiveSlurm) -> Iterator[dict[Project, psutil.Process]]:
    """Each project's first worker, on a node that is cut off, once its retry waits for it; healed in the end."""
    workdir, cluster = live.services.home.workdir, live.cluster
    projects = [FINISHES, CUT_SHORT]
    for project in projects:
        gate(workdir, project).parent.mkdir(exist_ok=True)
        gate(workdir, project).touch()
    drop(live, "cut", [project.code for project in projects])
    for project in projects:
        live.wait(f"{project} to be computed", lambda project=project: events(live, project, "began", "compute"))
    at_work = {project: holder(live, project) for project in projects}
    nodes = {host for host, _ in at_work.values()}
    try:
        for node in nodes:
            cluster.cut(node)
        for project in projects:
            live.wait(f"a retry of {project}", lambda project=project: len(runs_of(live, project)) == 2)
            retry = runs_of(live, project)[1]
            live.wait(f"the retry of {project} to come to the lock", lambda retry=retry: has_begun_to_compute(live, retry))
            assert holder(live, project) == at_work[project]
        yield {project: process for project, (_, process) in at_work.items()}
    finally:
        for node in nodes:
            cluster.heal(node)


def test_a_worker_on_a_node_that_was_cut_off_keeps_its_lock_and_what_it_finishes_is_not_done_again(
    live: LiveSlurm, cut: dict[Project, psutil.Process]
) -> None:
    assert all(process.is_running() for process in cut.values())
    gate(live.services.home.workdir, FINISHES).unlink()
    published_once(live, FINISHES)
    first, retry = runs_of(live, FINISHES)
    assert [event["run"] for event in events(live, FINISHES, "began", "compute")] == [first.run_id]
    assert first.tags[tags.CAUSE] == "NODE_FAIL" and retry.tags[tags.NODES] != first.tags[tags.NODES]


def test_when_the_link_heals_the_worker_that_lived_on_ends_and_the_retry_that_waited_does_the_phase_once(
    live: LiveSlurm, cut: dict[Project, psutil.Process]
) -> None:
    workdir, cluster = live.services.home.workdir, live.cluster
    node, first = holder(live, CUT_SHORT)
    assert first == cut[CUT_SHORT] and len(events(live, CUT_SHORT, "began", "compute")) == 1
    cluster.heal(node)
    live.wait("the worker of the failed job to be ended", lambda: not processes.is_alive(first))
    ended = time.time()
    live.wait("the retry to begin", lambda: len(events(live, CUT_SHORT, "began", "compute")) == 2)
    assert holder(live, CUT_SHORT)[0] != node
    gate(workdir, CUT_SHORT).unlink()
    published_once(live, CUT_SHORT)
    _, second = events(live, CUT_SHORT, "began", "compute")
    assert datetime.fromisoformat(second["when"]).timestamp() > ended
    live.wait("the node to take jobs again", lambda: cluster.node_state(node) in ("idle", "mixed", "allocated"))


def test_a_second_host_does_not_serve_the_working_directory_where_the_kernels_locks_are_shared(live: LiveSlurm) -> None:
    refused = subprocess.run(
        second_host.command(live, live.cluster.nodes[2], GATED, locks_are_shared=True), cwd=ROOT, capture_output=True, text=True
    )
    assert refused.returncode == 1 and "AlreadyServed" in refused.stderr


def test_two_daemons_on_two_hosts_that_share_no_lock_of_the_kernel_let_each_run_work_once(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    projects = [Project("both", f"p{number}") for number in range(PROJECTS)]
    with second_host.served_on(live, live.cluster.nodes[2], GATED):
        drop(live, "both", [project.code for project in projects])
        for project in projects:
            published_once(live, project)
    begun = [len(events(live, project, "began", phase)) for project in projects for phase in PHASES]
    assert begun == [1] * len(begun)
    runs, most = sum(len(runs_of(live, project)) for project in projects), max(jobs(live).values())
    record_property("figure", f"two daemons on two hosts: {PROJECTS} projects in {runs} runs of at most {most} jobs each, each phase once")
