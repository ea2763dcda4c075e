"""The project asset: one project initialised again, from Dagster."""

import json
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.assets.project import project
from padocc_dagster.conductor.known import rows_shown
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import held
from padocc_dagster.resources import Padocc
from padocc_dagster_tests.pipeline.projects import initialised, spec

ONE = Project("g", "one")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a source file and a working directory, in which the project is initialised."""
    (tmp_path / "1.nc").write_bytes(b"x")
    initialised(Workdir(tmp_path / "work"), "g", spec("one", [tmp_path / "1.nc"], pattern=f"{tmp_path}/*.nc"))
    return tmp_path


def again(root: Path, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions("projects", [str(ONE)])
    resources = {"padocc": Padocc(root=str(root / "work"))}
    return dg.materialize([project], partition_key=str(ONE), instance=instance, resources=resources, raise_on_error=False)


def test_a_project_initialised_by_hand_is_not_reported_again(root: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert again(root, instance).success
        assert rows_shown(instance, "init", [ONE]) == {ONE: 2}


def test_its_pattern_is_looked_up_anew_and_damaged_configs_are_made_again(root: Path) -> None:
    (root / "2.nc").write_bytes(b"x")
    base = root / "work" / "in_progress" / "g" / "one" / "base-cfg.json"
    base.write_text("{")
    with dg.DagsterInstance.ephemeral() as instance:
        result = again(root, instance)
    assert result.asset_materializations_for_node("project")[0].metadata["source files"].value == 2
    assert json.loads(base.read_text())["pattern"] == f"{root}/*.nc"


def test_when_its_files_are_gone_it_is_refused_with_what_to_do(root: Path) -> None:
    (root / "1.nc").unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        failure = again(root, instance).failure_data_for_node("project")
    assert failure and failure.user_failure_data and "What to do: correct the group config" in str(failure.user_failure_data.description)


def test_while_it_is_at_work_it_is_refused_with_what_to_do(root: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance, held(Workdir(root / "work").project_lock(ONE), "somebody"):
        failure = again(root, instance).failure_data_for_node("project")
    assert failure and failure.user_failure_data and "wait until that ends" in str(failure.user_failure_data.description)
