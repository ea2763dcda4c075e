"""The main process of a job, really ended: who gets which signal, what is left alive, and what the report says."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from padocc_dagster.services import processes
from padocc_dagster_tests.slurm.node.host_jobs import HOST, PYTHON, SLEEP, STEP, WORKER, Jobs, is_alive, wait_for

FAMILY = """
child = f'''{WORKER}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
write("child")
time.sleep(300)'''
setsid = child.replace('"child"', '"other session"').replace("signal.signal", "os.setsid(); signal.signal")
daemon = child.replace('"child"', '"daemon"').replace("signal.signal", "os.fork() and os._exit(0); os.setsid(); signal.signal")
for code in (child, setsid, daemon):
    subprocess.Popen([sys.executable, "-S", "-E", "-c", code])
while not all(os.path.exists(name) for name in ("child", "other session", "daemon")):
    time.sleep(0.01)
""".replace("{WORKER}", WORKER.replace("\n", "\\n"))
RELATIVES = ("child", "other session", "daemon")


def test_what_the_command_has_left_behind_ends_with_it(jobs: Jobs) -> None:
    assert jobs.work(FAMILY).wait(60) == 0
    assert [name for name in RELATIVES if is_alive(jobs.pid(name))] == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_term_kills_all_of_it_at_once(jobs: Jobs, number: signal.Signals, status: int) -> None:
    host = jobs.work(f"signal.signal({number:d}, signal.SIG_IGN)\n{FAMILY}\nwrite('begun'); {SLEEP}")
    pids = [jobs.pid(name) for name in ("begun", *RELATIVES)]
    begun = time.monotonic()
    host.send_signal(number)
    assert host.wait(60) == status
    assert time.monotonic() - begun < 10
    assert [pid for pid in pids if is_alive(pid)] == []
    found = jobs.reported()
    assert (found.stop_signal, found.signal, found.exit_status) == (number.name, 9, None)
    assert found.ended is not None


def test_a_worker_that_gets_term_at_the_same_moment_comes_to_say_nothing(jobs: Jobs, record_property: Callable[..., None]) -> None:
    code = """
def reports(number, frame):
    begun = time.monotonic()
    while True:
        open("said", "w").write(str(time.monotonic() - begun))
signal.signal(signal.SIGTERM, reports)
write("begun")
time.sleep(300)
"""
    said = []
    for number in range(10):
        host = jobs.work(code, job_id=number + 1)
        worker = jobs.pid("begun")
        os.kill(worker, signal.SIGTERM)
        host.terminate()
        assert host.wait(60) == 143
        spoke = jobs.folder / "said"
        said.append(float(spoke.read_text() or 0) if spoke.exists() else 0.0)
        for name in os.listdir(jobs.folder):
            (jobs.folder / name).unlink()
    record_property("figure", f"a worker that SLURM signals too lives on for {1000 * max(said):.1f} ms at most, of 10 tries")
    assert max(said) < 0.1


def test_cancelling_gives_the_command_alone_time_to_finish(jobs: Jobs) -> None:
    code = f"""
def finish(number, frame):
    write("finishing")
    while not os.path.exists("go"):
        time.sleep(0.01)
    sys.exit(5)
signal.signal(signal.SIGTERM, finish)
polite = '''{WORKER}
signal.signal(signal.SIGTERM, lambda *_: write("child was told"))
write("child")
time.sleep(300)'''
subprocess.Popen([sys.executable, "-S", "-E", "-c", polite])
while not os.path.exists("child"):
    time.sleep(0.01)
