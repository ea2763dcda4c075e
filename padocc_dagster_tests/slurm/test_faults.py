"""The table of faults: what counts as a wrong cause, as a kind, and that the suite makes every cause that can be made here."""

import importlib

import pytest

from padocc_dagster.batch.causes import Cause
from padocc_dagster_tests.slurm.live.fault_table import FILES
from padocc_dagster_tests.slurm.live.faults import LEAST_KINDS, NOTHING, Faults, count_kinds, fault, fault_of, figures, row_of, table

FIGURES = {"jobs": 1, "attempts": 2, "duplicates": 0, "lost": 0}
NOT_MADE = {Cause.BOOT_FAIL, Cause.DEADLINE}
"""A node that is started for a job, and a deadline for all jobs of an instance: the private cluster has neither."""


def declared() -> Faults:
    """The faults of all files that run on SLURM."""
    names = [name.removesuffix(".py") for name in FILES if "/" not in name]
    modules = [importlib.import_module(f"padocc_dagster_tests.slurm.live.{name}") for name in names]
    return {f"{module.__name__}.{piece}": made for module in modules for piece, made in module.FAULTS.items()}


def test_a_cause_that_was_not_made_is_wrong_and_is_shown_beside_the_one_that_was() -> None:
    made = fault("a node fails", "NODE_FAIL, COMPLETED")
    assert row_of(made, "NODE_FAIL, COMPLETED", "NODE_FAIL, COMPLETED", **FIGURES)["wrong"] == 0
    row = row_of(made, "NODE_FAIL, COMPLETED", "FAILED, COMPLETED", **FIGURES)
    assert (row["wrong"], row["reported"]) == (1, "FAILED, COMPLETED (made: NODE_FAIL, COMPLETED)")


@pytest.mark.parametrize("reported", ["COMPLETED", "CANCELLED"])
def test_where_the_moment_decides_each_of_the_causes_is_right(reported: str) -> None:
    assert row_of(fault("a race", "COMPLETED", "CANCELLED"), "-", reported, **FIGURES)["wrong"] == 0


def test_pieces_are_found_without_their_number_and_one_without_a_fault_is_refused() -> None:
    faults = {"clock": fault("a wrong clock"), "handed-on": fault("handed on")}
    assert fault_of("clock-12", faults) is fault_of("clock 3", faults) is faults["clock"]
    assert fault_of("handed-on", faults) is faults["handed-on"]
    with pytest.raises(KeyError):
        fault_of("another", faults)


def test_the_table_has_a_line_for_each_kind_and_the_sums() -> None:
    one, other = fault("the daemon is killed"), fault(NOTHING)
    rows = [
        row_of(one, "COMPLETED", "COMPLETED", **FIGURES),
        row_of(one, "FAILED", "FAILED", **FIGURES),
        row_of(other, "COMPLETED", "COMPLETED", **FIGURES),
    ]
    head, killed, nothing, sums = table(rows)
    assert "SLURM reported" in head and "wrong causes" in head and nothing.startswith(NOTHING)
    assert "COMPLETED | FAILED " in killed and killed.split()[-5:] == ["2", "4", "0", "0", "1"]
    assert sums == figures(rows) == "1 kinds of faults, 3 runs, 6 attempts: duplicates = 0, lost = 0, wrong causes = 1"


def test_the_suite_makes_enough_kinds_of_faults_and_every_cause_that_can_be_made() -> None:
    faults = declared().values()
    made = {cause for each in faults for causes in each.causes for cause in causes.split(", ")}
    assert set(Cause) - made == NOT_MADE
    assert count_kinds({"kind": each.kind} for each in faults) >= LEAST_KINDS
