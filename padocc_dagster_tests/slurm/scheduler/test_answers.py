"""The rows are what SLURM 22.05 printed on a private cluster, with names and folders changed, where a comment does not say otherwise."""

from datetime import UTC, datetime

import pytest

from padocc_dagster.slurm.scheduler.answers import (
    MARK,
    SACCT_FIELDS,
    SQUEUE_FORMAT,
    expand_nodes,
    parse_sacct,
    parse_scontrol,
    parse_squeue,
)
from padocc_dagster.slurm.scheduler.job import Job


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-23T{clock}").replace(tzinfo=UTC)


def by_id(jobs: list[Job]) -> dict[int, Job]:
    assert len({job.job_id for job in jobs}) == len(jobs)
    return {job.job_id: job for job in jobs}


# squeue, with the mark of the process that recorded it written as §.
SQUEUE = """\
§5033|NODE_FAIL|2026-11-23T03:09:51|2026-11-23T03:09:51|2026-11-23T03:10:22|0:31|n1|root|NodeDown§noderun§(null)§
§5016|CANCELLED|2026-11-23T03:06:28|2026-11-23T03:09:51|2026-11-23T03:09:51|0:00||root|PartitionTimeLimit§partwall§(null)§
§5032|PENDING|2026-11-23T03:09:55|2026-11-23T03:11:56|NONE|0:00||root|BeginTime§padocc-3f2a-1§run 3f2a attempt 1§
§5021|PENDING|2026-11-23T03:06:28|N/A|N/A|0:00||root|ReqNodeNotAvail, UnavailableNodes:n2§node2§(null)§
§5038|RUNNING|2026-11-23T03:10:24|2026-11-23T03:10:25|2026-11-23T03:20:25|1-02:06:57|n1|root|None§long§(null)§
§5007|COMPLETED|2026-11-23T03:06:28|2026-11-23T03:06:32|2026-11-23T03:06:32|0:00|n1|root|None§pipe|na me=x§c|d JobState=RUNNING Reason=x§
§5008|COMPLETED|2026-11-23T03:06:28|2026-11-23T03:06:33|2026-11-23T03:06:33|0:00|n1|root|None§us\x1fsep§q\x1fz§
§5009|COMPLETED|2026-11-23T03:06:28|2026-11-23T03:06:33|2026-11-23T03:06:33|0:00|n1|root|None§new
line§com
ment§
§5030|COMPLETED|2026-11-23T03:06:28|2026-11-23T03:06:35|2026-11-23T03:06:36|0:01|n1|root|None§arr§(null)§
"""


def squeue(text: str) -> dict[int, Job]:
    return by_id(parse_squeue(text.replace("§", MARK)))


def test_squeue_is_asked_for_the_jobs_own_id_and_for_marks_around_free_text() -> None:
    assert SQUEUE_FORMAT.replace(MARK, "§") == "§%A|%T|%V|%S|%e|%M|%N|%u|%r§%j§%k§"


def test_each_row_of_squeue_is_a_job() -> None:
    assert list(squeue(SQUEUE)) == [5033, 5016, 5032, 5021, 5038, 5007, 5008, 5009, 5030]


def test_squeue_tells_all_of_a_job_that_is_over() -> None:
    assert squeue(SQUEUE)[5033] == Job(
        5033,
        "noderun",
        "",
        "root",
        "NODE_FAIL",
        submitted=at("03:09:51"),
        started=at("03:09:51"),
        ended=at("03:10:22"),
        elapsed_seconds=31,
        nodes=("n1",),
        reason="NodeDown",
    )


def test_a_pending_job_has_its_expected_start_and_no_end() -> None:
    job = squeue(SQUEUE)[5032]
    assert (job.started, job.ended, job.reason, job.comment) == (at("03:11:56"), None, "BeginTime", "run 3f2a attempt 1")
    assert squeue(SQUEUE)[5021].started is None
    assert squeue(SQUEUE)[5021].reason == "ReqNodeNotAvail, UnavailableNodes:n2"


