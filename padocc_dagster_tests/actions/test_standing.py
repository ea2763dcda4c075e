"""Work that no run of this instance did is told to Dagster as PADOCC's files have it, and as far as they vouch for it."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.actions.standing import announce_standing
from padocc_dagster.phase_assets import PHASE_ASSETS
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.resources import Padocc
from padocc_dagster.run_tags import FOLLOWED
from padocc_dagster_tests.pipeline.projects import Made, copy, make

ALL = ("scan", "compute", "validate", "publish")


class Asked(dg.Config):
    """Which projects, and of which phases to tell; none: all."""

    projects: list[str]
    phases: list[str] = []


@dg.op(out=dg.Out(dg.Nothing))
def tell(context: dg.OpExecutionContext, config: Asked, padocc: Padocc) -> None:
    projects = [Project.parse(key) for key in config.projects]
    only = dict.fromkeys(projects, config.phases) if config.phases else None
    announce_standing(context, padocc.workdir, projects, only)


@dg.job(tags={FOLLOWED: "yes"})
def telling() -> None:
    tell()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def told(instance: dg.DagsterInstance, workdir: Workdir, *projects: Project, phases: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """Tell, and return the assets and partitions told of."""
    config = {"projects": [str(project) for project in projects], "phases": list(phases)}
    instance.add_dynamic_partitions("projects", config["projects"])
    result = telling.execute_in_process(
        instance=instance, resources={"padocc": Padocc(root=str(workdir.root))}, run_config={"ops": {"tell": {"config": config}}}
    )
    return {(event.asset_key.to_user_string(), event.partition) for event in result.get_asset_materialization_events()}


def check(instance: dg.DagsterInstance, asset: str, name: str, project: Project) -> dg.AssetCheckEvaluation | None:
    """The result that counts now; None where the latest does not belong to the latest materialisation."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    found = [record for record in records if record.partition == str(project) and record.evaluation]
    latest = instance.get_latest_storage_id_by_partition(dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION, {str(project)})
    if not found:
        return None
    evaluation = found[0].evaluation
    return evaluation if evaluation.target_materialization_data.storage_id == latest[str(project)] else None


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = make(tmp_path_factory.mktemp("published"))
    made.through("scan", "compute")
    assert made.verified()["passed"]
    made.through("validate", "publish")
    return made


def test_every_phase_that_stands_is_told_with_its_checks(instance: dg.DagsterInstance, published: Made) -> None:
    project = published.project
    assert told(instance, published.workdir, project) == {(asset, str(project)) for asset in PHASE_ASSETS.values()}
    assert check(instance, "scan_report", "scan_succeeded", project).passed
    assert check(instance, "cloud_product", "product_matches_source", project).passed
    assert check(instance, "validation_report", "validation_passed", project).passed


def test_a_product_that_nobody_compared_is_told_without_the_check_of_the_comparison(
    instance: dg.DagsterInstance, published: Made, tmp_path: Path
) -> None:
    made = copy(published, tmp_path)
    made.workdir.comparison(made.project).unlink()
    assert ("cloud_product", str(made.project)) in told(instance, made.workdir, made.project)
    assert check(instance, "cloud_product", "product_matches_source", made.project) is None
    assert check(instance, "scan_report", "scan_succeeded", made.project).passed


def test_a_product_changed_since_its_comparison_is_told_without_the_check(
    instance: dg.DagsterInstance, published: Made, tmp_path: Path
) -> None:
    made = copy(published, tmp_path)
    made.product.write_text(made.product.read_text() + " ")
    told(instance, made.workdir, made.project)
    assert check(instance, "cloud_product", "product_matches_source", made.project) is None


def test_what_does_not_stand_is_not_told(instance: dg.DagsterInstance, published: Made, tmp_path: Path) -> None:
    from padocc_dagster.pipeline.status import append_row

    made = copy(published, tmp_path)
    append_row(made.workdir.status_log(made.project), "scan", "Failed-KeyError")
    assert told(instance, made.workdir, made.project) == {("project", str(made.project))}


def test_telling_again_leaves_checks_that_count(instance: dg.DagsterInstance, published: Made) -> None:
    project = published.project
    told(instance, published.workdir, project)
    told(instance, published.workdir, project)
    assert check(instance, "cloud_product", "product_matches_source", project).passed


def test_only_the_phases_asked_for_are_told(instance: dg.DagsterInstance, published: Made) -> None:
    project = published.project
    assert told(instance, published.workdir, project, phases=("validate",)) == {("validation_report", str(project))}
