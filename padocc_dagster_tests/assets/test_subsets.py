"""The subsets of a group as one step of Dagster."""

from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.assets.subsets import RETRIES, subsets
from padocc_dagster.partitions import groups
from padocc_dagster.pipeline.workdir import locks
from padocc_dagster.pipeline.workdir.files import read_lines, write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import append_row
from padocc_dagster.resources import Padocc


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    workdir = Workdir(tmp_path)
    write_lines(workdir.main_list("g"), ["a", "b"])
    append_row(workdir.status_log(Project("g", "a")), "scan", "Success")
    append_row(workdir.status_log(Project("g", "b")), "init", "Success")
    return workdir


def test_one_step_writes_the_three_subsets(workdir: Workdir) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(groups.name, ["g"])
        resources = {"padocc": Padocc(root=str(workdir.root))}
        done = dg.materialize([subsets], instance=instance, partition_key="g", resources=resources)
    made = {event.asset_key.to_user_string(): event for event in done.get_asset_materialization_events()}
    assert sorted(made) == ["compute_success", "scan_success", "validate_success"]
    metadata = made["scan_success"].materialization.metadata
    assert (metadata["members"].value, metadata["of"].value, metadata["first members"].value) == (1, 2, "a")
    assert read_lines(workdir.subset_list("g", "scan-success")) == ["a"]
    assert not workdir.subset_list("g", "compute-success").exists()


def test_a_group_at_work_is_waited_for(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks.held.__wrapped__, "__defaults__", (0.1,))
    context = dg.build_asset_context(partition_key="g")
    with locks.held(workdir.group_lock("g"), "group g"), pytest.raises(dg.RetryRequested) as asked:
        list(subsets(context, padocc=Padocc(root=str(workdir.root))))
    assert asked.value.max_retries == RETRIES
