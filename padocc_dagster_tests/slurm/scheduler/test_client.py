"""What the client makes of SLURM's messages. Each is one that SLURM prints; the version is the one that the wording was seen in.

Wordings that no test machine can bring about are from SLURM's `slurm_errno.c` (22.05 to 25.11) and from public issue threads.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padocc_dagster.slurm.scheduler.client import Client, NoAccountingError, NoAnswerError, RefusedError
from padocc_dagster_tests.slurm.pretended import Pretended

FAILED = "sbatch: error: Batch job submission failed: "
POLICY = FAILED + "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
OPEN = [
    FAILED + "Socket timed out on send/recv operation",
    FAILED + "Unable to contact slurm controller (connect failure)",
    FAILED + "Unable to contact slurm controller (send failure)",
    FAILED + "Unable to contact slurm controller (receive failure)",
    FAILED + "Zero Bytes were transmitted or received",
    FAILED + "Message send failure",
    FAILED + "Message receive failure",
    FAILED + "Unexpected message received",
    FAILED + "Communication connection failure",
    FAILED + "Transport endpoint is not connected: Broken pipe",
    FAILED + "Connection refused",
    FAILED + "Connection reset by peer",
    FAILED + "No route to host",
    FAILED + "Slurm backup controller in standby mode",
    FAILED + "Controller is in standby mode, try a different controller",
    FAILED + "Protocol authentication error",
    FAILED + "Invalid authentication credential",
    FAILED + "System submissions disabled",
    FAILED + "I/O error writing script/environment to file",
    FAILED + "Resource temporarily unavailable",
    "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n" + FAILED + "Resource temporarily unavailable",
    FAILED + "Rate limit exceeded, please retry momentarily",  # 23.02 and later
    FAILED + "Rate limit exceeded, please retry later",
    FAILED + "Connection timed out establishing",  # 25.05 and later
    FAILED + "Unexpected missing socket error",
    "sbatch: error: If munged is up, restart with --num-threads=10\n"
    'sbatch: error: Munge encode failed: Failed to access "/run/munge/munge.socket.2": No such file or directory',
    "sbatch: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\n"
    "sbatch: error: fetch_config: DNS SRV lookup failed\nsbatch: fatal: Could not establish a configuration source",
]
FULL = [
    f"sbatch: error: {limit}\n{POLICY}"
    for limit in ("QOSMaxSubmitJobPerUserLimit", "QOSGrpSubmitJobsLimit", "AssocMaxSubmitJobLimit", "AssocGrpSubmitJobsLimit")
] + [FAILED + "MaxJobCount limit reached"]
REFUSED = [
    f"sbatch: error: QOSMaxWallDurationPerJobLimit\n{POLICY}",
    f"sbatch: error: QOSMaxMemoryPerJob\n{POLICY}",
    f"sbatch: error: QOSGrpGRES\n{POLICY}",
    POLICY,
    FAILED + "Invalid account or account/partition combination specified",
    FAILED + "Invalid qos specification",
    FAILED + "Requested node configuration is not available",
    FAILED + "Requested time limit is invalid (missing or exceeds some limit)",
    FAILED + "Memory specification can not be satisfied",
    FAILED + "Unspecified error",
    "sbatch: error: invalid partition specified: nowhere\n" + FAILED + "Invalid partition name specified",
    "sbatch: error: Invalid --sockets-per-node specification",
    "sbatch: error: Name a project with --account and try again.\n" + FAILED + "Unspecified error",  # a site's job_submit.lua
    "sbatch: unrecognized option '--colour=red'\nTry \"sbatch --help\" for more information",
]
NO_DATABASE = [
    "sacct: error: slurm_persist_conn_open_without_init: failed to open persistent connection to host:los:6819: {}\n"
    "sacct: error: Sending PersistInit msg: {}\nsacct: error: Problem talking to the database: {}".replace("{}", cause)
    for cause in ("Connection refused", "No route to host", "Connection timed out")
] + [
    "sacct: error: _open_persist_conn: failed to open persistent connection to host:slurm:6819: Connection refused\n"
    "sacct: error: Problem talking to the database: Connection refused",
    "sacct: error: slurmdbd: Unspecified error",
]
SINCE = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "job.sh"
    path.write_text("#!/bin/bash\n#SBATCH --job-name=n\n#SBATCH --comment=c\n")
    return path


def submitted(slurm: Pretended, script: Path) -> int:
    return Client(10).submit(script, {"PATH": os.environ["PATH"]})


@pytest.mark.parametrize("message", OPEN + FULL)
def test_after_this_message_nobody_knows_whether_the_job_was_taken_or_a_later_try_may_succeed(
    slurm: Pretended, script: Path, message: str
) -> None:
    slurm.answer("sbatch", message)
    with pytest.raises(NoAnswerError, match="^sbatch: "):
        submitted(slurm, script)


@pytest.mark.parametrize("message", REFUSED)
def test_with_this_message_sbatch_refuses_the_job(slurm: Pretended, script: Path, message: str) -> None:
    slurm.answer("sbatch", message)
    with pytest.raises(RefusedError) as refused:
        submitted(slurm, script)
    assert message.splitlines()[-1] in str(refused.value)


@pytest.mark.parametrize(
    "printed", ["123\n", "123;cluster\n", "123", "sbatch: a note of the site\n123\n", "sbatch: warning: 7 nodes\n\n123;c-1.x\n\n"]
)
def test_the_jobs_id_is_read_from_what_sbatch_prints(slurm: Pretended, script: Path, printed: str) -> None:
    slurm.answer("sbatch", status=0, stdout=printed, stderr="sbatch: warning: 99\n")
    assert submitted(slurm, script) == 123


@pytest.mark.parametrize("printed", ["", "\n", "Submitted batch job 5", "123 456", "abc"])
def test_without_an_id_it_is_open_whether_there_is_a_job(slurm: Pretended, script: Path, printed: str) -> None:
    slurm.answer("sbatch", status=0, stdout=printed)
    with pytest.raises(NoAnswerError, match="no job id"):
        submitted(slurm, script)


def test_a_command_that_does_not_answer_in_time_is_ended_and_told(slurm: Pretended, script: Path) -> None:
    slurm.answer("sbatch", status=0, stdout="5", seconds=30)
    with pytest.raises(NoAnswerError, match="^sbatch did not answer within 0 s"):
        Client(0.2).submit(script, {"PATH": os.environ["PATH"]})


def test_programs_that_are_not_there_are_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    calls = (lambda: Client().queue(), lambda: Client().accounting([5], SINCE), lambda: Client().show(5), lambda: Client().cancel([5]))
    for call in calls:
        with pytest.raises(NoAnswerError, match=r"is not on PATH .*this host cannot reach SLURM"):
            call()


def test_a_program_that_may_not_be_started_is_no_answer(slurm: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(slurm.folder))
    (slurm.folder / "squeue").write_text("neither a script nor a binary")
    with pytest.raises(NoAnswerError, match="squeue cannot be started: Exec format error"):
        Client().queue()


@pytest.mark.parametrize("message", ["squeue: error: Invalid user: 0", "slurm_load_jobs error: Access/permission denied", ""])
def test_whatever_squeue_complains_of_is_never_an_empty_queue(slurm: Pretended, message: str) -> None:
    slurm.answer("squeue", message)
    with pytest.raises(NoAnswerError):
        Client().find("x")


@pytest.mark.parametrize("message", NO_DATABASE)
def test_a_database_that_is_down_is_not_taken_for_a_cluster_without_accounting(slurm: Pretended, message: str) -> None:
    slurm.answer("sacct", message)
    with pytest.raises(NoAnswerError):
        Client().accounting([5], SINCE)


@pytest.mark.parametrize("message", ["Slurm accounting storage is disabled", "SLURM accounting storage is disabled"])
def test_a_cluster_without_accounting_is_recognised(slurm: Pretended, message: str) -> None:
    slurm.answer("sacct", message)
    with pytest.raises(NoAccountingError):
        Client().accounting([5], SINCE)


def test_a_job_that_the_controller_has_forgotten_is_none_and_one_it_cannot_tell_of_is_no_answer(slurm: Pretended) -> None:
    assert Client().show(5) is None
    for message in ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", "scontrol: error: something else"):
        slurm.answer("scontrol", message)
        with pytest.raises(NoAnswerError):
            Client().show(5)


def test_ids_go_out_a_hundred_at_a_time(slurm: Pretended) -> None:
    ids = list(range(1, 251))
    Client().accounting(ids, SINCE)
    Client().cancel(ids)
    asked = [call["argv"][-1].split(",") for call in slurm.calls("sacct")]
    cancelled = [call["argv"][1:] for call in slurm.calls("scancel")]
    for batches in (asked, cancelled):
        assert [len(batch) for batch in batches] == [100, 100, 50]
        assert [int(number) for batch in batches for number in batch] == ids


def test_no_ids_are_no_call(slurm: Pretended) -> None:
    assert Client().accounting([], SINCE) == []
    Client().cancel([])
    assert slurm.calls("sacct") == slurm.calls("scancel") == []


def test_the_accounting_is_asked_in_utc_whatever_zone_the_moment_and_the_process_are_in(
    slurm: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Australia/Sydney")
    Client().accounting([5], datetime.fromisoformat("2026-11-23T14:30:00+11:00"))
    call = slurm.calls("sacct")[0]
    assert "2026-11-23T03:30:00" in call["argv"] and call["environment"]["TZ"] == "UTC"


def test_a_query_sees_nothing_of_the_environment_but_what_slurm_needs(slurm: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = {"SQUEUE_FORMAT": "%A", "SQUEUE_PARTITION": "x", "SLURM_TIME_FORMAT": "relative", "SACCT_FORMAT": "x", "PGPASSWORD": "secret"}
    for name, value in {**hidden, "SLURM_CONF": "/etc/x", "LC_ALL": "de_DE.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    Client().queue()
    Client().accounting([5], SINCE)
    Client().show(5)
    for name in ("squeue", "sacct", "scontrol"):
        seen = slurm.calls(name)[0]["environment"]
        assert set(seen) - {"LC_CTYPE"} <= {"HOME", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SLURM_CONF", "USER", "LC_ALL", "TZ"}
        assert (seen["SLURM_CONF"], seen["LC_ALL"], seen["TZ"]) == ("/etc/x", "C", "UTC")


def test_sbatch_gets_exactly_the_environment_that_the_job_is_to_see(
    slurm: Pretended, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "elsewhere")
    given = {"PATH": os.environ["PATH"], "DAGSTER_HOME": "/d", "LC_ALL": "C.UTF-8"}
    Client().submit(script, given)
    assert slurm.calls("sbatch")[0]["environment"] == given
    assert slurm.calls("sbatch")[0]["argv"] == ["--parsable", "--export=ALL", str(script)]


def test_the_queue_is_asked_for_all_jobs_of_this_user_in_every_slurm_partition(slurm: Pretended) -> None:
    slurm.add(7, "a", "c|x")
    assert [(job.job_id, job.name, job.comment) for job in Client().queue()] == [(7, "a", "c|x")]
    argv = slurm.calls("squeue")[0]["argv"]
    assert "--states=all" in argv and any(word.startswith("--user=") for word in argv)
    assert not [word for word in argv if word.startswith(("--partition", "-p"))]


def test_a_name_that_only_begins_alike_is_not_found(slurm: Pretended) -> None:
    slurm.add(7, "dagster-1-0", "c")
    slurm.add(8, "dagster-1-01", "c")
    assert [job.job_id for job in Client().find("dagster-1-0")] == [7]
