"""The main process of a job, really started: who gets which signal, what is left alive, and what the report says."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from padocc_dagster.slurm.node.charge import CANNOT_CLAIM, worker_environment
from padocc_dagster.slurm.node.report import Report, claim, read
from padocc_dagster_tests.cleanup import small_disk

PYTHON = (sys.executable, "-S", "-E", "-c")
HOST = (sys.executable, "-P", "-m", "padocc_dagster.slurm.node.host")
SLEEP = "import time; time.sleep(300)"
WORKER = """
import os, signal, subprocess, sys, time
def write(name):
    open(name + ".new", "w").write(str(os.getpid()))
    os.rename(name + ".new", name)
"""


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not seen within {seconds} s: {what}"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@dataclass
class Jobs:
    """Hosts, started as a batch script would, in one folder and for one run."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def report(self) -> Path:
        return self.folder / "run.json"

    def start(self, *command: str, job_id: int = 7, grace: int = 60, before: Callable[[], None] | None = None, **more: str):
        environment = {**os.environ, "SLURM_JOB_ID": str(job_id), **more}
        environment = {name: value for name, value in environment.items() if value}
        argv = [*HOST, "--report", str(self.report), "--grace", str(grace), "--", *command]
        pipe = subprocess.PIPE
        host = subprocess.Popen(argv, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True, preexec_fn=before)
        self.started.append(host)
        return host

    def work(self, code: str, **more):
        """A host whose command is Python code, which has `write(name)` to show how far it is."""
        return self.start(*PYTHON, WORKER + code, **more)

    def pid(self, name: str) -> int:
        """The process that has written the file `name`."""
        wait_for((self.folder / name).exists, name)
        return int((self.folder / name).read_text())

    def told(self) -> Report:
        found = read(self.report)
        assert found is not None
        return found


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path)
    yield made
    for host in made.started:
        if host.poll() is None:
            host.kill()
        host.communicate()


@pytest.mark.parametrize(
    ("code", "status", "exit_status", "number"),
    [("", 0, 0, None), ("sys.exit(3)", 3, 3, None), ("os.kill(os.getpid(), signal.SIGKILL)", 137, None, 9), ("os.abort()", 134, None, 6)],
    ids=["well", "badly", "killed", "aborted"],
)
def test_the_end_of_the_command_is_the_end_of_the_job(jobs: Jobs, code: str, status: int, exit_status: int, number: int) -> None:
    before = datetime.now(UTC)
    host = jobs.work(code, SLURMD_NODENAME="node-7")
    assert host.wait(60) == status
    told = jobs.told()
    assert (told.job_id, told.host, told.exit_status, told.signal, told.stop_signal) == (7, "node-7", exit_status, number, None)
    assert told.ended is not None and before <= told.began <= told.ended <= datetime.now(UTC)
    assert not told.out_of_memory and not told.requeued
    assert told.peak_memory_mib is not None and 1 < told.peak_memory_mib < 100


def test_peak_memory_is_that_of_the_command(jobs: Jobs) -> None:
    assert jobs.work("x = bytearray(150 << 20)").wait(60) == 0
    assert 150 < (jobs.told().peak_memory_mib or 0) < 200


def test_the_output_of_the_command_is_the_output_of_the_job(jobs: Jobs) -> None:
    host = jobs.work("print('out'); print('err', file=sys.stderr)")
    assert host.communicate(timeout=60) == ("out\n", "err\n")


def test_the_report_says_who_works_while_it_works(jobs: Jobs) -> None:
    host = jobs.work("write('begun'); " + SLEEP, job_id=12)
    jobs.pid("begun")
    assert (jobs.told().job_id, jobs.told().ended) == (12, None)
    host.terminate()
    assert host.wait(60) == 143


def test_words_after_the_dashes_reach_the_command_as_they_are(jobs: Jobs) -> None:
    words = ["--report", "x", "--", "-h", "a b", ""]
    host = jobs.start(*PYTHON, "import json, sys; print(json.dumps(sys.argv[1:]))", *words)
    assert json.loads(host.communicate(timeout=60)[0]) == words


