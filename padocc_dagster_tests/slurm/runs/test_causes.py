from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from padocc_dagster.slurm.node.report import Report
from padocc_dagster.slurm.runs.causes import RESPONSES, Cause, elapsed_seconds, judge, nodes, peak_memory_mib, story
from padocc_dagster.slurm.scheduler.job import OVER, STATES, Job

BEGAN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=90)
WORKS = Report(7, "n1", BEGAN)
DONE = replace(WORKS, ended=ENDED, exit_status=0)
ASKED = "time=01:00:00 memory=2G cpus=1"


def job(state: str, **said: object) -> Job:
    return Job(7, "padocc-3f2a-1", "", "anna", state, **{"nodes": ("n1",), "elapsed_seconds": 90, **said})  # type: ignore[arg-type]


# What SLURM says, what the worker's report says, and what follows: repeated, with more memory, with more time, elsewhere.
ENDS = [
    (job("OUT_OF_MEMORY", signal=125), WORKS, Cause.OUT_OF_MEMORY, "repeat memory"),
    (job("OUT_OF_MEMORY", signal=125), None, Cause.OUT_OF_MEMORY, "repeat memory"),
    (job("COMPLETED", exit_status=0), replace(DONE, out_of_memory=True), Cause.OUT_OF_MEMORY, "repeat memory"),
    (job("FAILED", signal=9), replace(WORKS, ended=ENDED, signal=9, out_of_memory=True), Cause.OUT_OF_MEMORY, "repeat memory"),
    (None, replace(WORKS, ended=ENDED, signal=9, out_of_memory=True), Cause.OUT_OF_MEMORY, "repeat memory"),
    (None, replace(WORKS, ended=ENDED, signal=9, out_of_time=True), Cause.TIMEOUT, "repeat time"),
    (job("TIMEOUT", exit_status=0), replace(WORKS, stop_signal="SIGTERM"), Cause.TIMEOUT, "repeat time"),
    (job("NODE_FAIL"), WORKS, Cause.NODE_FAIL, "repeat elsewhere"),
    (job("BOOT_FAIL"), None, Cause.BOOT_FAIL, "repeat elsewhere"),
    (job("PREEMPTED"), replace(WORKS, stop_signal="SIGTERM"), Cause.PREEMPTED, "repeat"),
    (job("PREEMPTED"), replace(WORKS, requeued=True), Cause.PREEMPTED, "repeat"),
    (job("COMPLETED", exit_status=0, restarts=1), replace(WORKS, requeued=True), Cause.REQUEUED, "repeat"),
    (None, replace(WORKS, requeued=True), Cause.REQUEUED, "repeat"),
    (job("REQUEUED"), WORKS, Cause.REQUEUED, "repeat"),
    (job("REQUEUE_HOLD"), None, Cause.REQUEUED, "repeat"),
    (job("DEADLINE"), None, Cause.DEADLINE, ""),
    (job("CANCELLED", cancelled_by="0"), WORKS, Cause.CANCELLED, ""),
    (job("CANCELLED"), None, Cause.CANCELLED, ""),
    (job("REVOKED"), None, Cause.CANCELLED, ""),
    (job("CANCELLED", forgotten=True), None, Cause.FORGOTTEN, "repeat"),
    (job("CANCELLED", forgotten=True), WORKS, Cause.FORGOTTEN, "repeat"),
    (job("CANCELLED", forgotten=True), replace(WORKS, ended=ENDED, signal=9, stop_signal="SIGTERM"), Cause.FORGOTTEN, "repeat"),
    (job("CANCELLED", forgotten=True), replace(WORKS, ended=ENDED, signal=9, out_of_memory=True), Cause.OUT_OF_MEMORY, "repeat memory"),
    (job("CANCELLED", forgotten=True), replace(WORKS, ended=ENDED, stop_signal="SIGUSR1"), Cause.CANCELLED, ""),
    (job("CANCELLED", forgotten=True), DONE, Cause.COMPLETED, "repeat"),
    (job("FAILED", exit_status=143), replace(WORKS, ended=ENDED, exit_status=1, stop_signal="SIGUSR1"), Cause.CANCELLED, ""),
    (None, replace(WORKS, stop_signal="SIGUSR1"), Cause.CANCELLED, ""),
    (job("FAILED", exit_status=1), replace(DONE, exit_status=1), Cause.FAILED, "repeat"),
    (job("FAILED", signal=11), replace(WORKS, ended=ENDED, signal=11), Cause.FAILED, "repeat"),
    (job("FAILED", signal=9), WORKS, Cause.FAILED, "repeat"),
    (job("COMPLETED", exit_status=0), replace(DONE, exit_status=1), Cause.FAILED, "repeat"),
    (None, replace(DONE, exit_status=1), Cause.FAILED, "repeat"),
    (None, replace(WORKS, ended=ENDED, signal=9), Cause.FAILED, "repeat"),
    (job("FAILED", exit_status=78), None, Cause.LAUNCH_FAILED, ""),
    (job("FAILED", exit_status=127), None, Cause.LAUNCH_FAILED, ""),
    (job("FAILED", signal=53, reason="JobLaunchFailure"), None, Cause.LAUNCH_FAILED, ""),
    (job("COMPLETED", exit_status=0), None, Cause.LAUNCH_FAILED, ""),
    (job("FAILED", exit_status=127), replace(DONE, exit_status=127), Cause.LAUNCH_FAILED, ""),
    (None, replace(DONE, exit_status=126), Cause.LAUNCH_FAILED, ""),
    (None, None, Cause.VANISHED, "repeat"),
    (None, WORKS, Cause.VANISHED, "repeat"),
    (None, replace(WORKS, ended=ENDED, signal=9, stop_signal="SIGTERM"), Cause.VANISHED, "repeat"),
    (job("RUNNING"), None, Cause.VANISHED, "repeat"),
    (job("A_NEW_STATE"), WORKS, Cause.VANISHED, "repeat"),
    (job("COMPLETED", exit_status=0), DONE, Cause.COMPLETED, "repeat"),
    (job("COMPLETED", exit_status=0), WORKS, Cause.COMPLETED, "repeat"),
    (None, DONE, Cause.COMPLETED, "repeat"),
]


