"""A command for the end of the tests' process runs when that is killed, and only then."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from padocc_dagster_tests.cleanup import ROOT, IfKilled

HOLD = "import sys; from padocc_dagster_tests.cleanup import IfKilled; held = IfKilled('touch', sys.argv[1]); print(flush=True); input()"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_command_runs_after_a_signal_has_ended_the_process(tmp_path: Path, number: int) -> None:
    ran, pipe = tmp_path / "ran", subprocess.PIPE
    argv = [sys.executable, "-c", HOLD, str(ran)]
    with subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None and process.stdout.readline() == b"\n"
        assert not ran.exists()
        process.send_signal(number)
    deadline = time.monotonic() + 60
    while not ran.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_command_does_not_run_after_the_block(tmp_path: Path) -> None:
    with IfKilled("touch", tmp_path / "ran"):
        pass
    assert not (tmp_path / "ran").exists()