def test_the_expected_end_of_a_running_job_is_no_end() -> None:
    job = squeue(SQUEUE)[5038]
    assert (job.ended, job.reason, job.elapsed_seconds) == (None, "", ((24 + 2) * 60 + 6) * 60 + 57)


def test_a_job_that_was_cancelled_before_its_start_never_started() -> None:
    assert squeue(SQUEUE)[5016].started is None
    assert squeue(SQUEUE)[5016].ended == at("03:09:51")


def test_separators_and_newlines_in_names_and_comments_stay_there() -> None:
    jobs = squeue(SQUEUE)
    assert (jobs[5007].name, jobs[5007].comment) == ("pipe|na me=x", "c|d JobState=RUNNING Reason=x")
    assert (jobs[5008].name, jobs[5008].comment) == ("us\x1fsep", "q\x1fz")
    assert (jobs[5009].name, jobs[5009].comment) == ("new\nline", "com\nment")


def test_a_job_whose_name_imitates_a_row_of_squeue_is_only_itself() -> None:
    forged = "x\n7|COMPLETED|2026-11-23T03:06:28|N/A|N/A|0:00|n1|root|None|padocc|comment|\n"
    jobs = squeue(SQUEUE.replace("noderun", forged))
    assert 7 not in jobs
    assert jobs[5033].name == forged


@pytest.mark.parametrize("damage", ["5016|CANCELLED|2026-11-23T03:06:28§partwall", "x|", "|", "5016||2026"])
def test_a_row_of_squeue_that_cannot_be_read_loses_no_other(damage: str) -> None:
    rows = SQUEUE.split("\n")
    rows[1] = f"§{damage}§(null)§" if "§" in damage else f"§{damage}§name§(null)§"
    assert list(squeue("\n".join(rows))) == [5033, 5032, 5021, 5038, 5007, 5008, 5009, 5030]


@pytest.mark.parametrize("length", [0, 1, 40, 90, 130])
def test_a_cut_off_answer_of_squeue_gives_whole_jobs_only(length: int) -> None:
    jobs = parse_squeue(SQUEUE.replace("§", MARK)[: length + 2000])
    assert set(jobs) <= set(squeue(SQUEUE).values())
    assert parse_squeue(SQUEUE.replace("§", MARK)[:length]) == []