@pytest.mark.parametrize(("said", "report", "cause", "follows"), ENDS, ids=lambda value: getattr(value, "state", None) or str(value)[:40])
def test_each_end_has_its_cause_and_what_follows(said: Job | None, report: Report | None, cause: Cause, follows: str) -> None:
    assert judge(said, report) is cause
    response = RESPONSES[cause]
    shown = [
        word
        for word, is_so in (
            ("repeat", response.retry),
            ("memory", response.more_memory),
            ("time", response.more_time),
            ("elsewhere", response.elsewhere),
        )
        if is_so
    ]
    assert " ".join(shown) == follows


def test_every_cause_has_a_response_and_is_met_in_the_table_of_ends() -> None:
    assert set(RESPONSES) == set(Cause) == {cause for _, _, cause, _ in ENDS}
    for response in RESPONSES.values():
        assert response.means
        assert response.advice.endswith(".")
        assert response.retry or not (response.more_memory or response.more_time or response.elsewhere)


def test_every_state_that_is_over_is_met_in_the_table_of_ends() -> None:
    assert {said.state for said, *_ in ENDS if said} >= OVER


@pytest.mark.parametrize("state", sorted(STATES) + ["A_NEW_STATE"])
@pytest.mark.parametrize("report", [None, WORKS, DONE])
def test_every_state_has_a_cause_and_a_story(state: str, report: Report | None) -> None:
    cause = judge(job(state), report)
    assert story(cause, job(state), report, ASKED).startswith(cause)


def test_a_cause_is_read_back_from_its_text() -> None:
    assert [Cause(str(cause)) for cause in Cause] == list(Cause)


def test_the_story_of_a_death_by_memory_tells_node_time_and_memory() -> None:
    told = story(Cause.OUT_OF_MEMORY, job("OUT_OF_MEMORY", signal=125, peak_memory_mib=1900), replace(WORKS, peak_memory_mib=2048), ASKED)
    assert told == f"OUT_OF_MEMORY on n1. It ran 0:01:30, and its memory was 2048 MiB at most, as sampled; it had requested {ASKED}."


