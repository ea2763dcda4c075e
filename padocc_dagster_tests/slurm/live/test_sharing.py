"""Runs that share jobs, on a real SLURM: each stays a run of its own, whatever happens to the others and to the job."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from padocc_dagster.slurm.node.report import Report, read
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.hosts import View, views
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.live.conftest import LOAD, SIZES, LiveSlurm, serve
from padocc_dagster_tests.slurm.live.steps import ended, gate, recorded
from padocc_dagster_tests.slurm.live.tally import tally
from tools.slurm_cluster.cluster import Cluster

MANY = 20
WARM = {"time": "01:00:00", "idle_seconds": 15, "wait_seconds": 120}


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    with serve(tmp_path_factory.mktemp("sharing"), cluster, LOAD, **SIZES, allocation_policy="", warm=WARM) as served:
        yield served


def hosts(live: LiveSlurm) -> list[View]:
    return views(live.services.home.root / "slurm" / "hosts")


def report_of(live: LiveSlurm, run_id: str) -> Report:
    return read(files_of(live.run(run_id)).report)


def no_hosts(live: LiveSlurm) -> None:
    live.wait("all jobs to end for want of runs", lambda: not hosts(live))


def test_many_runs_share_one_job_and_each_has_its_own_events_log_and_figures(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    runs = [live.launch(f"many-{number}") for number in range(MANY)]
    for run_id in runs:
        live.wait_for(run_id, "SUCCESS")
    told = [recorded(live, run_id) for run_id in runs]
    jobs = {own[tags.JOB_ID] for own in told}
    record_property("figure", f"{MANY} runs in {len(jobs)} job")
    assert len(jobs) == 1
    assert {own[tags.CAUSE] for own in told} == {"COMPLETED"}
    for run_id, number in zip(runs, range(MANY), strict=True):
        assert f"piece many-{number} says hello" in files_of(live.run(run_id)).log.read_text()
        assert report_of(live, run_id).peak_memory_mib


def test_a_job_without_runs_ends_and_its_folder_goes(live: LiveSlurm) -> None:
    no_hosts(live)