def test_the_command_sees_no_slurm_but_its_job_and_the_cluster(jobs: Jobs) -> None:
    slurm = {"SLURM_CONF": "/etc/slurm.conf", "SLURM_ARRAY_JOB_ID": "5", "SLURM_NTASKS": "1", "SBATCH_TIME": "5", "DAGSTER_HOME": "/d"}
    host = jobs.start(*PYTHON, "import json, os; print(json.dumps(dict(os.environ)))", **slurm)
    seen = json.loads(host.communicate(timeout=60)[0])
    assert {name for name in seen if name.startswith(("SLURM_", "SBATCH_"))} == {"SLURM_JOB_ID", "SLURM_CONF"}
    assert (seen["DAGSTER_HOME"], seen["PADOCC_DAGSTER_RUN_ENDS_WITH_ITS_WORKER"]) == ("/d", "1")
    elsewhere = {"SLURM_NTASKS": "1", "PADOCC_DAGSTER_FORK_SERVER": "/socket", "PATH": "/bin"}
    assert worker_environment(elsewhere) == {"PATH": "/bin", "PADOCC_DAGSTER_RUN_ENDS_WITH_ITS_WORKER": "1"}


def test_the_command_gets_every_signal_though_the_host_blocks_some(jobs: Jobs) -> None:
    host = jobs.work("print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), [signal.getsignal(n).name for n in (10, 15, 17, 1)])")
    assert host.communicate(timeout=60)[0] == "set() ['SIG_DFL', 'SIG_DFL', 'SIG_DFL', 'SIG_DFL']\n"


@pytest.mark.parametrize(("program", "status"), [("/no/such/program", 127), ("/etc/passwd", 126)])
def test_a_command_that_cannot_be_started_is_said_to_be_so(jobs: Jobs, program: str, status: int) -> None:
    host = jobs.start(program)
    assert host.wait(60) == status
    assert host.communicate()[1].startswith(f"{program} cannot be started: ")
    assert (jobs.told().exit_status, jobs.told().signal) == (status, None)
    assert jobs.told().ended is not None


def test_outside_a_job_nothing_is_started(jobs: Jobs) -> None:
    host = jobs.work("write('begun')", SLURM_JOB_ID="")
    assert host.wait(60) == os.EX_USAGE
    assert "SLURM_JOB_ID is not set" in host.communicate()[1]
    assert os.listdir(jobs.folder) == []


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
    told = jobs.told()
    assert (told.stop_signal, told.signal, told.exit_status) == (number.name, 9, None)
    assert told.ended is not None


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
    wait_for(lambda: jobs.told().stop_signal, "the signal in the report")
    host.send_signal(signal.SIGUSR1)
    assert is_alive(jobs.pid("child")) and not (jobs.folder / "child was told").exists()
    (jobs.folder / "go").touch()
    assert host.wait(60) == 5
    assert not is_alive(jobs.pid("child"))
    assert (jobs.told().stop_signal, jobs.told().exit_status, jobs.told().signal) == ("SIGUSR1", 5, None)


def test_a_cancelled_command_that_does_not_finish_in_time_is_killed(jobs: Jobs) -> None:
    host = jobs.work(f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FAMILY}\nwrite('begun'); {SLEEP}", grace=1)
    pids = [jobs.pid(name) for name in ("begun", *RELATIVES)]
    begun = time.monotonic()
    host.send_signal(signal.SIGUSR1)
    assert host.wait(60) == 137
    assert 1 <= time.monotonic() - begun < 10
    assert [pid for pid in pids if is_alive(pid)] == []
    assert (jobs.told().stop_signal, jobs.told().signal) == ("SIGUSR1", 9)


def test_term_ends_the_time_that_a_cancelled_command_has(jobs: Jobs) -> None:
    host = jobs.work(f"signal.signal(signal.SIGTERM, signal.SIG_IGN); write('begun'); {SLEEP}")
    jobs.pid("begun")
    host.send_signal(signal.SIGUSR1)
    wait_for(lambda: jobs.told().stop_signal, "the signal in the report")
    host.terminate()
    assert host.wait(60) == 137
    assert (jobs.told().stop_signal, jobs.told().signal) == ("SIGUSR1", 9)


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
    assert (jobs.told().stop_signal, jobs.told().exit_status, jobs.told().signal) == (number.name, None, None)
    assert jobs.told().ended is not None


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
            assert (status, jobs.told().stop_signal) == (143, "SIGTERM")
            assert jobs.told().ended is not None
            moment = "before the start" if jobs.told().signal is None else "after it"
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
    assert jobs.told().ended is None


STEP = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
"""In place of slurmstepd: a process whose child is the host."""


def test_a_host_whose_job_step_is_killed_ends_with_all_that_it_started(jobs: Jobs) -> None:
    argv = [*HOST, "--report", str(jobs.report), "--grace", "60", "--", *PYTHON, f"{WORKER}{FAMILY}\nwrite('begun'); {SLEEP}"]
    step = subprocess.Popen([*PYTHON, STEP, *argv], cwd=jobs.folder, env={**os.environ, "SLURM_JOB_ID": "7"})
    (host,) = psutil.Process(step.pid).children() if jobs.pid("begun") else ()
    pids = [jobs.pid(name) for name in ("begun", *RELATIVES)]
    step.kill()
    step.wait()
    wait_for(lambda: not host.is_running() or host.status() == psutil.STATUS_ZOMBIE, "the end of the host")
    assert [pid for pid in pids if is_alive(pid)] == []
    assert (jobs.told().stop_signal, jobs.told().signal) == ("SIGTERM", 9) and jobs.told().ended


