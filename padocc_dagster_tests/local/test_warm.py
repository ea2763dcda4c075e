"""Forks of a warm process: begun as a process of its own is, and refused where they would get broken copies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from padocc_dagster import warm

CLEAN = "import sys; from padocc_dagster import warm; warm.preload(sys.argv[1], padocc=False); print('clean')"


def preloaded(source: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A process that makes itself warm with a module of this source."""
    (folder / "some_definitions.py").write_text(source)
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[2])])
    return subprocess.run(
        [sys.executable, "-c", CLEAN, "some_definitions"], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )


def test_definitions_without_a_thread_or_connection_make_a_process_warm(tmp_path: Path) -> None:
    assert preloaded("import dagster\ndefs = dagster.Definitions()\n", tmp_path).stdout == "clean\n"


@pytest.mark.parametrize(
    ("leaves", "named"),
    [
        ("import threading, time\nthreading.Thread(target=time.sleep, args=[60], daemon=True).start()", "thread python"),
        ("import socket\nkept = socket.socketpair()", "socket:["),
    ],
    ids=["a thread", "a connection"],
)
def test_definitions_that_leave_a_thread_or_a_connection_are_refused(leaves: str, named: str, tmp_path: Path) -> None:
    said = preloaded(f"import dagster\n{leaves}\ndefs = dagster.Definitions()\n", tmp_path).stderr.splitlines()[-1]
    assert said.startswith("padocc_dagster.warm.NotCleanError") and named in said


FORKS = """
import os, signal, sys
from padocc_dagster import warm
def report():
    print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())), signal.getsignal(signal.SIGTERM).name, flush=True)
    return 3
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print(os.waitstatus_to_exitcode(os.waitpid(warm.fork(report), 0)[1]))
def fail():
    raise ValueError("as meant")
print(os.waitstatus_to_exitcode(os.waitpid(warm.fork(fail), 0)[1]))
"""


def test_a_fork_has_default_signals_and_ends_with_what_its_work_returns() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True)
    assert done.stdout == "[] SIG_DFL\n3\n1\n"
    assert "ValueError: as meant" in done.stderr


def test_a_fork_ends_with_its_parent() -> None:
    code = "import sys, time\nfrom padocc_dagster import warm\nprint(warm.fork(lambda: time.sleep(60)), flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_enters_an_environment_with_its_folder_and_its_modules(tmp_path: Path) -> None:
    (tmp_path / "only_there.py").write_text("FOUND = 7\n")

    def work() -> int:
        warm.enter({"ONLY": "this", "PYTHONPATH": str(tmp_path)}, str(tmp_path))
        import only_there

        return only_there.FOUND if dict(os.environ) == {"ONLY": "this", "PYTHONPATH": str(tmp_path)} and os.getcwd() == str(tmp_path) else 1

    assert os.waitstatus_to_exitcode(os.waitpid(warm.fork(work), 0)[1]) == 7


def test_a_fork_is_interrupted_by_sigint_as_python_is() -> None:
    pid = warm.fork(lambda: time.sleep(60) or 0)
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
