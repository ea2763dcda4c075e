import pytest

from padocc_dagster.slurm.scheduler.job import ACTIVE, COMPACT, OVER, PENDING, STATES, Job, base_state, cancelled_by


@pytest.mark.parametrize(
    ("printed", "state"),
    [
        ("RUNNING", "RUNNING"),
        (" PENDING ", "PENDING"),
        ("CANCELLED by 0", "CANCELLED"),
        ("CANCELLED by 1234", "CANCELLED"),
        ("CANCELLED+", "CANCELLED"),
        ("OUT_OF_ME+", "OUT_OF_MEMORY"),
        ("OUT_OF_MEM+", "OUT_OF_MEMORY"),
        ("NODE_FAIL", "NODE_FAIL"),
        ("REQUEUE_H+", "REQUEUE_HOLD"),
        ("CG", "COMPLETING"),
        ("OOM", "OUT_OF_MEMORY"),
        ("completed", "COMPLETED"),
    ],
)
def test_a_state_is_read_in_each_form_that_slurm_prints(printed: str, state: str) -> None:
    assert base_state(printed) == state


@pytest.mark.parametrize("printed", ["COMPLETED,COMPLETING", "COMPLETING+COMPLETED", "CANCELLED|COMPLETING"])
def test_of_several_states_the_one_that_is_no_end_counts(printed: str) -> None:
    assert base_state(printed) == "COMPLETING"


def test_a_beginning_that_fits_several_states_is_none_of_them() -> None:
    assert base_state("RE+") == "RE"
    assert not job("RE").is_over


@pytest.mark.parametrize("printed", ["", "  ", "7", "+"])
def test_what_is_no_state_is_refused(printed: str) -> None:
    with pytest.raises(ValueError, match="expected a word such as RUNNING"):
        base_state(printed)


def test_who_cancelled_is_read_from_the_state() -> None:
    assert cancelled_by("CANCELLED by 1234") == "1234"
    assert cancelled_by("CANCELLED by anna") == "anna"
    assert cancelled_by("CANCELLED+") is None
    assert cancelled_by("RUNNING") is None


@pytest.mark.parametrize("state", sorted(STATES))
def test_each_state_is_pending_active_or_over_and_only_one_of_them(state: str) -> None:
    one = job(state)
    assert [one.is_pending, one.is_active, one.is_over] == [state in PENDING, state in ACTIVE, state in OVER]
    assert [one.is_pending, one.is_active, one.is_over].count(True) == 1


@pytest.mark.parametrize("state", ["LAUNCH_FAILED", "POWER_UP_NODE", "EXPEDITING", "A_STATE_OF_THE_FUTURE", "FAIL"])
def test_an_unknown_state_is_active_and_never_over(state: str) -> None:
    assert job(state).is_active
    assert not job(state).is_over


def test_every_compact_code_is_a_state() -> None:
    assert set(COMPACT.values()) == STATES


def job(state: str) -> Job:
    return Job(1, "name", "comment", "anna", state)
