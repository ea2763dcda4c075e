"""What a run's job requests: which source wins, what past jobs teach, and what the run's events say about it."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from padocc_dagster.batch import tags
from padocc_dagster.batch.allocation import TAGS, Allocation
from padocc_dagster.batch.causes import RESPONSES
from padocc_dagster.batch.history import past_jobs, print_used
from padocc_dagster.batch.planning import LaunchRefusedError, Plan, plan
from padocc_dagster.batch.policy import Policy, Work
from padocc_dagster_tests.batch.runs import make_run


@dataclass
class Planner:
    """A launcher's settings, on an instance of its own."""

    instance: dg.DagsterInstance
    default: Allocation = Allocation(wall_seconds=3600, memory_mib=2048, cpus=1)
    largest: Allocation = Allocation()
    policy: Policy | None = None
    request_tags: Mapping[str, str] = field(default_factory=lambda: TAGS)
    refusals: tuple[str, ...] = ()
    seen: list[Work] = field(default_factory=list)

    def largest_for(self, allocation: Allocation) -> Allocation:
        return self.largest

    def problems(self, allocation: Allocation) -> list[str]:
        return list(self.refusals)

    def advise(self, answer: Any) -> None:
        """Let the policy return or raise this."""

        def policy(work: Work) -> Any:
            self.seen.append(work)
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.policy = policy

    def run(self, more: dict[str, str] | None = None, status: str = "STARTING", parent: dg.DagsterRun | None = None) -> dg.DagsterRun:
        return make_run(self.instance, more, status, parent)

    def now(self, run: dg.DagsterRun) -> dg.DagsterRun:
        return self.instance.get_run_by_id(run.run_id)

    def ended(self, cause: str, more: dict[str, str] | None = None, **changes: str) -> dg.DagsterRun:
        """A run whose job ended so."""
        run = self.run(more, status="FAILURE")
        known = {tags.JOB_OF: run.run_id, tags.REQUESTED: "time=01:00:00 memory=2G cpus=1", tags.CAUSE: cause}
        self.instance.add_run_tags(run.run_id, {**known, tags.USED: "not known", tags.NODES: "-", **changes})
        return self.now(run)

    def retry(self, parent: dg.DagsterRun, more: dict[str, str] | None = None) -> dg.DagsterRun:
        return self.run({tags.RETRY_NUMBER: "1", **(more or {})}, parent=parent)

    def plan(self, run: dg.DagsterRun) -> Plan:
        return plan(self.instance, run, self)

    def given(self, run: dg.DagsterRun) -> Allocation:
        return self.plan(run).allocation


@pytest.fixture
def planner() -> Iterator[Planner]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Planner(instance)


def test_the_default_is_outweighed_by_the_policy_and_that_by_the_runs_tags(planner: Planner) -> None:
    planner.default = planner.default.merged(Allocation(partition="main", qos="normal"))
    planner.request_tags = {**TAGS, "site/qos": "qos"}
    planner.advise(Allocation(wall_seconds=7200, cpus=2))
    run = planner.run({"padocc/cpus": "4", "site/qos": "high"})
    expected = Allocation(wall_seconds=7200, memory_mib=2048, cpus=4, partition="main", qos="high")
    assert planner.given(run) == expected


def test_a_retry_gets_more_of_what_its_parent_died_for_lack_of_whatever_the_policy_says(planner: Planner) -> None:
    planner.advise(Allocation(memory_mib=512, wall_seconds=600))
    assert planner.given(planner.retry(planner.ended("OUT_OF_MEMORY"))).memory_mib == 4096
    assert planner.given(planner.retry(planner.ended("TIMEOUT"))).wall_seconds == 7200
    failed = planner.given(planner.retry(planner.ended("NODE_FAIL", **{tags.NODES: "n1,n2"})))
    assert (failed.exclude, failed.memory_mib) == (("n1", "n2"), 2048)
    planner.advise(Allocation(memory_mib=9000))
    assert planner.given(planner.retry(planner.ended("OUT_OF_MEMORY"))).memory_mib == 9000


def test_a_persons_tag_that_a_retry_has_copied_does_not_hold_down_what_its_parent_died_for_lack_of(planner: Planner) -> None:
    parent = planner.ended("OUT_OF_MEMORY", {"padocc/memory": "2G"})
    assert planner.given(planner.retry(parent)).memory_mib == 4096
    assert planner.given(planner.retry(parent, {"padocc/memory": "16G"})).memory_mib == 16384


def test_what_a_person_runs_again_gets_what_they_request(planner: Planner) -> None:
    again = planner.run({"padocc/memory": "1G"}, parent=planner.ended("OUT_OF_MEMORY"))
    assert planner.given(again).memory_mib == 1024


def test_a_retry_whose_parent_reported_its_own_end_gets_no_less_than_that(planner: Planner) -> None:
    parent = planner.ended("-", **{tags.REQUESTED: "time=04:00:00 memory=8G cpus=1 exclude=n1"})
    assert planner.given(planner.retry(parent)) == Allocation(wall_seconds=4 * 3600, memory_mib=8192, cpus=1, exclude=("n1",))


