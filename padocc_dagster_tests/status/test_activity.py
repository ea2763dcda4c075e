"""What runs do for their projects, read from an instance's runs."""

from collections.abc import Iterator

import dagster as dg
import pytest

from padocc_dagster.runs import unfinished
from padocc_dagster.status.activity import Activity, Doing, activities
from padocc_dagster_tests.status.runs import add_run, launched


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def seen(instance: dg.DagsterInstance) -> dict[str, Activity]:
    return activities(unfinished(instance))


def test_queued_runs_are_numbered_in_the_order_in_which_dagster_takes_them(instance: dg.DagsterInstance) -> None:
    for key, priority in (("g:first", "1"), ("g:urgent", "4"), ("g:second", "1"), ("g:odd", "x")):
        add_run(instance, key, "QUEUED", dagster__priority=priority)
    found = seen(instance)
    assert sorted(found, key=lambda key: found[key].position) == ["g:urgent", "g:first", "g:second", "g:odd"]
    assert found["g:second"].why == "number 3 of 4 in the queue" and found["g:second"].doing is Doing.QUEUED
    assert found["g:second"].as_dict()["position"] == 3


def test_a_run_that_has_ended_is_not_under_way(instance: dg.DagsterInstance) -> None:
    for status in ("SUCCESS", "FAILURE", "CANCELED"):
        add_run(instance, f"g:{status}", status)
    assert seen(instance) == {}


def test_of_two_runs_of_a_project_the_one_nearer_to_its_end_counts(instance: dg.DagsterInstance) -> None:
    add_run(instance, "g:a", "QUEUED")
    running = add_run(instance, "g:a", "STARTED")
    add_run(instance, "g:a", "QUEUED")
    assert (seen(instance)["g:a"].doing, seen(instance)["g:a"].run) == (Doing.RUNNING, running.run_id)


def test_a_run_in_a_cluster_waits_for_what_its_launcher_wrote(instance: dg.DagsterInstance) -> None:
    reasons = {
        "g:turn": {"slurm__pending": "Priority, expected to start 2030-01-01 10:00 UTC"},
        "g:held": {"slurm__pending": "JobHeldUser"},
        "g:pod": {"kubernetes__pending": "Unschedulable: 0/1 nodes are available"},
        "g:new": {"slurm__pending": "-"},
    }
    for key, tags in reasons.items():
        launched(instance, add_run(instance, key, "STARTING"), **tags)
    found = seen(instance)
    assert all(each.doing is Doing.WAITING for each in found.values())
    assert found["g:turn"].why == "in the cluster's queue: Priority, expected to start 2030-01-01 10:00 UTC"
    assert (
        found["g:held"].why.startswith("in the cluster's queue: JobHeldUser: you,")
        and "hold the job" in found["g:held"].why
        and "scontrol release" in found["g:held"].why
    )
    assert "0/1 nodes are available" in found["g:pod"].why
    assert "has not said yet" in found["g:new"].why


def test_tags_that_were_copied_from_an_earlier_run_say_nothing(instance: dg.DagsterInstance) -> None:
    add_run(instance, "g:a", "STARTING", padocc__job_of="another run", slurm__pending="Priority")
    assert (seen(instance)["g:a"].doing, seen(instance)["g:a"].why) == (Doing.STARTING, "")


def test_a_run_that_reads_a_group_config_is_found_by_the_files_name(instance: dg.DagsterInstance) -> None:
    add_run(instance, "", "QUEUED", padocc__group_config="g.csv")
    assert "g.csv" in seen(instance)
