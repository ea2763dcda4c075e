"""Runs in forks of a warm process: they end as runs do, whatever dies around them, and leave nothing behind."""

import os
import signal
from pathlib import Path

import dagster as dg
import psutil
import pytest

from padocc_dagster.dagster_private import LaunchRunContext, WorkerStatus
from padocc_dagster.local import fork_server
from padocc_dagster.pipeline.running.forked import FORK_SERVER
from padocc_dagster.runs import FAILURE_REASON, STEP_FAILURE
from padocc_dagster.services import processes
from padocc_dagster_tests.conftest import fork_server_at
from padocc_dagster_tests.local.conftest import Launched, loaded_server, wait_for

SUCCESS, FAILURE, CANCELED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED
UNEXPECTED = "UNEXPECTED_TERMINATION"


def test_a_run_succeeds_in_a_fork_of_the_server_and_leaves_no_record(launched: Launched, server: psutil.Process) -> None:
    run_id, go = launched.waiting()
    assert launched.keeper(run_id).ppid() == server.pid
    go.touch()
    assert launched.end(run_id) is SUCCESS
    wait_for("the record to be gone", lambda: not launched.records.has(run_id))


def test_a_step_that_fails_is_the_runs_own_failure(launched: Launched) -> None:
    run_id = launched.launch(fail="yes")
    assert launched.end(run_id) is FAILURE
    assert launched.run(run_id).tags[FAILURE_REASON] == STEP_FAILURE
    assert launched.events(run_id, dg.DagsterEventType.RUN_FAILURE) == 1


ENDS = [
    ({"signal": "SIGKILL"}, "SIGKILL, which the system sends when memory runs out"),
    ({"signal": "SIGSEGV"}, "SIGSEGV"),
    ({"exit": "7"}, "exit status 7"),
]


@pytest.mark.parametrize(("tags", "said"), ENDS, ids=["killed", "crashed", "exited"])
def test_a_process_that_ends_before_its_run_is_reported_with_how_it_ended(launched: Launched, tags: dict[str, str], said: str) -> None:
    run_id = launched.launch(**tags)
    assert launched.end(run_id) is FAILURE
    assert f"{said} before the run did" in launched.messages(run_id)
    assert launched.run(run_id).tags[FAILURE_REASON] == UNEXPECTED


def test_a_cancelled_run_is_interrupted_and_becomes_canceled(launched: Launched) -> None:
    run_id, _ = launched.waiting()
    process = launched.process(run_id)
    assert launched.launcher.terminate(run_id)
    assert launched.end(run_id) is CANCELED
    assert not process.is_running()
    assert not launched.launcher.terminate(run_id)


def test_a_process_killed_while_its_run_is_cancelled_leaves_it_canceled(launched: Launched) -> None:
    run_id, _ = launched.waiting()
    launched.instance.report_run_canceling(launched.run(run_id))
    launched.process(run_id).kill()
    assert launched.end(run_id) is CANCELED


def test_a_run_that_is_finished_is_not_started(launched: Launched) -> None:
    run = launched.create(write=str(launched.folder / "written"))
    launched.instance.report_run_canceled(run)
    launched.launcher.launch_run(LaunchRunContext(run, workspace=None))
    assert launched.end(run.run_id) is CANCELED
    assert not (launched.folder / "written").exists()


def test_a_run_that_ended_while_its_process_lived_keeps_its_end(launched: Launched) -> None:
    run_id, _ = launched.waiting()
    launched.instance.report_run_canceled(launched.run(run_id), "by force")
    launched.process(run_id).kill()
    assert launched.end(run_id) is CANCELED
    assert not launched.events(run_id, dg.DagsterEventType.RUN_FAILURE)


def test_a_run_is_launched_once_though_it_is_requested_twice(launched: Launched) -> None:
    run_id, go = launched.waiting()
    launched.launcher.launch_run(LaunchRunContext(launched.run(run_id), workspace=None))
    go.touch()
    assert launched.end(run_id) is SUCCESS
    assert launched.events(run_id, dg.DagsterEventType.RUN_START) == 1


def test_a_killed_keeper_takes_its_run_along_which_the_monitor_finds(launched: Launched) -> None:
    run_id, _ = launched.waiting()
    process, keeper = launched.process(run_id), launched.keeper(run_id)
    assert launched.launcher.check_run_worker_health(launched.run(run_id)).status is WorkerStatus.RUNNING
    keeper.kill()
    wait_for("the process's end", lambda: not processes.is_alive(process))
    wait_for("the keeper's end", lambda: launched.records.keeper(run_id) is None)
    assert launched.launcher.check_run_worker_health(launched.run(run_id)).status is WorkerStatus.FAILED
    assert launched.records.abandoned() == [run_id]
    launched.launcher.forget_finished()
    assert launched.records.has(run_id)
    assert launched.launcher.terminate(run_id)
    assert launched.status(run_id) is CANCELED
    launched.launcher.forget_finished()
    assert not launched.records.has(run_id)


