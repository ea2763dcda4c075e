"""PADOCC's projects through pods: from the inbox to published products, with memory and time that grow where they were too little."""

from collections.abc import Callable, Iterator

import dagster as dg
import psutil
import pytest
import yaml

from padocc_dagster.batch import tags as batch
from padocc_dagster.kubernetes.pod.host import UID
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.status import project_state, read_rows
from padocc_dagster_tests.kubernetes.live.conftest import LiveKubernetes, serve
from padocc_dagster_tests.live.conftest import PATIENCE
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.slurm.live.test_padocc import huge
from tools.kubernetes_cluster.cluster import Cluster
from tools.kubernetes_cluster.instance import NAMESPACE

CODES = ("huge", "late", "small")
PHASES = ["init", "scan", "compute", "validate", "complete"]
GIVEN = ["600M", "1200M", "2400M"]


@pytest.fixture(scope="module")
def live(kubernetes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKubernetes]:
    """PADOCC's definitions, with little memory for every run and no policy that would ask for more."""
    sizes = {"default_allocation": {"time": "20", "memory": GIVEN[0]}, "allocation_policy": "", "largest_allocation": {"memory": "8G"}}
    folder = tmp_path_factory.mktemp("padocc")
    with serve(folder, kubernetes, "padocc_dagster.definitions", **sizes) as served:
        write(folder / "sources" / "small", Series())
        write(folder / "sources" / "late", Series())
        huge(folder / "sources" / "huge")
        projects = [{"code": code, "pattern": f"{folder}/sources/{code}/*.nc", "options": {"compare": 1}} for code in CODES]
        config = served.services.home.workdir.inbox / ".group.yaml"
        config.write_text(yaml.safe_dump({"group": "group", "projects": projects}))
        config.rename(config.with_name("group.yaml"))
        let_late_reach_its_deadline(served)
        yield served


def let_late_reach_its_deadline(live: LiveKubernetes) -> None:
    """Halt the worker of the project's first run, and move the deadline of its pod up: the least that can be requested is a minute."""
    first = live.wait("the first run of late", lambda: next(iter(runs_of(live, "late")), None))
    pod = live.at_work(first.run_id)
    for process in worker(live.pods(first.run_id)[0]["metadata"]["uid"]):
        process.suspend()
    live.cluster.request("PATCH", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}", {"spec": {"activeDeadlineSeconds": 1}})


def runs_of(live: LiveKubernetes, code: str) -> list[dg.DagsterRun]:
    """Oldest first."""
    return list(reversed(live.instance.get_runs(dg.RunsFilter(tags={"dagster/partition": f"group:{code}"}))))


def published(live: LiveKubernetes, code: str) -> list[str]:
    """The phases of the project's status log, once it is published: each row that succeeded."""
    workdir, project = live.services.home.workdir, Project("group", code)
    live.wait(f"the product of {code}", lambda: project_state(workdir, project).phase == "complete", 2 * PATIENCE)
    return [row.phase for row in read_rows(workdir.status_log(project)) if row.status.endswith("Success")]


def test_a_run_at_its_deadline_is_retried_with_twice_the_time_and_its_product_published(live: LiveKubernetes) -> None:
    assert published(live, "late") == PHASES
    first, second = runs_of(live, "late")
    assert first.tags[batch.CAUSE] == "TIMEOUT" and second.tags[batch.REQUESTED].startswith("time=00:40:00")


def test_a_compute_that_needs_more_than_its_memory_is_published_with_twice_as_much(
    live: LiveKubernetes, record_property: Callable[[str, object], None]
) -> None:
    assert published(live, "huge")[-1] == PHASES[-1]
    runs = runs_of(live, "huge")
    given = [run.tags[batch.REQUESTED].split("memory=")[1].split()[0] for run in runs]
    assert given == GIVEN and [run.tags[batch.CAUSE] for run in runs[:-1]] == ["OUT_OF_MEMORY"] * 2
    record_property("figure", f"a compute that needs more than its memory: published after {', '.join(given)}")


def test_every_project_is_published_once_and_equals_its_source(
    live: LiveKubernetes, record_property: Callable[[str, object], None]
) -> None:
    phases = {code: published(live, code) for code in CODES}
    assert phases["small"] == phases["late"] == PHASES
    assert all(each.count(PHASES[-1]) == 1 for each in phases.values())
    workdir = live.services.home.workdir
    products = sorted(path.name for path in (workdir.completed / "group").iterdir() if not path.name.startswith("."))
    assert len([name for name in products if name.startswith(CODES)]) >= len(CODES)
    runs = dg.RunsFilter(job_name="advance_project")
    live.wait("all runs to end", lambda: all(run.is_finished for run in live.instance.get_runs(runs)))
    record_property("figure", f"PADOCC through pods: {len(CODES)} projects published once each")


def worker(uid: str) -> list[psutil.Process]:
    """The processes of a pod but its first."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(UID) == uid and "padocc_dagster.kubernetes.pod.host" not in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found