SACCT = """\
5000|COMPLETED|0:0|2026-11-23T03:06:28|2026-11-23T03:06:28|2026-11-23T03:06:30|2||n1|root|ok|5000|run a b|5000
5000.batch|COMPLETED|0:0|2026-11-23T03:06:28|2026-11-23T03:06:28|2026-11-23T03:06:30|2|3176K|n1||batch|5000.batch||5000.batch
5001|OUT_OF_MEMORY|0:125|2026-11-23T03:06:28|2026-11-23T03:06:28|2026-11-23T03:06:28|0||n1|root|oom|5001||5001
5001.batch|OUT_OF_MEMORY|0:125|2026-11-23T03:06:28|2026-11-23T03:06:28|2026-11-23T03:06:28|0||n1||batch|5001.batch||5001.batch
5003|COMPLETED|0:0|2026-11-23T03:06:28|2026-11-23T03:06:30|2026-11-23T03:06:30|0||n1|root|oomsrun|5003||5003
5003.batch|COMPLETED|0:0|2026-11-23T03:06:30|2026-11-23T03:06:30|2026-11-23T03:06:30|0||n1||batch|5003.batch||5003.batch
5003.0|OUT_OF_MEMORY|0:125|2026-11-23T03:06:30|2026-11-23T03:06:30|2026-11-23T03:06:30|0||n1||python3|5003.0||5003.0
5004|FAILED|3:0|2026-11-23T03:06:28|2026-11-23T03:06:31|2026-11-23T03:06:31|0||n1|root|exit3|5004||5004
5004.batch|FAILED|3:0|2026-11-23T03:06:31|2026-11-23T03:06:31|2026-11-23T03:06:31|0||n1||batch|5004.batch||5004.batch
5006|FAILED|0:9|2026-11-23T03:06:28|2026-11-23T03:06:32|2026-11-23T03:06:32|0||n1|root|killed|5006||5006
5006.batch|CANCELLED|0:9|2026-11-23T03:06:32|2026-11-23T03:06:32|2026-11-23T03:06:32|0||n1||batch|5006.batch||5006.batch
5007|COMPLETED|0:0|2026-11-23T03:06:28|2026-11-23T03:06:32|2026-11-23T03:06:32|0||n1|root|pipe|na me=x|5007|c|d JobState=RUNNING|5007
5009|COMPLETED|0:0|2026-11-23T03:06:28|2026-11-23T03:06:33|2026-11-23T03:06:33|0||n1|root|new
line|5009|com
ment|5009
5009.batch|COMPLETED|0:0|2026-11-23T03:06:33|2026-11-23T03:06:33|2026-11-23T03:06:33|0||n1||batch|5009.batch||5009.batch
5016|CANCELLED by 0|0:0|2026-11-23T03:06:28|None|2026-11-23T03:09:51|0||None assigned|root|partwall|5016||5016
5028|DEADLINE|1:0|2026-11-23T03:06:28|None|2026-11-23T03:06:58|0||None assigned|root|dl|5028||5028
5029|TIMEOUT|0:0|2026-11-23T03:06:28|2026-11-23T03:06:41|2026-11-23T03:08:04|83||n1|root|to|5029||5029
5029.batch|CANCELLED|0:15|2026-11-23T03:06:41|2026-11-23T03:06:41|2026-11-23T03:08:04|83|3208K|n1||batch|5029.batch||5029.batch
5030|COMPLETED|0:0|2026-11-23T03:06:28|2026-11-23T03:06:35|2026-11-23T03:06:36|1||n1|root|arr|5030||5030
5030.batch|COMPLETED|0:0|2026-11-23T03:06:35|2026-11-23T03:06:35|2026-11-23T03:06:36|1|3128K|n1||batch|5030.batch||5030.batch
5032|REQUEUED|0:0|2026-11-23T03:09:51|2026-11-23T03:09:51|2026-11-23T03:09:55|4||n1|root|padocc-3f2a-1|5032|run 3f2a attempt 1|5032
5032.batch|CANCELLED|0:15|2026-11-23T03:09:51|2026-11-23T03:09:51|2026-11-23T03:09:55|4|3264K|n1||batch|5032.batch||5032.batch
5032|REQUEUED|0:0|2026-11-23T03:09:55|2026-11-23T03:11:56|2026-11-23T03:17:21|325||n1|root|padocc-3f2a-1|5032|run 3f2a attempt 1|5032
5032.batch|CANCELLED|0:15|2026-11-23T03:11:56|2026-11-23T03:11:56|2026-11-23T03:17:21|325|3204K|n1||batch|5032.batch||5032.batch
5038|RUNNING|0:0|2026-11-23T03:10:24|2026-11-23T03:10:25|Unknown|22||n1|root|long|5038||5038
5038.batch|RUNNING|0:0|2026-11-23T03:10:25|2026-11-23T03:10:25|Unknown|22||n1||batch|5038.batch||5038.batch
5032|CANCELLED by 0|0:0|2026-11-23T03:17:21|None|2026-11-23T03:17:29|0||None assigned|root|padocc-3f2a-1|5032|run 3f2a attempt 1|5032
5041|COMPLETED|0:0|2026-11-23T03:17:22|2026-11-23T03:17:23|2026-11-23T03:17:27|4||n1|root|many|5041||5041
5041.batch|COMPLETED|0:0|2026-11-23T03:17:23|2026-11-23T03:17:23|2026-11-23T03:17:27|4|76412K|n1||batch|5041.batch||5041.batch
"""


