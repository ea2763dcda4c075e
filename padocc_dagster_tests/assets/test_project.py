"""The project asset: one project initialised again, from Dagster."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.actions.initialise import PROJECT, initialise_group
from padocc_dagster.assets.project import project
from padocc_dagster.resources import Padocc


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def drop(instance: dg.DagsterInstance, root: Path) -> list[str]:
    """Initialise the group from its config; returns the projects announced."""
    result = initialise_group.execute_in_process(
        instance=instance,
        resources={"padocc": Padocc(root=str(root / "work"))},
        run_config=dg.RunConfig(ops={"initialise_projects": {"config": {"path": str(root / "g.csv")}}}),
    )
    return [event.partition for event in result.get_asset_materialization_events()]


def again(instance: dg.DagsterInstance, root: Path, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
    resources = {"padocc": Padocc(root=str(root / "work"))}
    return dg.materialize([project], partition_key="g:one", instance=instance, resources=resources, raise_on_error=raise_on_error)


@pytest.fixture
def root(tmp_path: Path, instance: dg.DagsterInstance) -> Path:
    (tmp_path / "1.nc").write_bytes(b"x")
    (tmp_path / "g.csv").write_text(f"one,{tmp_path}/*.nc,,\n")
    drop(instance, tmp_path)
    return tmp_path


def test_a_project_initialised_by_hand_is_no_news_for_the_next_config(instance: dg.DagsterInstance, root: Path) -> None:
    assert again(instance, root).success
    assert drop(instance, root) == []
    assert len(instance.fetch_materializations(PROJECT, limit=10).records) == 2


def test_its_pattern_is_looked_up_anew_and_damaged_configs_are_made_again(instance: dg.DagsterInstance, root: Path) -> None:
    (root / "2.nc").write_bytes(b"x")
    base = root / "work" / "in_progress" / "g" / "one" / "base-cfg.json"
    base.write_text("{")
    result = again(instance, root)
    assert result.asset_materializations_for_node("project")[0].metadata["source files"].value == 2
    assert json.loads(base.read_text())["pattern"] == f"{root}/*.nc"


def test_when_its_files_are_gone_it_is_refused_with_what_to_do(instance: dg.DagsterInstance, root: Path) -> None:
    (root / "1.nc").unlink()
    result = again(instance, root, raise_on_error=False)
    failure = result.failure_data_for_node("project")
    assert "What to do: correct the group config" in failure.user_failure_data.description
