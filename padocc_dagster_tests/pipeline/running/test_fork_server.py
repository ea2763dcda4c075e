"""A forked worker is as good as a fresh one, and where there is none to be had, a fresh one is started."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from padocc_dagster.pipeline.running.call import OperationFailedError, call, start
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.running.forked import FORK_SERVER, ForkedWorker
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster_tests.conftest import fork_server_at
from padocc_dagster_tests.pipeline.killing import in_thread, wait_for, workers
from padocc_dagster_tests.pipeline.projects import Made

REQUEST = b'{"operation": "no_such_operation", "arguments": {}}\n'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[psutil.Process]:
    """A fork server of the test's own."""
    with fork_server_at(tmp_path / "socket") as process:
        yield psutil.Process(process.pid)


def forked() -> ForkedWorker:
    worker = start()
    assert isinstance(worker, ForkedWorker)
    return worker


def is_fresh() -> bool:
    with start() as worker:
        worker.stdin.write(REQUEST)
        worker.stdin.flush()
        assert b"KeyError" in worker.stdout.read() and worker.wait() == 0
    return isinstance(worker, subprocess.Popen)


def test_a_forked_worker_does_a_projects_phases(at: Callable[[str], Made]) -> None:
    assert isinstance(start_and_end(), ForkedWorker)
    made = at("initialised")
    made.through("scan", "compute", "validate")
    assert made.verified()["problems"] == []


def start_and_end() -> ForkedWorker | subprocess.Popen[bytes]:
    with start() as worker:
        worker.kill()
    return worker


def test_workers_are_processes_of_their_own_without_a_past(capfd: pytest.CaptureFixture[str]) -> None:
    with forked() as one, forked() as other:
        assert len({one.pid, other.pid, os.getpid()}) == 3
        for worker in (one, other):
            worker.stdin.write(REQUEST)
            worker.stdin.flush()
            assert b'"KeyError"' in worker.stdout.read()
            assert worker.wait() == 0
    assert "no_such_operation" in capfd.readouterr().err  # what a worker says of its error goes where its caller's words go


def test_many_at_once_are_served_and_nothing_is_left_of_them() -> None:
    before = len(os.listdir("/proc/self/fd"))

    def ask(_: int) -> str:
        with pytest.raises(OperationFailedError) as refused:
            call("no_such_operation")
        return refused.value.error_class

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, range(48))) == ["KeyError"] * 48
    assert len(os.listdir("/proc/self/fd")) == before


def test_keepers_and_workers_that_have_ended_are_gone(server: psutil.Process) -> None:
    for _ in range(3):
        start_and_end()
    wait_for(lambda: server.children(recursive=True) == [], "the keepers to be gone")
    assert server.num_fds() < 12


def test_the_server_is_small_until_somebody_asks(server: psutil.Process) -> None:
    small = server.memory_info().rss
    start_and_end()
    assert server.memory_info().rss > 3 * small


def test_a_caller_in_another_environment_gets_a_fresh_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_fresh()
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    assert is_fresh()


def test_without_a_server_a_fresh_interpreter_is_started(server: psutil.Process, monkeypatch: pytest.MonkeyPatch) -> None:
    server.kill()
    server.wait()
    assert is_fresh()
    monkeypatch.delenv(FORK_SERVER)
    assert is_fresh()


def test_a_socket_where_nobody_answers_is_no_worker(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="no worker can be had"):
        ForkedWorker(str(tmp_path / "nothing"), clean_environment())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_the_signal_that_ended_a_worker_is_told(number: signal.Signals) -> None:
    with forked() as worker:
        os.kill(worker.pid, number)
        assert worker.stdout.read() == b"" and worker.wait() == -number


def test_a_worker_ends_when_its_caller_goes() -> None:
    with forked() as worker:
        worker.stdin.close()
        assert worker.wait() == 1


def test_a_worker_whose_keeper_is_killed_is_ended_too() -> None:
    with forked() as worker:
        process = psutil.Process(worker.pid)
        process.parent().kill()
        assert worker.wait() == -signal.SIGKILL
        with contextlib.suppress(psutil.NoSuchProcess):
            process.wait(60)


def test_an_answer_counts_though_nobody_is_left_who_could_tell_how_the_worker_ended(at: Callable[[str], Made]) -> None:
    made = at("scanned")
    outcome = in_thread(lambda: made.run("compute"))
    [worker] = wait_for(workers, "a worker")
    worker.parent().kill()
    assert outcome().verdict is Verdict.OK
    assert made.statuses[-1] == ("compute", "Success")


def test_a_worker_goes_on_when_the_server_is_killed(server: psutil.Process, at: Callable[[str], Made]) -> None:
    made = at("scanned")
    outcome = in_thread(lambda: made.run("compute"))
    wait_for(lambda: workers(), "a worker")
    server.kill()
    assert outcome().verdict is Verdict.OK


UPGRADED = """
import sys
from pathlib import Path
from padocc_dagster.pipeline.workers import fork_server
sys.path.append(sys.argv[2])
fork_server.serve(fork_server.listen(Path(sys.argv[1])), lambda: None, lambda c: fork_server.keep(c, fork_server.receive(c)))
"""


def test_after_an_installation_the_server_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages, address = tmp_path / "site-packages", tmp_path / "socket"
    packages.mkdir()
    command = [sys.executable, "-P", "-c", UPGRADED, str(address), str(packages)]
    monkeypatch.setenv(FORK_SERVER, str(address))
    with subprocess.Popen(command, env=clean_environment(), cwd="/") as server:
        try:
            wait_for(address.exists, "the server")
            began = address.stat().st_ino
            assert isinstance(start_and_end(), ForkedWorker)
            assert address.stat().st_ino == began
            (packages / "upgraded").mkdir()
            start_and_end()  # by whichever
            wait_for(lambda: address.stat().st_ino != began, "the new server")
            wait_for(lambda: isinstance(start_and_end(), ForkedWorker), "a worker of the new server")
            assert server.poll() is None
        finally:
            server.kill()


IMPORTED = """
import json, os, sys
from padocc_dagster.pipeline.workers import fork_server, worker
fork_server.load()
before = set(sys.modules)
root, key = sys.argv[1:]
for operation in ("scan", "compute", "verify", "validate"):
    worker.operations()[operation](root=root, project=key)
print(json.dumps([sorted(set(sys.modules) - before), len(os.listdir("/proc/self/task"))]))
"""


def test_operations_import_little_that_the_server_has_not_imported(at: Callable[[str], Made]) -> None:
    made = at("initialised")
    arguments = [str(made.workdir.root), str(made.project)]
    done = subprocess.run([sys.executable, "-P", "-c", IMPORTED, *arguments], env=clean_environment(), capture_output=True, text=True)
    new, _ = json.loads(done.stdout.splitlines()[-1])
    assert len([name for name in new if not name.startswith("cfapyx")]) < 20, new
