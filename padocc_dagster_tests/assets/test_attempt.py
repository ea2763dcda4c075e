"""Who asks for a phase, as the phase is told; and what its asset shows when it was done meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.assets.scan import scan_report
from padocc_dagster.pipeline import phases
from padocc_dagster.pipeline.due import NOT_DUE
from padocc_dagster.pipeline.outcome import Outcome, Verdict
from padocc_dagster.resources import Padocc

AUTOMATION = {"dagster/from_automation_condition": "true"}
BY_HAND = {"dagster/parent_run_id": "one", "dagster/root_run_id": "one"}
REPEATED = {**BY_HAND, "dagster/retry_number": "1"}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the phase is told; it answers that it is not due."""
    found: dict[str, Any] = {}

    def scan(workdir: Any, project: Any, **attempt: Any) -> Outcome:
        found.update(attempt)
        return Outcome("scan", Verdict.FAILED, "", NOT_DUE, "done meanwhile by run x")

    monkeypatch.setattr(phases, "scan", scan)
    yield found


def scanned(root: Path, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("projects", ["g:a"])
        resources = {"padocc": Padocc(root=str(root / "work"))}
        return dg.materialize([scan_report], partition_key="g:a", instance=instance, resources=resources, raise_on_error=False, tags=tags)


@pytest.mark.parametrize(
    ("tags", "resumed", "unattended"),
    [
        ({}, False, False),
        (AUTOMATION, False, True),
        ({**AUTOMATION, **REPEATED}, True, True),
        ({**AUTOMATION, **BY_HAND}, False, False),
        (REPEATED, True, False),
    ],
    ids=["a person", "automation", "automation, repeated", "automation, executed again by a person", "a person, repeated"],
)
def test_who_asks_is_told_by_the_tags_of_the_run(
    tmp_path: Path, told: dict[str, Any], tags: dict[str, str], resumed: bool, unattended: bool
) -> None:
    result = scanned(tmp_path, tags)
    assert told == {"run": "one" if resumed else result.run_id, "resumed": resumed, "unattended": unattended}


def test_what_was_done_meanwhile_is_said_in_a_sentence_and_nothing_is_materialised(tmp_path: Path, told: dict[str, Any]) -> None:
    result = scanned(tmp_path, AUTOMATION)
    failure = result.failure_data_for_node("scan_report").user_failure_data
    assert failure.description == "done meanwhile by run x"
    assert not result.get_asset_materialization_events()
