"""SLURM's commands on another host: by a real ssh and sshd, to programs that answer as SLURM's do."""

import dataclasses
import os
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from padocc_dagster.slurm.scheduler.client import Client, NoAnswerError, RefusedError
from padocc_dagster.slurm.scheduler.remote import prefix_problems
from padocc_dagster.slurm.settings import SettingsError
from padocc_dagster_tests.slurm.desk import Desk, configured
from padocc_dagster_tests.slurm.pretended import Pretended
from padocc_dagster_tests.slurm.ssh import Sshd, sshd

HOSTILE = "a b'c\"d$(touch pwned)`id`;|&<>*?!~#\\\n\té"


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with tempfile.TemporaryDirectory() as folder, sshd(Path(folder)) as made:  # short: a socket's path has 107 bytes at most
        yield made


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / f"{HOSTILE.replace('/', '')}.sh"
    path.write_text("#!/bin/bash\n#SBATCH --job-name=n\n#SBATCH --comment=c\n")
    return path


def test_a_job_is_submitted_with_exactly_the_given_environment_and_nothing_of_it_reaches_a_shell(
    slurm: Pretended, server: Sshd, script: Path, tmp_path: Path
) -> None:
    given = {"PATH": os.environ["PATH"], "DAGSTER_HOME": str(tmp_path), "VALUE": HOSTILE, "EMPTY": "", "LC_CTYPE": "C.UTF-8"}
    job_id = Client(30, server.prefix).submit(script, given)
    (call,) = slurm.calls("sbatch")
    assert [job["job_id"] for job in slurm.jobs()] == [job_id] and call["argv"] == ["--parsable", "--export=ALL", str(script)]
    by_bash = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert {name: value for name, value in call["environment"].items() if name not in by_bash} == given
    assert not Path.home().joinpath("pwned").exists()


def test_the_environment_is_in_no_process_s_arguments(slurm: Pretended, server: Sshd, script: Path) -> None:
    slurm.answer("sbatch", status=0, stdout="5", seconds=30)
    given = {"PATH": os.environ["PATH"], "PGPASSWORD": "a secret word"}
    caller = threading.Thread(target=lambda: pytest.raises(NoAnswerError, Client(5, server.prefix).submit, script, given))
    caller.start()
    seen: list[list[str]] = []
    while caller.is_alive() and not slurm.calls("sbatch"):
        pass
    for process in psutil.process_iter(["cmdline"]):
        seen.append(process.info["cmdline"] or [])
    caller.join()
    assert any(str(script) in " ".join(line) for line in seen)
    assert not any("a secret word" in word for line in seen for word in line)


def test_all_calls_share_one_connection(slurm: Pretended, server: Sshd) -> None:
    slurm.add(7, "n", "c")
    client = Client(30, server.prefix)
    client.queue()
    before = server.connections()
    assert [job.job_id for job in client.queue()] == [7] and [job.job_id for job in client.find("n")] == [7]
    assert client.accounting([7], datetime(2026, 11, 23, tzinfo=UTC)) and client.show(7)
    client.cancel([7])
    assert slurm.jobs()[0]["state"] == "CANCELLED" and server.connections() == before
    server.close_shared()
    client.queue()
    assert server.connections() == before + 1


def test_the_jobs_are_those_of_the_user_of_the_other_host(slurm: Pretended, server: Sshd) -> None:
    Client(30, server.prefix).queue()
    argv = slurm.calls("squeue")[0]["argv"]
    assert "--me" in argv and not any(word.startswith("--user") for word in argv)


def test_what_slurm_refuses_is_refused(slurm: Pretended, server: Sshd, script: Path) -> None:
    slurm.answer("sbatch", "sbatch: error: Batch job submission failed: Invalid qos specification")
    with pytest.raises(RefusedError, match="^sbatch: sbatch: error: .*Invalid qos specification"):
        Client(30, server.prefix).submit(script, {"PATH": os.environ["PATH"]})


def test_without_a_connection_or_the_program_nobody_knows(server: Sshd, script: Path, tmp_path: Path) -> None:
    closed = tmp_path / "config"
    closed.write_text("Host login1\n    HostName 127.0.0.1\n    Port 1\n    BatchMode yes\n")
    with pytest.raises(NoAnswerError, match=r"^ssh -F .* login1 squeue: .*Connection refused"):
        Client(30, ("ssh", "-F", str(closed), "login1")).queue()
    with pytest.raises(NoAnswerError, match=r"^ssh .* login1 sbatch: .*sbatch.*not found"):
        Client(30, server.prefix).submit(script, {"PATH": "/usr/bin:/bin" if not Path("/usr/bin/sbatch").exists() else "/nowhere"})


def test_a_run_is_submitted_followed_and_ended_by_ssh(desk: Desk, server: Sshd) -> None:
    settings = configured(command_prefix=list(server.prefix), log_folder=str(desk.settings.log_folder.root), warm=False)
    reached = dataclasses.replace(desk, settings=settings, client=Client(30, settings.command_prefix))
    run, job = reached.at_work()
    reached.look()
    reached.succeed(run)
    desk.slurm.end(job, "COMPLETED")
    reached.look()
    assert reached.status(run) == "SUCCESS" and reached.own(run)["slurm/state"] == "ended"


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        (["ssh"], "name the host as well"),
        (["nossh", "login1"], "'nossh', which is not on PATH"),
        (["ssh", ""], "the word ''"),
        (["ssh", "a\nb"], "the word 'a\\nb'"),
    ],
)
def test_words_that_cannot_stand_before_a_command_are_refused(prefix: list[str], problem: str) -> None:
    with pytest.raises(SettingsError, match="command_prefix") as refused:
        configured(command_prefix=prefix, log_folder="/logs")
    assert problem in str(refused.value)
    assert not prefix_problems([]) and not prefix_problems(["env", "A=b"])
