"""The condition that drives the chain: what it asks for, and what it leaves alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import dagster as dg
import pytest

from padocc_dagster.automation import when_upstream_is_ready
from padocc_dagster.run_tags import FOLLOWED

KEYS = ("g:a", "g:b")
projects = dg.DynamicPartitionsDefinition(name="projects")


@dg.asset(partitions_def=projects)
def first() -> None: ...


@dg.asset(partitions_def=projects, deps=[first], automation_condition=when_upstream_is_ready)
def second(context: dg.AssetExecutionContext) -> None:
    if context.run.tags.get("fail"):
        raise dg.Failure("asked to", allow_retries=False)


@dg.asset_check(asset=second, blocking=True, partitions_def=projects)
def gate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed="refuse" not in context.run.tags)


@dg.asset(partitions_def=projects, deps=[second], automation_condition=when_upstream_is_ready)
def third() -> None: ...


DEFS = dg.Definitions([first, second, third], asset_checks=[gate])


@dataclass
class Chain:
    """The three assets in an instance, looked at tick by tick."""

    instance: dg.DagsterInstance
    cursor: object = field(default=None)

    def run(self, *assets: dg.AssetsDefinition, key: str = "g:a", **tags: str) -> None:
        job = DEFS.resolve_implicit_global_asset_job_def()
        selection = [asset.key for asset in assets]
        job.execute_in_process(instance=self.instance, partition_key=key, asset_selection=selection, tags=tags, raise_on_error=False)

    def tick(self) -> set[tuple[str, str]]:
        """What one look asks for: (asset, project)."""
        result = dg.evaluate_automation_conditions(defs=DEFS, instance=self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {(asset.key.to_user_string(), key) for asset in (second, third) for key in result.get_requested_partitions(asset.key)}


@pytest.fixture
def chain() -> Iterator[Chain]:
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("projects", list(KEYS))
        yield Chain(instance)


def test_a_backlog_is_picked_up(chain: Chain) -> None:
    for key in KEYS:
        chain.run(first, key=key)
    assert chain.tick() == {("second", "g:a"), ("second", "g:b")}


def test_each_phase_is_asked_for_when_the_one_before_has_passed(chain: Chain) -> None:
    assert chain.tick() == set()
    chain.run(first)
    assert chain.tick() == {("second", "g:a")}
    chain.run(second)
    assert chain.tick() == {("third", "g:a")}
    chain.run(third)
    assert chain.tick() == set()


def test_a_phase_whose_run_was_cancelled_is_not_asked_for_again(chain: Chain) -> None:
    chain.run(first)
    assert chain.tick() == {("second", "g:a")}
    assert chain.tick() == set()
    assert chain.tick() == set()


def test_a_failed_phase_is_left_alone_until_its_upstream_is_made_anew(chain: Chain) -> None:
    chain.run(first)
    chain.tick()
    chain.run(second, fail="yes")
    assert chain.tick() == set()
    chain.run(first)
    assert chain.tick() == {("second", "g:a")}


def test_behind_a_check_that_did_not_pass_nothing_starts(chain: Chain) -> None:
    chain.run(first)
    chain.tick()
    chain.run(second, refuse="yes")
    assert chain.tick() == set()


def test_a_correction_runs_what_lies_downstream_again(chain: Chain) -> None:
    chain.run(first, second, third)
    chain.tick()
    chain.run(first)
    assert chain.tick() == {("second", "g:a")}
    chain.run(second)
    assert chain.tick() == {("third", "g:a")}


def test_several_phases_made_in_one_run_are_not_made_again(chain: Chain) -> None:
    chain.run(first)
    chain.tick()
    chain.run(second)
    chain.tick()
    chain.run(third)
    chain.tick()
    chain.run(first, second, third)
    assert chain.tick() == set()
    assert chain.tick() == set()


def test_what_a_backfill_of_its_own_follows_up_is_no_correction(chain: Chain) -> None:
    chain.run(first, second, third)
    chain.tick()
    chain.run(first, **{FOLLOWED: "yes"})
    assert chain.tick() == set()
    chain.run(first)
    assert chain.tick() == {("second", "g:a")}