def sacct(text: str = SACCT) -> dict[int, Job]:
    return by_id(parse_sacct(text))


def test_sacct_is_asked_for_the_id_before_and_behind_free_text() -> None:
    assert SACCT_FIELDS.startswith("JobIDRaw,State,ExitCode,Submit,Start,End,ElapsedRaw,MaxRSS,NodeList,User,")
    assert SACCT_FIELDS.endswith(",JobName,JobIDRaw,Comment,JobIDRaw")


def test_sacct_gives_one_job_for_each_id_and_none_for_a_step() -> None:
    assert list(sacct()) == [5000, 5001, 5003, 5004, 5006, 5007, 5009, 5016, 5028, 5029, 5030, 5032, 5038, 5041]


def test_sacct_tells_all_of_a_job_that_is_over() -> None:
    assert sacct()[5029] == Job(
        5029,
        "to",
        "",
        "root",
        "TIMEOUT",
        exit_status=0,
        submitted=at("03:06:28"),
        started=at("03:06:41"),
        ended=at("03:08:04"),
        elapsed_seconds=83,
        peak_memory_mib=4,
        nodes=("n1",),
    )


def test_the_jobs_row_decides_and_its_steps_give_the_peak_memory() -> None:
    assert (sacct()[5041].state, sacct()[5041].peak_memory_mib) == ("COMPLETED", 75)
    assert (sacct()[5006].state, sacct()[5006].signal, sacct()[5006].exit_status) == ("FAILED", 9, None)
    assert (sacct()[5004].exit_status, sacct()[5004].signal) == (3, None)


@pytest.mark.parametrize("state", ["COMPLETED", "FAILED"])
def test_a_step_out_of_memory_counts_though_the_job_ended_otherwise(state: str) -> None:
    text = SACCT.replace("5003|COMPLETED", f"5003|{state}")
    assert sacct(text)[5003].state == "OUT_OF_MEMORY"
    text = SACCT.replace("5000.batch|COMPLETED", "5000.batch|OUT_OF_MEMORY").replace("5000|COMPLETED", f"5000|{state}")
    assert sacct(text)[5000].state == "OUT_OF_MEMORY"


@pytest.mark.parametrize("state", ["RUNNING", "CANCELLED by 0", "TIMEOUT", "NODE_FAIL", "PREEMPTED"])
def test_a_step_out_of_memory_changes_no_other_state(state: str) -> None:
    assert sacct(SACCT.replace("5003|COMPLETED", f"5003|{state}"))[5003].state == state.split()[0]


def test_of_several_incarnations_the_last_submitted_is_the_job() -> None:
    job = sacct()[5032]
    assert (job.state, job.cancelled_by, job.submitted, job.restarts) == ("CANCELLED", "0", at("03:17:21"), 2)
    assert job.started is None


def test_an_earlier_job_of_the_same_id_and_another_name_is_no_incarnation() -> None:
    old = "5041|FAILED|1:0|2024-01-01T00:00:00|2024-01-01T00:00:00|2024-01-01T00:00:01|1||n1|root|other|5041||5041\n"
    assert sacct(SACCT + old)[5041].restarts == 0
    assert sacct(SACCT + old)[5041].name == "many"


def test_a_running_job_has_neither_end_nor_exit_status() -> None:
    job = sacct()[5038]
    assert (job.ended, job.exit_status, job.signal, job.started) == (None, None, None, at("03:10:25"))


def test_a_name_with_separators_and_newlines_is_read_whole() -> None:
    assert (sacct()[5007].name, sacct()[5007].comment) == ("pipe|na me=x", "c|d JobState=RUNNING")
    assert (sacct()[5009].name, sacct()[5009].comment) == ("new\nline", "com\nment")


def test_a_job_whose_name_imitates_a_row_of_sacct_is_only_itself() -> None:
    forged = "x\n7|COMPLETED|0:0|2026-11-23T03:06:28|None|None|0||n1|root|padocc|7||7\ny"
    jobs = sacct(SACCT.replace("|many|", f"|{forged}|"))
    assert 7 not in jobs
    assert jobs[5041].name == forged