def test_tags_that_a_parent_has_from_its_own_parent_are_not_believed(planner: Planner) -> None:
    first = planner.ended("OUT_OF_MEMORY", **{tags.REQUESTED: "time=01:00:00 memory=64G cpus=1"})
    never_submitted = planner.run(status="FAILURE", parent=first)
    assert planner.given(planner.retry(never_submitted)).memory_mib == 2048


def test_a_retry_whose_parent_was_deleted_starts_afresh(planner: Planner) -> None:
    parent = planner.ended("OUT_OF_MEMORY")
    run = planner.retry(parent)
    planner.instance.delete_run(parent.run_id)
    assert planner.given(run).memory_mib == 2048


def test_no_chain_of_deaths_ever_requests_less(planner: Planner) -> None:
    chance, before = random.Random(5), Allocation()
    run = planner.run()
    for number in range(1, 9):
        given = planner.given(run)
        assert given.larger(before) == given
        before = given
        cause = chance.choice([cause for cause, response in RESPONSES.items() if response.retry])
        written = {tags.JOB_OF: run.run_id, tags.CAUSE: str(cause), tags.REQUESTED: str(given), tags.NODES: f"n{number}"}
        planner.instance.add_run_tags(run.run_id, written)
        run = planner.run({tags.RETRY_NUMBER: str(number)}, parent=planner.now(run))


def test_what_is_cut_to_the_sites_limit_is_said(planner: Planner) -> None:
    planner.largest = Allocation(memory_mib=4096)
    planner.advise(Allocation(memory_mib=10_000))
    planned = planner.plan(planner.run())
    assert planned.allocation.memory_mib == 4096
    assert planned.notes == ("memory 10000M was cut to 4G, the most that is allowed",)


def test_cpus_that_the_policy_wishes_for_are_those_that_the_site_allows_without_a_note(planner: Planner) -> None:
    planner.advise(Allocation(cpus=4))
    assert planner.given(planner.run()).cpus == 4
    planner.largest = Allocation(cpus=2)
    found = planner.plan(planner.run())
    assert (found.allocation.cpus, found.notes) == (2, ())
    with pytest.raises(LaunchRefusedError, match="request too much"):
        planner.plan(planner.run({"padocc/cpus": "3"}))


def test_tags_that_are_wrong_or_request_too_much_are_reported_all_at_once(planner: Planner) -> None:
    planner.largest = Allocation(7200, 4096, 2)
    with pytest.raises(LaunchRefusedError) as refused:
        planner.given(planner.run({"padocc/memory": "8G", "padocc/cpus": "3", "padocc/time": "1:00:00"}))
    sentences = str(refused.value).splitlines()
    assert len(sentences) == 2 and all(line.startswith("the run's tags request too much: ") for line in sentences)
    with pytest.raises(LaunchRefusedError) as refused:
        planner.given(planner.run({"padocc/memory": "lots", "padocc/cpus": "-1"}))
    assert "padocc/memory" in str(refused.value) and "padocc/cpus" in str(refused.value)


@pytest.mark.parametrize("answer", [ValueError("no luck"), None, {"memory": "2G"}, SystemError()])
def test_a_policy_that_fails_costs_its_advice_and_not_the_run(planner: Planner, answer: Any) -> None:
    planner.advise(answer)
    planned = planner.plan(planner.run())
    assert planned.allocation == planner.default
    assert len(planned.notes) == 1 and "the allocation policy failed" in planned.notes[0]


def test_the_policy_gets_what_the_run_will_do_and_how_earlier_jobs_of_its_key_ended(planner: Planner) -> None:
    planner.advise(Allocation())
    key = {tags.PARTITION: "group:project"}
    planner.ended("OUT_OF_MEMORY", key, **{tags.USED: print_used(100, 1999)})
    planner.ended("COMPLETED", {tags.PARTITION: "group:other"})
    planner.plan(planner.run(key))
    work = planner.seen[0]
    assert (work.partition_key, work.assets) == ("group:project", {"made"})
    (past,) = work.past
    assert (past.cause, past.elapsed_seconds, past.peak_memory_mib, past.succeeded) == ("OUT_OF_MEMORY", 100, 1999, False)


def test_runs_without_a_job_teach_nothing_and_hinder_nothing(planner: Planner) -> None:
    planner.advise(Allocation(memory_mib=3000))
    key = {tags.PARTITION: "group:project"}
    cancelled_before_its_job = planner.run(key, status="CANCELED")
    written = {tags.JOB_OF: cancelled_before_its_job.run_id, tags.REQUESTED: "memory=2G"}
    planner.instance.add_run_tags(cancelled_before_its_job.run_id, written)
    copied = planner.run(key, status="CANCELED", parent=planner.ended("COMPLETED", {tags.PARTITION: "group:other"}))
    planner.ended("-", key)
    assert copied.tags[tags.CAUSE] == "COMPLETED"
    assert past_jobs(planner.instance, "group:project") == ()
    assert planner.plan(planner.run(key)).notes == ()


def test_what_the_site_refuses_is_refused_with_its_reasons(planner: Planner) -> None:
    planner.refusals = ("it wants an account", "it has no such QoS")
    with pytest.raises(LaunchRefusedError, match="it wants an account\nit has no such QoS"):
        planner.plan(planner.run())
