"""The main process of a job, really started: how it starts its command, and which run it may host."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padocc_dagster.slurm.node.charge import CANNOT_CLAIM, worker_environment
from padocc_dagster.slurm.node.report import Report, claim
from padocc_dagster_tests.cleanup import small_disk
from padocc_dagster_tests.slurm.node.host_jobs import HOST, PYTHON, SLEEP, Jobs, wait_for


@pytest.mark.parametrize(
    ("code", "status", "exit_status", "number"),
    [("", 0, 0, None), ("sys.exit(3)", 3, 3, None), ("os.kill(os.getpid(), signal.SIGKILL)", 137, None, 9), ("os.abort()", 134, None, 6)],
    ids=["well", "badly", "killed", "aborted"],
)
def test_the_end_of_the_command_is_the_end_of_the_job(jobs: Jobs, code: str, status: int, exit_status: int, number: int) -> None:
    before = datetime.now(UTC)
    host = jobs.work(code, SLURMD_NODENAME="node-7")
    assert host.wait(60) == status
    found = jobs.reported()
    assert (found.job_id, found.host, found.exit_status, found.signal, found.stop_signal) == (7, "node-7", exit_status, number, None)
    assert found.ended is not None and before <= found.began <= found.ended <= datetime.now(UTC)
    assert not found.out_of_memory and not found.requeued
    assert found.peak_memory_mib is not None and 1 < found.peak_memory_mib < 100


def test_peak_memory_is_that_of_the_command(jobs: Jobs) -> None:
    assert jobs.work("x = bytearray(150 << 20)").wait(60) == 0
    assert 150 < (jobs.reported().peak_memory_mib or 0) < 200


def test_the_output_of_the_command_is_the_output_of_the_job(jobs: Jobs) -> None:
    host = jobs.work("print('out'); print('err', file=sys.stderr)")
    assert host.communicate(timeout=60) == ("out\n", "err\n")


def test_the_report_says_who_works_while_it_works(jobs: Jobs) -> None:
    host = jobs.work("write('begun'); " + SLEEP, job_id=12)
    jobs.pid("begun")
    assert (jobs.reported().job_id, jobs.reported().ended) == (12, None)
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
    assert (jobs.reported().exit_status, jobs.reported().signal) == (status, None)
    assert jobs.reported().ended is not None


def test_outside_a_job_nothing_is_started(jobs: Jobs) -> None:
    host = jobs.work("write('begun')", SLURM_JOB_ID="")
    assert host.wait(60) == os.EX_USAGE
    assert "SLURM_JOB_ID is not set" in host.communicate()[1]
    assert os.listdir(jobs.folder) == []


def test_a_run_that_another_job_hosts_is_not_started(jobs: Jobs) -> None:
    report = Report(99, "node-3", datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    claim(jobs.report, report)
    for more in ({}, {"SLURM_RESTART_COUNT": "1"}):
        host = jobs.work("write('begun')", **more)
        assert host.wait(60) == 0
        assert host.communicate() == ("", "Job 99 hosts this run already, on node-3 since 2026-03-01 12:30:00 UTC\n")
    assert os.listdir(jobs.folder) == ["run.json"]
    assert jobs.reported() == report


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
    assert (jobs.reported().requeued, jobs.reported().exit_status) == (True, 4)
    assert os.listdir(jobs.folder) == ["run.json"]


def test_a_requeued_job_whose_run_never_began_begins_it(jobs: Jobs) -> None:
    host = jobs.work("write('begun')", SLURM_RESTART_COUNT="1")
    assert host.wait(60) == 0
    assert jobs.pid("begun") and not jobs.reported().requeued


def test_of_twenty_jobs_at_once_one_hosts_the_run(jobs: Jobs) -> None:
    code = "print('begun')\nwhile not os.path.exists('go'): time.sleep(0.01)"
    hosts = [jobs.work(code, job_id=number) for number in range(1, 21)]
    wait_for(lambda: sum(host.poll() is None for host in hosts) == 1, "nineteen ends", 60)
    (jobs.folder / "go").touch()
    outputs = [host.communicate(timeout=60) for host in hosts]
    assert [host.returncode for host in hosts] == [0] * 20
    begun = [number for number, (output, _) in enumerate(outputs, 1) if output == "begun\n"]
    assert begun == [jobs.reported().job_id]
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
