"""What is due for a project, decided from its files."""

from datetime import UTC, datetime, timedelta

import pytest

from padocc_dagster.pipeline.running.due import COMPARE, Due, due_of
from padocc_dagster.pipeline.workdir.events import AnyEvent, Compared, PhaseBegan, PhaseEnded, PhaseRequested
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import PRODUCT_DIFFERS, PRODUCT_NOT_COMPARED, StatusRow

INIT, SCAN, COMPUTED, VALIDATED = ("init", "Success"), ("scan", "Success"), ("compute", "Success"), ("validate", "(K)Warn-x")
COMPLETE = ("complete", "Success")
End = tuple[str, str]


def due(*ends: End, events: tuple[AnyEvent, ...] = ()) -> str | None:
    rows = [StatusRow(phase, status, None, "") for phase, status in ends]
    found = due_of(rows, events)
    return found and found.phase


def compared(row: int, passed: bool = True) -> Compared:
    return Compared(row=row, passed=passed, product="abc")


def requested(phase: str, row: int) -> PhaseRequested:
    return PhaseRequested(phase=phase, row=row, who="ada", why="more memory")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phase", "ends"),
    [
        ("scan", [INIT]),
        ("scan", [INIT, SCAN, INIT]),
        ("scan", [INIT, ("scan", "Failed-KeyError"), INIT]),
        ("compute", [INIT, SCAN]),
        ("compute", [INIT, SCAN, COMPUTED, SCAN]),
    ],
    ids=str,
)
def test_a_phase_is_due_when_what_it_builds_on_passed_and_it_was_not_tried_since(phase: str, ends: list[End]) -> None:
    assert due(*ends) == phase


@pytest.mark.parametrize(
    "ends",
    [
        [],
        [INIT, ("scan", "Failed-KeyError")],
        [INIT, ("scan", "Pending")],
        [INIT, SCAN, ("compute", "Pending")],
        [INIT, SCAN, ("compute", "(V>K)Failed-KeyError")],
        [INIT, SCAN, ("compute", "SubsetDeployed")],
        [INIT, SCAN, COMPUTED, ("compute", PRODUCT_DIFFERS)],
        [INIT, SCAN, COMPUTED, ("compute", PRODUCT_NOT_COMPARED)],
        [INIT, SCAN, COMPUTED, ("validate", "(K)Fatal-data_errors")],
        [INIT, SCAN, COMPUTED, VALIDATED, COMPLETE],
        [INIT, SCAN, COMPUTED, VALIDATED, ("complete", "Failed-OSError")],
    ],
    ids=str,
)
def test_nothing_is_due_after_a_failure_beside_padocc_at_work_or_at_the_end(ends: list[End]) -> None:
    assert due(*ends, events=(compared(3),)) is None


def test_a_product_is_compared_before_anything_follows_it() -> None:
    assert due(INIT, SCAN, COMPUTED) == COMPARE
    assert due(INIT, SCAN, COMPUTED, VALIDATED) == COMPARE
    assert due(INIT, SCAN, COMPUTED, events=(compared(3),)) == "validate"
    assert due(INIT, SCAN, COMPUTED, VALIDATED, events=(compared(3),)) == "complete"


def test_a_product_computed_since_it_was_compared_is_compared_again() -> None:
    assert due(INIT, SCAN, COMPUTED, VALIDATED, COMPUTED, events=(compared(3),)) == COMPARE


def test_a_later_comparison_that_passes_makes_the_computation_valid_again() -> None:
    ends = (INIT, SCAN, COMPUTED, ("compute", PRODUCT_DIFFERS), COMPUTED)
    assert due(*ends, events=(compared(4, passed=False), compared(5))) == "validate"


def test_a_published_product_is_left_alone_even_if_it_was_never_compared() -> None:
    assert due(INIT, SCAN, COMPUTED, VALIDATED, COMPLETE) is None


@pytest.mark.parametrize(
    "ends",
    [[INIT, SCAN, COMPUTED, VALIDATED, COMPLETE], [INIT, SCAN, ("compute", "Failed-KeyError")], [INIT, SCAN, ("compute", "Pending")]],
    ids=str,
)
def test_what_a_person_requested_is_due_whatever_became_of_it_before(ends: list[End]) -> None:
    assert due(*ends, events=(requested("compute", len(ends)),)) == "compute"


def test_of_two_requests_the_earlier_phase_comes_first() -> None:
    ends = (INIT, SCAN, ("compute", "Failed-KeyError"))
    assert due(*ends, events=(requested("compute", 3), requested("scan", 3))) == "scan"


def test_a_request_is_answered_by_a_row_of_its_phase_and_voided_by_an_initialisation() -> None:
    request = requested("compute", 3)
    failed = ("compute", "Failed-KeyError")
    assert due(INIT, SCAN, failed, failed, events=(request,)) is None
    assert due(INIT, SCAN, failed, INIT, SCAN, events=(request,)) == "compute"  # for the new scan, and not for the request
    assert due_of([StatusRow(p, s, None, "") for p, s in (INIT, SCAN, failed, INIT, SCAN)], (request,)) == Due("compute", 5)


def test_a_request_whose_gate_is_closed_waits() -> None:
    ends = (INIT, SCAN, COMPUTED, ("scan", "Failed-KeyError"))
    assert due(*ends, events=(requested("compute", 3),)) is None


def test_the_key_of_what_is_due_changes_with_every_row_and_every_request() -> None:
    project = Project("g", "a")
    first, second = requested("scan", 1), requested("scan", 1).model_copy(update={"when": datetime.now(UTC) + timedelta(seconds=1)})
    keys = {due.key(project) for due in (Due("scan", 1), Due("scan", 2), Due("compute", 1), Due("scan", 1, first), Due("scan", 1, second))}
    assert len(keys) == 5


def test_a_phase_whose_worker_died_is_due_again_whatever_row_padocc_had_written() -> None:
    began = PhaseBegan(phase="scan", run="r", row=1)
    assert due(INIT, events=(began,)) == "scan"
    assert due(INIT, SCAN, events=(began,)) == "scan"
    assert due(INIT, ("scan", "(V)Failed-KeyError"), events=(began,)) == "scan"
    ended = PhaseEnded(project="g:a", phase="scan", verdict=Verdict.OK, status="Success", row=2)
    assert due(INIT, SCAN, events=(began, ended)) == "compute"
    assert due(INIT, SCAN, INIT, SCAN, events=(began,)) == "compute"
