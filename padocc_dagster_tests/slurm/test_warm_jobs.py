"""Which runs share a job, which job a run joins, and how many jobs there are: values alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.slurm.node.host_folder import Host, HostFolder
from padocc_dagster.slurm.warm_jobs import FIRST, HOST_MIB, Place, Warm, band_of, choose, crowded, job_for, read_warm

WARM = Warm(Allocation(wall_seconds=12 * 3600, memory_mib=8192), at_once=1, idle_seconds=120, wait_seconds=300, most_jobs=20)
SMALL = Allocation(wall_seconds=3600, memory_mib=2048, cpus=1, partition="main", qos="normal", account="demo")
BAND = replace(SMALL, wall_seconds=None)


def place(name: str = "a", *, elapsed: float = 0.0, waiting: int = 0, at_work: int = 0, mean: float | None = None, **more: Any) -> Place:
    host = Host(**{**HOST, "host_id": name, **more})
    return Place(HostFolder(Path(name)), host, elapsed, waiting, at_work, mean)


HOST: dict[str, Any] = {"band": str(BAND), "requested": "", "log": "", "wall_seconds": 12 * 3600, "memory_mib": 2048, "at_once": 1}
HOST |= {"idle_seconds": 120, "grace_seconds": 60, "definitions": ""}


def test_runs_that_request_about_the_same_share_a_job() -> None:
    assert band_of(SMALL, WARM, Allocation()) == BAND
    assert band_of(replace(SMALL, memory_mib=1025, wall_seconds=600), WARM, Allocation()) == BAND
    assert band_of(replace(SMALL, memory_mib=100), WARM, Allocation()).memory_mib == 256
    assert band_of(replace(SMALL, memory_mib=None), WARM, Allocation()).memory_mib is None


@pytest.mark.parametrize("other", [{"memory_mib": 2049}, {"partition": "debug"}, {"qos": "short"}, {"account": "b"}, {"exclude": ("n1",)}])
def test_runs_that_request_something_else_do_not_share_a_job(other: dict[str, Any]) -> None:
    assert band_of(replace(SMALL, **other), WARM, Allocation()) not in (None, BAND)


@pytest.mark.parametrize("large", [{"cpus": 2}, {"memory_mib": 8193}, {"wall_seconds": 7 * 3600}, {"wall_seconds": None}])
def test_a_large_run_gets_a_job_of_its_own(large: dict[str, Any]) -> None:
    assert band_of(replace(SMALL, **large), WARM, Allocation()) is None


def test_a_run_that_needs_more_than_half_of_what_the_site_lets_a_job_have_gets_a_job_of_its_own() -> None:
    """In a job with just its own wall time it could never begin: some of that is gone when the job has begun."""
    assert band_of(SMALL, WARM, Allocation(wall_seconds=3600)) is None
    assert band_of(SMALL, WARM, Allocation(wall_seconds=7200)) == BAND


def test_without_sharing_every_run_gets_a_job_of_its_own() -> None:
    assert read_warm(False, []) is None and band_of(SMALL, None, Allocation()) is None


def test_a_job_requests_room_for_its_runs_and_for_the_process_that_hosts_them() -> None:
    assert job_for(BAND, 3600, WARM, Allocation()) == (replace(BAND, wall_seconds=12 * 3600, memory_mib=2048 + HOST_MIB), 1)
    both, at_once = job_for(BAND, 3600, replace(WARM, at_once=2), Allocation())
    assert (both.cpus, both.memory_mib, at_once) == (2, 4096 + HOST_MIB, 2)


@pytest.mark.parametrize("largest", [Allocation(cpus=1), Allocation(memory_mib=4096)])
def test_a_job_works_on_as_many_runs_at_a_time_as_the_site_has_room_for(largest: Allocation) -> None:
    job, at_once = job_for(BAND, 3600, replace(WARM, at_once=4), largest)
    assert (job.cpus, at_once) == (1, 1)


def test_a_job_is_within_what_the_site_allows() -> None:
    assert job_for(BAND, 3600, WARM, Allocation(wall_seconds=4 * 3600))[0].wall_seconds == 4 * 3600


def test_the_first_run_gets_a_new_job_and_the_next_ones_join_it() -> None:
    assert choose([], 3600, WARM, may_add=True) is None
    assert choose([place(waiting=1)], 3600, WARM, may_add=True) == place(waiting=1)


def test_a_run_joins_the_job_that_reaches_it_first() -> None:
    busy, free = place("busy", elapsed=60, waiting=3, at_work=1, mean=10), place("free", elapsed=60, mean=10)
    assert choose([busy, free], 3600, WARM, may_add=True) == free


def test_a_job_works_on_several_runs_at_a_time() -> None:
    one, two = place(elapsed=1, waiting=4, at_work=1, mean=60), place(elapsed=1, waiting=4, at_work=2, mean=60, at_once=2)
    assert (one.wait_seconds(0), two.wait_seconds(0)) == (300, 150)


def test_a_run_joins_no_job_in_which_its_own_wall_time_is_not_left() -> None:
    late = place(elapsed=11.5 * 3600, mean=10)
    assert choose([late], 3600, WARM, may_add=True) is None and choose([late], 1500, WARM, may_add=True) == late


def test_a_run_joins_no_job_whose_time_those_before_it_use_up() -> None:
    full = place(elapsed=3600, waiting=10, at_work=1, mean=3500)
    assert choose([full], 3600, WARM, may_add=False) is None


def test_where_runs_would_wait_for_long_another_job_is_submitted_if_it_may() -> None:
    long = place(elapsed=100, waiting=31, at_work=0, mean=10)
    assert choose([long], 3600, WARM, may_add=True) is None and choose([long], 3600, WARM, may_add=False) == long


def test_a_job_that_waits_takes_so_many_runs_while_it_is_not_known_what_they_take() -> None:
    assert choose([place(waiting=FIRST - 1)], 600, WARM, may_add=True) is not None
    assert choose([place(waiting=FIRST)], 600, WARM, may_add=True) is None


def test_half_of_those_that_wait_for_long_move_to_a_further_job() -> None:
    slow = place(elapsed=400, waiting=4, at_work=1)  # none has ended in 400 s
    assert crowded([slow, place("b", elapsed=10, mean=1)], WARM) == slow
    assert crowded([place(elapsed=400, waiting=4, at_work=1, mean=10)], WARM) is None
    assert crowded([place(elapsed=1000, at_work=1)], WARM) is None
    assert crowded([place(elapsed=299, waiting=1, at_work=1)], WARM) is None


def test_no_further_job_is_submitted_while_one_waits_for_its_start() -> None:
    assert crowded([place(elapsed=400, waiting=4, at_work=1), place("new")], WARM) is None


def test_every_setting_that_cannot_be_used_is_reported() -> None:
    problems: list[str] = []
    read_warm({"idle_seconds": 0, "most_jobs": -1}, problems)
    read_warm({"time": "soon", "memory": "much"}, problems)
    assert [problem.split()[0].rstrip(":") for problem in problems] == ["warm.idle_seconds", "warm.most_jobs", "warm.time", "warm.memory"]
