"""What the kernel has counted of a job is found in the job's own groups, and nowhere else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from padocc_dagster.slurm.node.cgroup import job_folders, peak_memory_mib, was_out_of_memory
from padocc_dagster.slurm.node.report import read

V1 = "9:name=systemd:/\n4:hugetlb,memory:/slurm_n1/uid_1000/job_12/step_batch/task_0\n3:cpuset:/slurm_n1/uid_1000/job_12\n0::/\n"
V2 = "0::/system.slice/slurmstepd.scope/job_12/step_batch/user/task_0\n"
ROOT = Path("/sys/fs/cgroup")


def test_the_groups_of_a_job_go_up_to_the_job(tmp_path: Path) -> None:
    job = tmp_path / "memory/slurm_n1/uid_1000/job_12"
    assert job_folders(12, V1, tmp_path) == [job / "step_batch/task_0", job / "step_batch", job]
    job = tmp_path / "system.slice/slurmstepd.scope/job_12"
    assert job_folders(12, V2, tmp_path) == [job / "step_batch/user/task_0", job / "step_batch/user", job / "step_batch", job]


@pytest.mark.parametrize("lines", ["", "0::/\n", "4:memory:/\n0::/system.slice/job_12\n", "0::/system.slice/slurmd.service\n", V1, V2])
def test_a_group_that_is_not_this_jobs_is_not_believed(lines: str) -> None:
    assert job_folders(1, lines) == []
    assert peak_memory_mib([]) is None
    assert not was_out_of_memory([])


@pytest.mark.parametrize(
    ("files", "peak", "out_of_memory"),
    [
        ({"memory.max_usage_in_bytes": "314572800\n", "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"}, 300, True),
        ({"memory.max_usage_in_bytes": "314572801\n", "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"}, 301, False),
        ({"memory.peak": "1048576\n", "memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n"}, 1, True),
        ({"memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\n"}, None, False),
        ({}, None, False),
    ],
    ids=["v1", "v1 without a kill", "v2", "v2 before Linux 5.19", "nothing counted"],
)
def test_both_generations_of_the_kernels_files_are_read(tmp_path: Path, files: dict[str, str], peak: int, out_of_memory: bool) -> None:
    below = tmp_path / "task_0"
    below.mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (below / name).write_text("0\n")
    assert peak_memory_mib([below, tmp_path]) == peak
    assert was_out_of_memory([below, tmp_path]) == out_of_memory


@pytest.fixture
def group() -> Iterator[Path]:
    """A real memory group of job 4711, where at most 100 MiB may be used."""
    job = ROOT / "memory" / f"padocc_dagster_{os.getpid()}" / "job_4711"
    try:
        (job / "task_0").mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"no memory group of cgroup v1 can be made here: {error.strerror}")
    (job / "memory.limit_in_bytes").write_text(str(100 << 20))
    yield job / "task_0"
    for folder in (job / "task_0", job, job.parent):
        folder.rmdir()


def host(group: Path, report: Path, code: str) -> int:
    argv = [sys.executable, "-m", "padocc_dagster.slurm.node.host", "--report", report, "--grace", "5", "--", sys.executable, "-c", code]
    environment = {**os.environ, "SLURM_JOB_ID": "4711"}
    return subprocess.run(argv, env=environment, preexec_fn=lambda: (group / "tasks").write_text(str(os.getpid()))).returncode


def test_a_command_that_the_kernel_kills_for_its_memory_is_told_as_such(group: Path, tmp_path: Path) -> None:
    assert host(group, tmp_path / "run.json", "bytearray(300 << 20)") == 137
    told = read(tmp_path / "run.json")
    assert told is not None and told.out_of_memory and told.signal == 9
    assert 90 <= (told.peak_memory_mib or 0) <= 105


def test_a_child_of_the_command_that_is_killed_for_its_memory_is_noticed(group: Path, tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'bytearray(300 << 20)'])"
    assert host(group, tmp_path / "run.json", code) == 0
    told = read(tmp_path / "run.json")
    assert told is not None and told.out_of_memory and told.exit_status == 0


def test_files_that_are_read_do_not_count_as_used_memory(group: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(150 << 20))
    code = f"file = open({str(tmp_path / 'data')!r}, 'rb')\nwhile file.read(1 << 20): pass"
    assert host(group, tmp_path / "run.json", code) == 0
    told = read(tmp_path / "run.json")
    assert told is not None and not told.out_of_memory
    assert (told.peak_memory_mib or 0) < 50