@pytest.mark.parametrize(("who", "words"), [("0", "by user id 0"), ("anna", "by anna"), (None, "by whom is not known")])
def test_the_story_of_a_cancelled_job_tells_by_whom(who: str | None, words: str) -> None:
    assert words in story(Cause.CANCELLED, job("CANCELLED", cancelled_by=who), None, ASKED)


def test_the_story_of_a_job_that_the_launcher_cancelled_tells_why() -> None:
    told = story(Cause.CANCELLED, job("CANCELLED", cancelled_by="0"), None, ASKED, "its run is FAILURE and no longer needs it")
    assert told.startswith("CANCELLED by the launcher, because its run is FAILURE and no longer needs it, on n1. ")


@pytest.mark.parametrize(
    ("cause", "said", "report", "words"),
    [
        (Cause.FAILED, job("FAILED", exit_status=1), replace(DONE, exit_status=3), "Its exit status was 3."),
        (Cause.FAILED, job("FAILED", signal=11), None, "Signal 11 (SIGSEGV) ended it."),
        (Cause.LAUNCH_FAILED, job("FAILED", signal=53, reason="JobLaunchFailure"), None, "Signal 53 ended it. SLURM's reason is Job"),
        (Cause.LAUNCH_FAILED, job("FAILED", exit_status=78), None, "Its exit status was 78. SLURM calls it FAILED."),
        (Cause.NODE_FAIL, job("NODE_FAIL", reason="NodeDown"), WORKS, "SLURM's reason is NodeDown."),
        (Cause.REQUEUED, job("COMPLETED", restarts=1), WORKS, "SLURM had requeued it once."),
        (Cause.CANCELLED, job("REVOKED"), None, "another cluster of the federation"),
        (Cause.CANCELLED, None, replace(WORKS, stop_signal="SIGUSR1"), "CANCELLED by a person on n1."),
        (Cause.VANISHED, None, None, "SLURM no longer knows the job. How long it ran is not known, and its memory use is not known;"),
        (Cause.VANISHED, None, replace(WORKS, stop_signal="SIGTERM"), "got a signal to end (SIGTERM: wall time, preemption or scancel)"),
        (Cause.COMPLETED, None, DONE, "COMPLETED on n1. It ran 0:01:30"),
        (Cause.FORGOTTEN, job("CANCELLED", forgotten=True), WORKS, "FORGOTTEN on n1. SLURM calls it CANCELLED."),
    ],
)
def test_the_story_tells_what_is_known(cause: Cause, said: Job | None, report: Report | None, words: str) -> None:
    assert words in story(cause, said, report, ASKED)


@pytest.mark.parametrize(
    ("said", "report", "seconds", "mib", "where"),
    [
        (job("COMPLETED", peak_memory_mib=7), replace(DONE, host="n2", ended=ENDED + timedelta(5), peak_memory_mib=9), 90, 9, ("n1",)),
        (job("COMPLETED", peak_memory_mib=9), replace(DONE, peak_memory_mib=7), 90, 9, ("n1",)),
        (job("COMPLETED", elapsed_seconds=0, nodes=()), replace(DONE, host="n2", peak_memory_mib=0), 0, None, ("n2",)),
        (job("COMPLETED", elapsed_seconds=None, nodes=("n1", "n3")), DONE, 90, None, ("n1", "n3")),
        (None, replace(DONE, peak_memory_mib=7), 90, 7, ("n1",)),
        (None, replace(WORKS, host=""), None, None, ()),
        (None, None, None, None, ()),
    ],
)
def test_what_a_job_used_is_told_by_slurm_or_by_its_report(
    said: Job | None, report: Report | None, seconds: int | None, mib: int | None, where: tuple[str, ...]
) -> None:
    assert (elapsed_seconds(said, report), peak_memory_mib(said, report), nodes(said, report)) == (seconds, mib, where)
