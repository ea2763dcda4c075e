"""A run ends as its killed worker did, but only where somebody outside tells the two apart."""

import os
import signal
import subprocess
import sys

import pytest

from padocc_dagster.pipeline.running.call import ENDS_WITH_WORKER, KILLED, WorkerDiedError, follow

FOLLOW = "import sys; from padocc_dagster.pipeline.running.call import follow; follow(sys.argv[1]); print('went on')"


def end_of(status: str, **variables: str) -> tuple[int, str]:
    """How a process that follows a worker of this status ends, and what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != ENDS_WITH_WORKER} | variables
    done = subprocess.run([sys.executable, "-c", FOLLOW, status], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_in_a_batch_job_a_killed_worker_ends_its_process_in_the_same_way() -> None:
    assert end_of(KILLED, **{ENDS_WITH_WORKER: "1"}) == (-signal.SIGKILL, "")


@pytest.mark.parametrize("variables", [{}, {ENDS_WITH_WORKER: ""}])
def test_elsewhere_it_goes_on_and_tells(variables: dict[str, str]) -> None:
    assert end_of(KILLED, **variables) == (0, "went on\n")


@pytest.mark.parametrize("status", ["Success", "Fatal", "Failed-ValueError", "Failed-SIGTERM", "Failed-ExitStatus137", ""])
def test_no_other_end_of_a_worker_ends_its_process(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDS_WITH_WORKER, "1")
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
    follow(status)
    assert killed == []


def test_a_worker_that_was_killed_has_the_status_that_is_followed() -> None:
    assert WorkerDiedError("compute", -signal.SIGKILL).status == KILLED
    assert WorkerDiedError("compute", 137).status != KILLED
