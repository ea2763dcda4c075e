"""Causes and their responses, in words that hold on every cluster."""

import pytest

from padocc_dagster.batch.causes import RESPONSES, Cause


def test_every_cause_has_a_response() -> None:
    assert set(RESPONSES) == set(Cause)


@pytest.mark.parametrize("cause", list(Cause))
def test_a_response_names_no_cluster_and_ends_in_what_to_do(cause: Cause) -> None:
    response = RESPONSES[cause]
    assert "slurm" not in f"{response.means} {response.advice}".lower()
    assert response.means and response.advice.endswith(".")
    assert response.retry or not (response.more_memory or response.more_time or response.elsewhere)