def test_a_run_that_another_way_started_is_left_alone(launched: Launched) -> None:
    run = launched.instance.create_run_for_job(launched_job(), status=dg.DagsterRunStatus.STARTED)
    assert launched.launcher.has_worker(run)
    starting = launched.instance.create_run_for_job(launched_job(), status=dg.DagsterRunStatus.STARTING)
    assert not launched.launcher.has_worker(starting)


def launched_job() -> dg.JobDefinition:
    from padocc_dagster_tests.local.jobs import job

    return job


def test_runs_go_on_when_the_fork_server_is_killed(launched: Launched, tmp_path: Path) -> None:
    with loaded_server(tmp_path / "own") as own:
        run_id, go = launched.waiting()
        assert launched.keeper(run_id).ppid() == own.pid
        own.kill()
        own.wait()
        go.touch()
        assert launched.end(run_id) is SUCCESS


def test_without_a_fork_server_a_fresh_interpreter_executes_the_run(launched: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORK_SERVER, str(launched.folder / "nothing"))
    run_id, go = launched.waiting()
    assert "padocc_dagster.local.keeper" in launched.keeper(run_id).cmdline()
    go.touch()
    assert launched.end(run_id) is SUCCESS
    killed = launched.launch(signal="SIGKILL")
    assert launched.end(killed) is FAILURE
    assert "SIGKILL" in launched.messages(killed)


def test_a_server_that_dies_while_a_run_is_launched_leaves_it_to_a_fresh_interpreter(launched: Launched, tmp_path: Path) -> None:
    from threading import Thread

    with fork_server_at(tmp_path / "own", fork_server.__name__) as own:
        own.send_signal(signal.SIGSTOP)
        run = launched.create()
        launching = Thread(target=launched.launcher.launch_run, args=[LaunchRunContext(run, workspace=None)])
        launching.start()
        wait_for("the request", lambda: connections(own.pid))
        own.kill()
        launching.join(120)
        assert launched.end(run.run_id) is SUCCESS
    assert launched.events(run.run_id, dg.DagsterEventType.RUN_START) == 1


def connections(pid: int) -> bool:
    """Whether a caller waits at the socket of a stopped server: the listening socket and a connected one."""
    address = next(word for word in psutil.Process(pid).cmdline() if word.startswith("/") and word.endswith("own"))
    return sum(line.rstrip().endswith((address, "own.new")) for line in Path("/proc/net/unix").read_text().splitlines()) > 1


def test_the_environment_of_the_launcher_reaches_the_run_and_no_command_line(launched: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADOCC_DAGSTER_TEST", "as set")
    monkeypatch.setenv("TEST_PASSWORD", "secret-5up3r")
    home = launched.instance.root_directory
    for address in (os.environ[FORK_SERVER], str(launched.folder / "nothing")):
        monkeypatch.setenv(FORK_SERVER, address)
        path = launched.folder / f"environment{len(address)}"
        waits = launched.folder / f"waits{len(address)}"
        run_id = launched.launch(write=str(path), wait=str(waits))
        wait_for("the step", waits.exists)
        assert path.read_text().split("\n")[:4] == [home, "as set", "secret-5up3r", home]
        assert not [p.pid for p in psutil.process_iter(["cmdline"]) if "secret-5up3r" in " ".join(p.info["cmdline"] or ())]
        Path(f"{waits}.go").touch()
        assert launched.end(run_id) is SUCCESS
    assert not [path for path in Path(home).rglob("*") if path.is_file() and b"secret-5up3r" in path.read_bytes()]


def test_what_a_step_and_its_children_print_is_in_its_log_and_no_helper_is_started(launched: Launched) -> None:
    run_id, go = launched.waiting()
    assert not launched.process(run_id).children()
    go.touch()
    assert launched.end(run_id) is SUCCESS
    [captured] = launched.instance.all_logs(run_id, of_type=dg.DagsterEventType.LOGS_CAPTURED)
    key = [run_id, "compute_logs", captured.dagster_event.logs_captured_data.file_key]
    assert launched.instance.compute_log_manager.get_log_data(key).stdout == b"printed by the op\nprinted by a child\n"
    assert launched.instance.compute_log_manager.is_capture_complete(key)


def test_fifty_runs_leave_no_file_open_no_process_and_no_memory(launched: Launched, server: psutil.Process) -> None:
    for _ in range(5):
        launched.end(launched.launch())
    wait_for("the keepers to be gone", lambda: not server.children())
    files, memory = server.num_fds(), server.memory_info().rss
    for _ in range(10):
        for run_id in [launched.launch() for _ in range(5)]:
            assert launched.end(run_id) is SUCCESS
    wait_for("the keepers to be gone", lambda: not server.children())
    assert server.num_fds() == files
    assert server.memory_info().rss < memory + 2**20
    assert launched.records.keepers() == {}