def test_a_run_that_another_job_hosts_is_not_started(jobs: Jobs) -> None:
    report = Report(99, "node-3", datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    claim(jobs.report, report)
    for more in ({}, {"SLURM_RESTART_COUNT": "1"}):
        host = jobs.work("write('begun')", **more)
        assert host.wait(60) == 0
        assert host.communicate() == ("", "Job 99 hosts this run already, on node-3 since 2026-03-01 12:30:00 UTC\n")
    assert os.listdir(jobs.folder) == ["run.json"]
    assert jobs.told() == report


@pytest.mark.parametrize("more", [{}, {"SLURM_RESTART_COUNT": "1"}])
def test_a_run_whose_report_is_damaged_is_not_started(jobs: Jobs, more: dict[str, str]) -> None:
    jobs.report.touch()
    host = jobs.work("write('begun')", **more)
    assert host.wait(60) == 0
    assert host.communicate()[1].startswith("Another job hosts this run already; which one, ")
    assert os.listdir(jobs.folder) == ["run.json"]


def test_a_requeued_job_does_not_begin_its_run_again(jobs: Jobs) -> None:
    assert jobs.work("sys.exit(4)").wait(60) == 4
    host = jobs.work("write('begun')", SLURM_RESTART_COUNT="1")
    assert host.wait(60) == 0
    assert host.communicate()[1].startswith("SLURM has requeued job 7. ")
    assert (jobs.told().requeued, jobs.told().exit_status) == (True, 4)
    assert os.listdir(jobs.folder) == ["run.json"]


def test_a_requeued_job_whose_run_never_began_begins_it(jobs: Jobs) -> None:
    host = jobs.work("write('begun')", SLURM_RESTART_COUNT="1")
    assert host.wait(60) == 0
    assert jobs.pid("begun") and not jobs.told().requeued


def test_of_twenty_jobs_at_once_one_hosts_the_run(jobs: Jobs) -> None:
    code = "print('begun')\nwhile not os.path.exists('go'): time.sleep(0.01)"
    hosts = [jobs.work(code, job_id=number) for number in range(1, 21)]
    wait_for(lambda: sum(host.poll() is None for host in hosts) == 1, "nineteen ends", 60)
    (jobs.folder / "go").touch()
    outputs = [host.communicate(timeout=60) for host in hosts]
    assert [host.returncode for host in hosts] == [0] * 20
    begun = [number for number, (output, _) in enumerate(outputs, 1) if output == "begun\n"]
    assert begun == [jobs.told().job_id]
    assert sum(error.startswith(f"Job {begun[0]} hosts this run already") for _, error in outputs) == 19


def test_a_full_disk_neither_stops_a_run_nor_makes_it_run_twice(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    with small_disk(tmp_path, "size=8k"):
        (tmp_path / "filler").write_bytes(bytes(8192))
        first = jobs.work("print('begun')")
        assert first.communicate(timeout=60)[0] == "begun\n"
        assert first.returncode == 0
        assert jobs.work("print('begun')").communicate(timeout=60)[0] == ""
        assert sorted(os.listdir(tmp_path)) == ["filler", "run.json"]


def test_where_no_report_can_be_made_the_run_is_not_started(jobs: Jobs, tmp_path: Path) -> None:
    jobs.folder = tmp_path / "file"
    jobs.folder.touch()
    report = jobs.folder / "run.json"
    argv = [*HOST, "--report", report, "--grace", "5", "--", *PYTHON, "print('begun')"]
    host = subprocess.run(argv, env={**os.environ, "SLURM_JOB_ID": "7"}, capture_output=True, text=True)
    assert (host.returncode, host.stdout) == (CANNOT_CLAIM, "")
    assert host.stderr == f"No run is started, because the report {report} cannot be made: Not a directory\n"


def test_the_host_starts_quickly(tmp_path: Path, record_property: Callable[..., None]) -> None:
    loads = "import sys, padocc_dagster.slurm.node.host; print(len(sys.modules), *({'dagster', 'padocc', 'psutil'} & set(sys.modules)))"
    begun = time.monotonic()
    shown = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True).stdout.split()
    record_property("figure", f"the host of a job is loaded in {time.monotonic() - begun:.2f} s, with {shown[0]} modules")
    assert len(shown) == 1 and int(shown[0]) < 200