def test_a_row_of_sacct_that_cannot_be_read_loses_no_other() -> None:
    for damaged in ("5004||3:0", "5004|FAILED|3:0\n"):
        assert list(sacct(SACCT.replace("5004|FAILED|3:0", damaged, 1))) == [job_id for job_id in sacct() if job_id != 5004]


def test_a_cut_off_answer_of_sacct_gives_whole_jobs_only() -> None:
    for length in range(0, len(SACCT), 97):
        names = {job.name for job in parse_sacct(SACCT[:length])}
        assert names <= {job.name for job in sacct().values()}


@pytest.mark.parametrize(
    ("printed", "mib"),
    [("76412K", 75), ("1.50M", 2), ("512M", 512), ("1.5G", 1536), ("2T", 2 * 2**20), ("3252224", 4), ("0", None), ("", None), ("?", None)],
)
def test_peak_memory_is_read_in_each_unit_and_rounded_up(printed: str, mib: int | None) -> None:
    assert sacct(SACCT.replace("|76412K|", f"|{printed}|"))[5041].peak_memory_mib == mib


def test_an_extern_step_of_newer_versions_is_no_job() -> None:
    # Sites with PrologFlags=Contain have such rows (man slurm.conf).
    row = "5041.extern|COMPLETED|0:0|2026-11-23T03:17:23|2026-11-23T03:17:23|2026-11-23T03:17:27|4|1G|n1||extern|5041.extern||5041.extern\n"
    assert sacct(SACCT + row)[5041].peak_memory_mib == 1024


def shown(job_id: int, name: str, state: str, more: str = "", **fields: str) -> str:
    """A row of scontrol as 22.05 prints it."""
    said = {"Reason": "None", "Restarts": "0", "ExitCode": "0:0", "NodeList": "n1", "EndTime": "2026-11-23T03:10:44", **fields}
    return (
        f"JobId={job_id} JobName={name} UserId=root(0) GroupId=root(0) MCS_label=N/A Priority=4294901726 Nice=0 Account=root QOS=normal "
        f"JobState={state} Reason={said['Reason']} Dependency=(null) Requeue=1 Restarts={said['Restarts']} BatchFlag=1 Reboot=0 "
        f"ExitCode={said['ExitCode']} RunTime=00:00:19 TimeLimit=00:10:00 TimeMin=N/A SubmitTime=2026-11-23T03:10:24 "
        f"EligibleTime=2026-11-23T03:10:24 AccrueTime=2026-11-23T03:10:24 StartTime=2026-11-23T03:10:25 EndTime={said['EndTime']} "
        "Deadline=N/A SuspendTime=None SecsPreSuspend=0 LastSchedEval=2026-11-23T03:10:25 Scheduler=Main Partition=main "
        f"AllocNode:Sid=login:13636 ReqNodeList=n9 ExcNodeList=(null) NodeList={said['NodeList']} BatchHost=n1 NumNodes=1 NumCPUs=1 "
        "NumTasks=1 CPUs/Task=1 ReqB:S:C:T=0:0:*:* TRES=cpu=1,mem=100M,node=1,billing=1 Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=* "
        "MinCPUsNode=1 MinMemoryNode=100M MinTmpDiskNode=0 Features=(null) DelayBoot=00:00:00 OverSubscribe=OK Contiguous=0 "
        f"Licenses=(null) Network=(null) Command=(null) WorkDir=/home/anna/jobs {more}StdErr=/home/anna/{job_id}.out StdIn=/dev/null "
        f"StdOut=/home/anna/{job_id}.out Power= \n"
    )


