"""PADOCC's projects through SLURM: from the inbox to published products, with memory that grows where it was too little."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import netCDF4
import numpy as np
import pytest
import yaml

from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.status import project_state, read_rows
from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.slurm.live.conftest import LiveSlurm, serve
from tools.slurm_cluster.cluster import Cluster

SMALL = "small"
HUGE_MIB = 300
"""One chunk of so many decoded MiB: PADOCC and the comparison hold it several times, more than 800 MiB together."""
GIVEN = ["400M", "800M", "1600M"]
"""With 800 MiB and 1G, 2G, 4G it is the same story, and takes minutes longer."""


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    """PADOCC's definitions, with little memory for every run and no policy that would ask for more."""
    default = {"time": "20", "memory": GIVEN[0], "cpus": 1}
    allocation = {"default_allocation": default, "allocation_policy": "", "largest_allocation": {"memory": "8G"}}
    folder = tmp_path_factory.mktemp("padocc")
    with serve(folder, cluster, "padocc_dagster.definitions", **allocation) as served:
        write(folder / "sources" / SMALL, Series())
        huge(folder / "sources" / "huge")
        patterns = {code: f"{folder}/sources/{code}/*.nc" for code in (SMALL, "huge")}
        projects = [{"code": code, "pattern": pattern, "options": {"compare": 1}} for code, pattern in patterns.items()]
        config = served.services.home.workdir.inbox / ".group.yaml"
        config.write_text(yaml.safe_dump({"group": "group", "projects": projects}))
        config.rename(config.with_name("group.yaml"))
        yield served


def huge(folder: Path) -> None:
    """Two small files of which each holds one chunk that is large once decoded."""
    folder.mkdir(parents=True)
    cells = HUGE_MIB * 2**20 // 8
    for number in range(2):
        with netCDF4.Dataset(folder / f"f_{number}.nc", "w") as dataset:
            dataset.createDimension("time", None)
            dataset.createDimension("cell", cells)
            time = dataset.createVariable("time", "f8", ("time",))
            time.units = "days since 2000-01-01"
            time[:] = [number]
            field = dataset.createVariable("field", "f8", ("time", "cell"), zlib=True, complevel=1, chunksizes=(1, cells))
            field[0] = np.full(cells, number + 1.0)


def phase_of(live: LiveSlurm, code: str) -> str:
    return project_state(live.services.home.workdir, Project("group", code)).phase


def runs_of(live: LiveSlurm, code: str) -> list[dg.DagsterRun]:
    return list(reversed(live.instance.get_runs(dg.RunsFilter(tags={tags.PARTITION: f"group:{code}"}))))


def test_a_project_dropped_into_the_inbox_is_published_by_slurm_jobs(live: LiveSlurm) -> None:
    live.wait("the small product", lambda: phase_of(live, SMALL) == "complete")
    rows = read_rows(live.services.home.workdir.status_log(Project("group", SMALL)))
    assert [row.phase for row in rows] == ["init", "scan", "compute", "validate", "complete"]
    assert all(tags.own(run.run_id, run.tags) for run in runs_of(live, SMALL))


def test_a_compute_that_needs_three_times_its_memory_is_published_after_two_escalations(
    live: LiveSlurm, record_property: Callable[[str, object], None]
) -> None:
    live.wait("the huge product", lambda: phase_of(live, "huge") == "complete", 600)
    computes = [run for run in runs_of(live, "huge") if "cloud_product" in {key.to_user_string() for key in run.asset_selection or ()}]
    asked = [run.tags[tags.REQUESTED].split("memory=")[1].split()[0] for run in computes]
    assert asked == GIVEN
    assert [run.tags[tags.CAUSE] for run in computes[:2]] == ["OUT_OF_MEMORY"] * 2
    story = live.events_text(computes[1].run_id)
    assert f"requesting time=00:20:00 memory={GIVEN[-1]}" in story and "OUT_OF_MEMORY" in story
    published = live.services.home.workdir.completed / "group"
    assert [path.name for path in published.glob("huge_*")]
    record_property("figure", f"a compute that needs three times its memory: published after {', '.join(asked)}")
