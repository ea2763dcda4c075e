"""What a person sees in Dagster who has to decide: differences, pictures, what it means and commands, where something is wrong."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.assets import differences
from padocc_dagster.assets.attempt import failure
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.assets.validation import named_in, validation_report
from padocc_dagster.pipeline.workdir.files import read_json, write_json
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import PARTITION
from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline import damage
from padocc_dagster_tests.pipeline.projects import Made, copy, make

MOST_BYTES = 600_000
COMPARISON = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("cloud_product"), "product_matches_source"))


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = make(tmp_path_factory.mktemp("decided"), Series(lat=12, lon=12))
    made.through("scan", "compute")
    assert made.verified()["passed"]
    return made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def run(instance: dg.DagsterInstance, made: Made, selection: dg.AssetSelection) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions("projects", [str(made.project)])
    return dg.materialize(
        [scan_report, cloud_product, validation_report],
        instance=instance,
        partition_key=None if selection is COMPARISON else str(made.project),
        tags={PARTITION: str(made.project)} if selection is COMPARISON else None,
        selection=selection,
        resources={"padocc": Padocc(root=str(made.workdir.root))},
        raise_on_error=False,
    )


def swapped(made: Made) -> None:
    content = json.loads(made.product.read_text())
    damage.swap(content["refs"], "tas/0.0.0", "tas/1.0.0")
    made.product.write_text(json.dumps(content))


def text_of(value: Any) -> str:
    return value.md_str if isinstance(value, dg.MarkdownMetadataValue) else str(value.value)


def rows_of(value: dg.TableMetadataValue) -> list[dict[str, Any]]:
    return [record.data for record in value.records]


def test_the_check_of_a_product_that_differs_shows_how_and_what_to_do(instance: dg.DagsterInstance, computed: Made, tmp_path: Path) -> None:
    made = copy(computed, tmp_path)
    swapped(made)
    result = run(instance, made, COMPARISON)
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed and not result.success
    assert [(row["part"], row["name"]) for row in rows_of(check.metadata["differences"])] == [("values", "tas")]
    images = re.findall(r"!\[tas [^]]*\]\(data:image/png;base64,([^)]+)\)", text_of(check.metadata["pictures of differences"]))
    assert len(images) == 1 and base64.b64decode(images[0]).startswith(b"\x89PNG")
    assert "does not hold what its source files hold" in text_of(check.metadata["what it means"])
    commands = text_of(check.metadata["what to do"])
    assert f"padocc-dagster recompute grp:proj --aggregator K -w {made.workdir.root} --why" in commands
    assert "--set 'dropped=[tas]'" in commands
    assert sum(len(text_of(value)) for value in check.metadata.values() if not isinstance(value, dg.TableMetadataValue)) < MOST_BYTES


def test_a_product_that_matches_pays_nothing(
    instance: dg.DagsterInstance, computed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: Any, **options: Any) -> None:
        raise AssertionError("nothing was to be depicted")

    for name in ("depiction", "changes"):
        monkeypatch.setattr(differences, name, refused)
    made = copy(computed, tmp_path)
    results = [run(instance, made, each) for each in (COMPARISON, dg.AssetSelection.assets(validation_report))]
    assert all(result.success for result in results)
    checks = {check.check_name: check for result in results for check in result.get_asset_check_evaluations()}
    assert all(check.passed for check in checks.values()), checks
    assert "differences" not in checks["product_matches_source"].metadata
    (materialised,) = results[1].asset_materializations_for_node("validation_report")
    assert not {"differences", "what to do", "changed since the version before"} & materialised.metadata.keys()


def test_a_validation_with_a_fatal_difference_shows_the_variables_that_it_names(
    instance: dg.DagsterInstance, computed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from padocc_dagster.pipeline.running import phases

    findings = [{"part": "variables", "kind": "data_errors", "name": "tas", "found": "values differ"}]
    fatal = Outcome("validate", Verdict.FAILED, "(V)Fatal-data_errors", "(V)Fatal-data_errors", details={"findings": findings})
    monkeypatch.setattr(phases, "validate", lambda *_, **__: fatal)
    made = copy(computed, tmp_path)
    result = run(instance, made, dg.AssetSelection.assets(validation_report))
    assert not result.asset_materializations_for_node("validation_report")
    (failed,) = [event.step_failure_data.user_failure_data for event in result.all_node_events if event.is_step_failure]
    assert rows_of(failed.metadata["findings"])[0]["name"] == "tas"
    assert text_of(failed.metadata["differences"]) == "none"
    assert "tas in f_002.nc, time 0: no difference" in text_of(failed.metadata["pictures of differences"])
    assert "found other values in the product" in text_of(failed.metadata["what it means"])
    assert "padocc-dagster tick grp:proj" in text_of(failed.metadata["what to do"])


def test_a_validation_that_ends_in_an_error_shows_the_differences_with_its_failure(
    instance: dg.DagsterInstance, computed: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from padocc_dagster.pipeline.running import phases

    failed = Outcome("validate", Verdict.FAILED, "AggregationError", "AggregationError", "time is not in order")
    monkeypatch.setattr(phases, "validate", lambda *_, **__: failed)
    made = copy(computed, tmp_path)
    content = json.loads(made.product.read_text())
    damage.one_chunk_of_time(content["refs"], damage.TIME[::-1].copy())
    made.product.write_text(json.dumps(content))
    result = run(instance, made, dg.AssetSelection.assets(validation_report))
    (failure,) = [event.step_failure_data.user_failure_data for event in result.all_node_events if event.is_step_failure]
    assert "time is not in order" in failure.description and "recompute grp:proj --thorough" in failure.description
    assert ("values", "time") in [(row["part"], row["name"]) for row in rows_of(failure.metadata["differences"])]


def test_a_new_version_is_shown_with_what_changed_since_the_one_before(
    instance: dg.DagsterInstance, computed: Made, tmp_path: Path
) -> None:
    made = copy(computed, tmp_path)
    base = read_json(made.workdir.base_cfg(made.project))
    write_json(made.workdir.base_cfg(made.project), {**base, "version_no": "1.1"})
    content = json.loads(made.product.read_text())
    damage.metadata(content["refs"], ".zattrs", title="new")
    made.product.with_name("k1.1a.json").write_text(json.dumps(content))
    result = run(instance, made, dg.AssetSelection.assets(validation_report))
    (materialised,) = result.asset_materializations_for_node("validation_report")
    rows = rows_of(materialised.metadata["changed since the version before"])
    assert {"part": "global attribute", "name": "title", "before": "a small series", "now": "new"} in rows


def test_a_failed_phase_shows_its_meaning_and_commands(computed: Made) -> None:
    outcome = Outcome("compute", Verdict.FAILED, "Failed-ConcatFatalError", "ConcatFatalError", "chunk sizes differ for tas")
    raised = failure(computed.workdir, computed.project, outcome)
    sentence = raised.description or ""
    assert "chunk sizes differ for tas" in sentence and "It means that chunk shapes differ between files" in sentence
    assert f"padocc-dagster recompute grp:proj --cloud-format zarr -w {computed.workdir.root} --why 'after ConcatFatalError'" in sentence
    assert "--cloud-format zarr" in text_of(raised.metadata["what to do"])


def test_only_differences_of_values_and_sizes_name_a_variable_to_be_shown() -> None:
    kinds = ("data_errors", "size_errors", "skipped", "global")
    findings = [{"part": "variables", "kind": kind, "name": f"of {kind}", "found": ""} for kind in kinds]
    assert named_in([*findings, *findings]) == ["of data_errors", "of size_errors"]