# The form of 23.11.7, from a thread of the University of Geneva's HPC community (t/3591), on one line as --oneliner has it, with two nodes.
SCONTROL_23 = (
    "JobId=11965317 JobName=hostname UserId=anna(401775) GroupId=hpc_users(5000) MCS_label=N/A Priority=1575002 Nice=0 Account=lab "
    "QOS=normal JobState=COMPLETED Reason=None Dependency=(null) Requeue=1 Restarts=0 BatchFlag=0 Reboot=0 ExitCode=0:0 RunTime=00:00:01 "
    "TimeLimit=00:01:00 TimeMin=N/A SubmitTime=2024-08-15T11:05:45 EligibleTime=2024-08-15T11:05:45 AccrueTime=2024-08-15T11:05:45 "
    "StartTime=2024-08-15T11:05:57 EndTime=2024-08-15T11:05:58 Deadline=N/A SuspendTime=None SecsPreSuspend=0 "
    "LastSchedEval=2024-08-15T11:05:57 Scheduler=Backfill Partition=shared-cpu AllocNode:Sid=login1:1013693 ReqNodeList=(null) "
    "ExcNodeList=(null) NodeList=cpu[329-330] BatchHost=cpu329 NumNodes=2 NumCPUs=2 NumTasks=1 CPUs/Task=1 ReqB:S:C:T=0:0:*:* "
    "ReqTRES=cpu=1,mem=3000M,node=1,billing=1 AllocTRES=cpu=1,mem=3000M,node=1,billing=1 Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=* "
    "MinCPUsNode=1 MinMemoryCPU=3000M MinTmpDiskNode=500G Features=(null) DelayBoot=00:00:00 OverSubscribe=OK Contiguous=0 "
    "Licenses=(null) Network=(null) Command=hostname WorkDir=/home/anna Power= \n"
)
# The form of July 2025, from the documentation of slurm-bridge, with a submit line and a comment put in.
SCONTROL_25 = (
    "JobId=1 JobName=sleep UserId=slurm(401) GroupId=slurm(401) MCS_label=kubernetes Priority=1 Nice=0 Account=(null) QOS=normal "
    "JobState=CANCELLED Reason=None Dependency=(null) Requeue=1 Restarts=0 BatchFlag=0 Reboot=0 ExitCode=0:0 RunTime=00:00:08 "
    "TimeLimit=UNLIMITED TimeMin=N/A SubmitTime=2025-07-10T15:52:53 EligibleTime=2025-07-10T15:52:53 AccrueTime=2025-07-10T15:52:53 "
    "StartTime=2025-07-10T15:52:53 EndTime=2025-07-10T15:53:01 Deadline=N/A SuspendTime=None SecsPreSuspend=0 "
    "LastSchedEval=2025-07-10T15:52:53 Scheduler=Main Partition=slurm-bridge AllocNode:Sid=10.244.5.5:1 ReqNodeList=(null) "
    "ExcNodeList=(null) NodeList=slurm-bridge-1 BatchHost=slurm-bridge-1 StepMgrEnabled=Yes NumNodes=1 NumCPUs=4 NumTasks=1 CPUs/Task=1 "
    "ReqB:S:C:T=0:0:*:* ReqTRES=cpu=1,mem=96046M,node=1,billing=1 AllocTRES=cpu=4,mem=96046M,node=1,billing=4 Socks/Node=* "
    "NtasksPerN:B:S:C=0:0:*:* CoreSpec=* MinCPUsNode=1 MinMemoryNode=0 MinTmpDiskNode=0 Features=(null) DelayBoot=00:00:00 "
    "OverSubscribe=NO Contiguous=0 Licenses=(null) LicensesAlloc=(null) Network=(null) Command=(null) "
    "SubmitLine=sbatch --job-name=sleep run.sh WorkDir=/tmp Comment=run 1 OOMKillStep=0\n"
)


def test_scontrol_tells_all_of_a_job_that_is_over() -> None:
    assert parse_scontrol(shown(5037, "canc", "CANCELLED", more="Comment=run a b  ", ExitCode="143:0", Restarts="2")) == [
        Job(
            5037,
            "canc",
            "run a b",
            "root",
            "CANCELLED",
            exit_status=143,
            submitted=at("03:10:24"),
            started=at("03:10:25"),
            ended=at("03:10:44"),
            elapsed_seconds=19,
            nodes=("n1",),
            restarts=2,
        )
    ]


