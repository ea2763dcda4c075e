"""Who requests a phase, as the phase sees it; and what its asset shows when it was done meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.assets.attempt import requested_of
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.pipeline.running import phases
from padocc_dagster.pipeline.running.due import NOT_DUE
from padocc_dagster.pipeline.workdir.outcome import Outcome, Verdict
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import DUE

CONDUCTED = {DUE: "g:a/scan/1"}
BY_HAND = {"dagster/parent_run_id": "one", "dagster/root_run_id": "one"}
REPEATED = {**BY_HAND, "dagster/retry_number": "1"}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the phase is given; it answers that it is not due."""
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
        (CONDUCTED, False, True),
        ({**CONDUCTED, **REPEATED}, True, True),
        ({**CONDUCTED, **BY_HAND}, False, False),
        (REPEATED, True, False),
    ],
    ids=["a person", "the conductor", "the conductor, repeated", "the conductor, executed again by a person", "a person, repeated"],
)
def test_who_requests_a_phase_is_in_the_tags_of_the_run(
    tmp_path: Path, seen: dict[str, Any], tags: dict[str, str], resumed: bool, unattended: bool
) -> None:
    result = scanned(tmp_path, tags)
    assert seen == {"run": "one" if resumed else result.run_id, "resumed": resumed, "unattended": unattended, "requested": None}


def test_what_was_done_meanwhile_is_shown_in_a_sentence_and_nothing_is_materialised(tmp_path: Path, seen: dict[str, Any]) -> None:
    result = scanned(tmp_path, CONDUCTED)
    failure = result.failure_data_for_node("scan_report").user_failure_data
    assert failure.description == "done meanwhile by run x"
    assert not result.get_asset_materialization_events()


LOCKED = Outcome("scan", Verdict.FAILED, "", "LockedError", "project g:a is being worked on by another process")


@pytest.mark.parametrize(
    ("tags", "requested", "calls"),
    [
        (REPEATED, {"wall_seconds": 900}, 3),
        (REPEATED, {"wall_seconds": 0}, 1),
        (REPEATED, None, 1),
        (CONDUCTED, {"wall_seconds": 900}, 1),
    ],
    ids=["a retry in a job", "without time left", "a retry on one machine", "a first attempt"],
)
def test_a_retry_in_a_job_waits_for_the_process_that_works_on_its_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], requested: dict[str, int] | None, calls: int
) -> None:
    answers = iter([LOCKED, LOCKED, Outcome("scan", Verdict.FAILED, "", NOT_DUE, "done meanwhile by run x")])
    given: list[Outcome] = []
    monkeypatch.setattr("padocc_dagster.assets.attempt.requested_of", lambda run: requested)
    monkeypatch.setattr(phases, "scan", lambda *_, **__: given.append(next(answers)) or given[-1])
    said: list[str] = []
    monkeypatch.setattr(dg.DagsterLogManager, "warning", lambda self, message, *_: said.append(message))
    failure = scanned(tmp_path, tags).failure_data_for_node("scan_report").user_failure_data
    assert len(given) == calls and given[-1].message in failure.description
    assert said == ([f"This retry waits, for at most 900 s: {LOCKED.message}"] if calls > 1 else [])


@pytest.mark.parametrize(("job_of", "requested"), [("", {"wall_seconds": 900, "memory_mib": 2048}), ("another", None), (None, None)])
def test_the_phase_records_what_its_own_job_requested(job_of: str | None, requested: dict[str, int] | None) -> None:
    run = dg.DagsterRun("advance_project")
    written = {} if job_of is None else {"padocc/job_of": job_of or run.run_id, "padocc/requested": "time=00:15:00 memory=2G"}
    assert requested_of(run.with_tags(written)) == requested
