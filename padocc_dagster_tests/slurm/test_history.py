"""What a run's job asks for: who outweighs whom, what past jobs teach, and what is said about it."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from padocc_dagster.slurm import settings as settings_module
from padocc_dagster.slurm import tags
from padocc_dagster.slurm.allocation import Allocation
from padocc_dagster.slurm.history import LaunchRefusedError, clock, larger, past_jobs, plan, print_used, read_used
from padocc_dagster.slurm.states import RESPONSES, Cause
from padocc_dagster.slurm.work import Work
from padocc_dagster_tests.slurm.desk import Desk

SEEN: list[Work] = []
ANSWERS: list[Any] = []
POLICY = f"{__name__}:policy"


def policy(work: Work) -> Any:
    SEEN.append(work)
    answer = ANSWERS[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def advised(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Desk]:
    """A desk whose policy gives this answer."""
    monkeypatch.setattr(settings_module, "_policy", lambda name, problems: policy if name else None)

    def made(answer: Any, **config: Any) -> Desk:
        SEEN.clear()
        ANSWERS[:] = [answer]
        return desk.with_settings(allocation_policy=POLICY, **config)

    return made


def ended(desk: Desk, cause: str, more: dict[str, str] | None = None, **told: str) -> Any:
    """A run whose job ended so."""
    run = desk.run(more, status="FAILURE")
    known = {tags.JOB_OF: run.run_id, tags.STATE: tags.ENDED, tags.ASKED: "time=01:00:00 memory=2G cpus=1", tags.CAUSE: cause}
    desk.instance.add_run_tags(run.run_id, {**known, tags.USED: "not known", tags.NODES: "-", **told})
    return desk.now(run)


def retry(desk: Desk, parent: Any, more: dict[str, str] | None = None) -> Any:
    return desk.run({tags.RETRY_NUMBER: "1", **(more or {})}, parent=parent)


def asked(desk: Desk, run: Any) -> Allocation:
    return plan(desk.instance, run, desk.settings).allocation


def test_the_default_is_outweighed_by_the_policy_and_that_by_the_runs_tags(advised: Callable[..., Desk]) -> None:
    desk = advised(Allocation(wall_seconds=7200, cpus=2), partition="main", qos="normal")
    run = desk.run({"slurm/cpus": "4", "slurm/qos": "high"})
    expected = Allocation(wall_seconds=7200, memory_mib=2048, cpus=4, partition="main", qos="high")
    assert asked(desk, run) == expected


def test_a_retry_gets_more_of_what_its_parent_died_for_lack_of_whatever_the_policy_says(advised: Callable[..., Desk]) -> None:
    desk = advised(Allocation(memory_mib=512, wall_seconds=600))
    assert asked(desk, retry(desk, ended(desk, "OUT_OF_MEMORY"))).memory_mib == 4096
    assert asked(desk, retry(desk, ended(desk, "TIMEOUT"))).wall_seconds == 7200
    failed = asked(desk, retry(desk, ended(desk, "NODE_FAIL", **{tags.NODES: "n1,n2"})))
    assert (failed.exclude, failed.memory_mib) == (("n1", "n2"), 2048)
    ANSWERS[:] = [Allocation(memory_mib=9000)]
    assert asked(desk, retry(desk, ended(desk, "OUT_OF_MEMORY"))).memory_mib == 9000


def test_a_persons_tag_that_a_retry_has_copied_does_not_hold_down_what_its_parent_died_for_lack_of(desk: Desk) -> None:
    parent = ended(desk, "OUT_OF_MEMORY", {"slurm/memory": "2G"})
    assert asked(desk, retry(desk, parent)).memory_mib == 4096
    assert asked(desk, retry(desk, parent, {"slurm/memory": "16G"})).memory_mib == 16384


def test_what_a_person_runs_again_gets_what_they_ask(desk: Desk) -> None:
    again = desk.run({"slurm/memory": "1G"}, parent=ended(desk, "OUT_OF_MEMORY"))
    assert asked(desk, again).memory_mib == 1024


def test_a_retry_whose_parent_told_of_its_end_itself_gets_no_less_than_that(desk: Desk) -> None:
    parent = ended(desk, "-", **{tags.ASKED: "time=04:00:00 memory=8G cpus=1 exclude=n1", tags.STATE: tags.SUBMITTED})
    assert asked(desk, retry(desk, parent)) == Allocation(wall_seconds=4 * 3600, memory_mib=8192, cpus=1, exclude=("n1",))


def test_tags_that_a_parent_has_from_its_own_parent_are_not_believed(desk: Desk) -> None:
    first = ended(desk, "OUT_OF_MEMORY", **{tags.ASKED: "time=01:00:00 memory=64G cpus=1"})
    never_submitted = desk.run(status="FAILURE", parent=first)
    assert asked(desk, retry(desk, never_submitted)).memory_mib == 2048


def test_a_retry_whose_parent_was_deleted_starts_afresh(desk: Desk) -> None:
    parent = ended(desk, "OUT_OF_MEMORY")
    run = retry(desk, parent)
    desk.instance.delete_run(parent.run_id)
    assert asked(desk, run).memory_mib == 2048


def test_no_chain_of_deaths_ever_asks_for_less(desk: Desk) -> None:
    chance, before = random.Random(5), Allocation()
    run = desk.run()
    for number in range(1, 9):
        given = asked(desk, run)
        assert larger(given, before) == given
        before = given
        cause = chance.choice([cause for cause, response in RESPONSES.items() if response.repeat])
        told = {tags.JOB_OF: run.run_id, tags.STATE: tags.ENDED, tags.CAUSE: str(cause), tags.ASKED: str(given), tags.NODES: f"n{number}"}
        desk.instance.add_run_tags(run.run_id, told)
        run = desk.run({tags.RETRY_NUMBER: str(number)}, parent=desk.now(run))


def test_what_is_cut_to_the_sites_limit_is_said(advised: Callable[..., Desk]) -> None:
    desk = advised(Allocation(memory_mib=10_000), largest_allocation={"memory": "4G"})
    planned = plan(desk.instance, desk.run(), desk.settings)
    assert planned.allocation.memory_mib == 4096
    assert planned.notes == ("memory 10000M was cut to 4G, the most that is allowed",)


def test_tags_that_are_wrong_or_ask_for_too_much_are_told_all_at_once(desk: Desk) -> None:
    desk = desk.with_settings(largest_allocation={"memory": "4G", "time": "2:00:00", "cpus": 2})
    with pytest.raises(LaunchRefusedError) as refused:
        asked(desk, desk.run({"slurm/memory": "8G", "slurm/cpus": "3", "slurm/time": "1:00:00"}))
    told = str(refused.value).splitlines()
    assert len(told) == 2 and all(line.startswith("the run's tags ask for too much: ") for line in told)
    with pytest.raises(LaunchRefusedError) as refused:
        asked(desk, desk.run({"slurm/memory": "lots", "slurm/cpus": "-1"}))
    assert "slurm/memory" in str(refused.value) and "slurm/cpus" in str(refused.value)


@pytest.mark.parametrize("answer", [ValueError("no luck"), None, {"memory": "2G"}, SystemError()])
def test_a_policy_that_fails_costs_its_advice_and_not_the_run(advised: Callable[..., Desk], answer: Any) -> None:
    desk = advised(answer)
    planned = plan(desk.instance, desk.run(), desk.settings)
    assert planned.allocation == desk.settings.default
    assert len(planned.notes) == 1 and "the allocation policy failed" in planned.notes[0]


def test_the_policy_is_told_what_the_run_is_to_do_and_how_earlier_jobs_of_its_key_ended(advised: Callable[..., Desk]) -> None:
    desk = advised(Allocation())
    key = {tags.PARTITION: "group:project"}
    ended(desk, "OUT_OF_MEMORY", key, **{tags.USED: print_used(100, 1999)})
    ended(desk, "COMPLETED", {tags.PARTITION: "group:other"})
    plan(desk.instance, desk.run(key), desk.settings)
    work = SEEN[0]
    assert (work.partition_key, work.assets) == ("group:project", {"made"})
    (past,) = work.past
    assert (past.cause, past.elapsed_seconds, past.peak_memory_mib, past.succeeded) == ("OUT_OF_MEMORY", 100, 1999, False)


def test_runs_without_a_job_teach_nothing_and_hinder_nothing(advised: Callable[..., Desk]) -> None:
    desk = advised(Allocation(memory_mib=3000))
    key = {tags.PARTITION: "group:project"}
    cancelled_before_its_job = desk.run(key, status="CANCELED")
    told = {tags.JOB_OF: cancelled_before_its_job.run_id, tags.STATE: tags.ENDED, tags.ASKED: "memory=2G"}
    desk.instance.add_run_tags(cancelled_before_its_job.run_id, told)
    copied = desk.run(key, status="CANCELED", parent=ended(desk, "COMPLETED", {tags.PARTITION: "group:other"}))
    ended(desk, "-", key)
    assert copied.tags[tags.CAUSE] == "COMPLETED"
    assert past_jobs(desk.instance, "group:project") == ()
    assert plan(desk.instance, desk.run(key), desk.settings).notes == ()


@pytest.mark.parametrize("elapsed", [None, 0, 59, 3600, 93_784])
@pytest.mark.parametrize("peak", [None, 1, 1023, 1024, 1_500_000])
def test_what_was_used_is_read_as_it_was_printed(elapsed: int | None, peak: int | None) -> None:
    assert read_used(print_used(elapsed, peak)) == (elapsed, peak)


def test_what_was_used_is_text_for_a_person() -> None:
    assert print_used(62, 512) == "elapsed=00:01:02 peak=512M"
    assert print_used(None, 0) == "not known" and read_used("not known") == read_used("") == (None, None)
    assert clock(26 * 3600 + 190) == "26:03:10"


def test_every_cause_has_an_answer() -> None:
    assert set(RESPONSES) == set(Cause)