write("begun")
time.sleep(300)
"""
    host = jobs.work(code)
    jobs.pid("begun")
    host.send_signal(signal.SIGUSR1)
    jobs.pid("finishing")
    wait_for(lambda: jobs.reported().stop_signal, "the signal in the report")
    host.send_signal(signal.SIGUSR1)
    assert is_alive(jobs.pid("child")) and not (jobs.folder / "child was told").exists()
    (jobs.folder / "go").touch()
    assert host.wait(60) == 5
    assert not is_alive(jobs.pid("child"))
    assert (jobs.reported().stop_signal, jobs.reported().exit_status, jobs.reported().signal) == ("SIGUSR1", 5, None)


def test_a_cancelled_command_that_does_not_finish_in_time_is_killed(jobs: Jobs) -> None:
    host = jobs.work(f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FAMILY}\nwrite('begun'); {SLEEP}", grace=1)
    pids = [jobs.pid(name) for name in ("begun", *RELATIVES)]
    begun = time.monotonic()
    host.send_signal(signal.SIGUSR1)
    assert host.wait(60) == 137
    assert 1 <= time.monotonic() - begun < 10
    assert [pid for pid in pids if is_alive(pid)] == []
    assert (jobs.reported().stop_signal, jobs.reported().signal) == ("SIGUSR1", 9)


def test_term_ends_the_time_that_a_cancelled_command_has(jobs: Jobs) -> None:
    host = jobs.work(f"signal.signal(signal.SIGTERM, signal.SIG_IGN); write('begun'); {SLEEP}")
    jobs.pid("begun")
    host.send_signal(signal.SIGUSR1)
    wait_for(lambda: jobs.reported().stop_signal, "the signal in the report")
    host.terminate()
    assert host.wait(60) == 137
    assert (jobs.reported().stop_signal, jobs.reported().signal) == ("SIGUSR1", 9)


def test_hangup_is_ignored(jobs: Jobs) -> None:
    host = jobs.work("write('begun')\nwhile not os.path.exists('go'): time.sleep(0.01)")
    jobs.pid("begun")
    host.send_signal(signal.SIGHUP)
    (jobs.folder / "go").touch()
    assert host.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_that_came_before_the_start_keeps_the_command_from_starting(jobs: Jobs, number: signal.Signals) -> None:
    def is_sent() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        os.kill(os.getpid(), number)

    host = jobs.work("write('begun')", before=is_sent)
    assert host.wait(60) == 143
    assert not (jobs.folder / "begun").exists()
    assert (jobs.reported().stop_signal, jobs.reported().exit_status, jobs.reported().signal) == (number.name, None, None)
    assert jobs.reported().ended is not None


def test_term_at_any_moment_leaves_no_process_and_no_report_of_another_cause(jobs: Jobs, record_property: Callable[..., None]) -> None:
    chance = random.Random(3)
    seen: dict[str, int] = {}
    for number in range(40):
        mark = f"term-{os.getpid()}-{number}"
        host = jobs.work(f"signal.signal(signal.SIGTERM, lambda *_: write('said')); write('begun'); {SLEEP}", MARK=mark)
        time.sleep(chance.uniform(0, 0.25))
        host.terminate()
        status = host.wait(60)
        assert [process.pid for process in psutil.process_iter() if _has_mark(process, mark)] == []
        if jobs.report.exists():
            assert (status, jobs.reported().stop_signal) == (143, "SIGTERM")
            assert jobs.reported().ended is not None
            moment = "before the start" if jobs.reported().signal is None else "after it"
        else:
            assert status == -signal.SIGTERM
            moment = "before the claim"
        seen[moment] = seen.get(moment, 0) + 1
        for name in os.listdir(jobs.folder):
            (jobs.folder / name).unlink()
    record_property("figure", f"SIGTERM to the host of a job came {seen}")


def _has_mark(process: psutil.Process, mark: str) -> bool:
    with suppress(psutil.Error):
        return process.environ().get("MARK") == mark and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_host_that_is_killed_takes_the_command_with_it(jobs: Jobs) -> None:
    host = jobs.work(f"write('begun'); {SLEEP}")
    worker = jobs.pid("begun")
    host.kill()
    host.wait(60)
    wait_for(lambda: not is_alive(worker), "the end of the worker")
    assert jobs.reported().ended is None


def test_a_host_whose_job_step_is_killed_ends_with_all_that_it_started(jobs: Jobs) -> None:
    argv = [*HOST, "--report", str(jobs.report), "--grace", "60", "--", *PYTHON, f"{WORKER}{FAMILY}\nwrite('begun'); {SLEEP}"]
    step = subprocess.Popen([*PYTHON, STEP, *argv], cwd=jobs.folder, env={**os.environ, "SLURM_JOB_ID": "7"})
    (host,) = psutil.Process(step.pid).children() if jobs.pid("begun") else ()
    pids = [jobs.pid(name) for name in ("begun", *RELATIVES)]
    step.kill()
    step.wait()
    wait_for(lambda: not processes.is_alive(host), "the end of the host")
    assert [pid for pid in pids if is_alive(pid)] == []
    assert (jobs.reported().stop_signal, jobs.reported().signal) == ("SIGTERM", 9) and jobs.reported().ended