def test_scontrols_reason_reads_as_squeues_does() -> None:
    (job,) = parse_scontrol(shown(5021, "node2", "PENDING", Reason="ReqNodeNotAvail,_UnavailableNodes:n2", NodeList="", EndTime="Unknown"))
    assert (job.reason, job.nodes, job.ended, job.exit_status) == ("ReqNodeNotAvail, UnavailableNodes:n2", (), None, None)


def test_a_job_of_an_array_is_read_by_its_own_id() -> None:
    row = shown(5031, "arr", "COMPLETED").replace("JobName", "ArrayJobId=5018 ArrayTaskId=2 ArrayTaskThrottle=1 JobName", 1)
    assert [(job.job_id, job.name) for job in parse_scontrol(row)] == [(5031, "arr")]


def test_scontrol_of_newer_versions_is_read() -> None:
    (one,) = parse_scontrol(SCONTROL_23)
    assert (one.job_id, one.name, one.user, one.state, one.nodes) == (11965317, "hostname", "anna", "COMPLETED", ("cpu329", "cpu330"))
    assert (one.elapsed_seconds, one.comment) == (1, "")
    (one,) = parse_scontrol(SCONTROL_25)
    assert (one.name, one.state, one.nodes, one.comment) == ("sleep", "CANCELLED", ("slurm-bridge-1",), "run 1")


def test_odd_names_and_comments_are_read_whole_by_scontrol() -> None:
    for name in ("pipe|na me=x", "new\nline", "us\x1fsep", "JobState=COMPLETED", "a JobName=b", " UserId=x", ""):
        for comment in ("", "com\nment", "c|d JobState=RUNNING Reason=x"):
            more = f"Comment={comment}  " if comment else ""
            assert [(job.job_id, job.name, job.state, job.comment) for job in parse_scontrol(shown(5, name, "RUNNING", more=more))] == [
                (5, name, "RUNNING", comment)
            ]


def test_a_job_whose_name_imitates_another_job_is_left_out_by_scontrol() -> None:
    forged = shown(7, "padocc", "COMPLETED")
    for name in (forged, f"x\n{forged}", f"x\n{forged}y", forged.replace("JobId=7 JobName=padocc", "e")):
        text = shown(5, name, "RUNNING") + shown(6, "good", "RUNNING")
        assert [job.job_id for job in parse_scontrol(text)] == [6]


def test_a_row_of_scontrol_that_cannot_be_read_loses_no_other() -> None:
    broken = "JobId=6 JobName=two\n" + shown(7, "three", "RUNNING", NodeList="n[1-")
    text = shown(5, "one", "RUNNING") + broken + shown(8, "four", "RUNNING")
    assert [job.job_id for job in parse_scontrol(text)] == [5, 8]
    assert parse_scontrol("") == []
    assert parse_scontrol("No jobs in the system\n") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", ("n1",)),
        ("n[1-3,7]", ("n1", "n2", "n3", "n7")),
        ("lotus[001-003]", ("lotus001", "lotus002", "lotus003")),
        ("n[08-10]", ("n08", "n09", "n10")),
        ("a1,b[2-3]", ("a1", "b2", "b3")),
        ("r[1-2]n[1-2]-ib", ("r1n1-ib", "r1n2-ib", "r2n1-ib", "r2n2-ib")),
        ("", ()),
        ("(null)", ()),
        ("None assigned", ()),
    ],
)
def test_a_list_of_nodes_is_written_out(text: str, names: tuple[str, ...]) -> None:
    assert expand_nodes(text) == names


@pytest.mark.parametrize("text", ["n[1-", "n]1", "n[a-b]"])
def test_a_broken_list_of_nodes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        expand_nodes(text)
