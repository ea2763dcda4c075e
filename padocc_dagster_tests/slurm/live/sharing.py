"""What the tests of runs that share jobs look at: hosts, reports, and who is where."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from padocc_dagster.slurm.node.report import Report, read
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.hosts import View, views
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster_tests.slurm.live.conftest import LOAD, SIZES, LiveSlurm, serve
from padocc_dagster_tests.slurm.live.steps import gate
from tools.slurm_cluster.cluster import Cluster

WARM = {"time": "01:00:00", "idle_seconds": 25, "wait_seconds": 1800}
"""On a machine with other work runs wait for long in one job, where the tests want them."""


def serve_sharing(folder: Path, cluster: Cluster, **launcher: Any) -> Iterator[LiveSlurm]:
    with serve(folder, cluster, LOAD, **{**SIZES, "allocation_policy": "", "warm": WARM, **launcher}) as served:
        yield served


def hosts(live: LiveSlurm) -> list[View]:
    return views(live.services.home.root / "slurm" / "hosts")


def host_with(live: LiveSlurm, run_id: str) -> View | None:
    return next((view for view in hosts(live) if any(run_id in runs for runs in view.runs.values())), None)


def no_hosts(live: LiveSlurm) -> None:
    """Wait until no job hosts runs any more."""
    live.wait("all jobs to end for want of runs", lambda: not hosts(live))


def report_of(live: LiveSlurm, run_id: str) -> Report:
    return read(files_of(live.run(run_id)).report)


def job_of(live: LiveSlurm, run_id: str) -> int:
    """The job that worked on the run, by its report."""
    return live.wait("the run's report", lambda: (said := report_of(live, run_id)) and said.job_id)


def one_at_work(live: LiveSlurm, *pieces: str, run_tags: dict[str, str] | None = None) -> list[str]:
    """Runs in one job: the first is at work until its gate opens, the others wait behind it."""
    first, *others = pieces
    runs = [live.launch(first, run_tags, until=str(gate(live, first)))]
    live.began(first)
    for piece in others:
        runs.append(live.launch(piece, run_tags))
        live.wait(f"{piece} to wait", lambda: live.run(runs[-1]).tags.get(tags.STATE) == tags.SUBMITTED)
    return runs


def let_go(live: LiveSlurm, piece: str) -> None:
    gate(live, piece).touch()
