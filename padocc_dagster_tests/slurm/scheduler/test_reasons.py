"""Which reasons of a waiting job are problems, and what is said of them."""

import re

import pytest

from padocc_dagster.slurm.scheduler.reasons import PROBLEMS, pending_problem


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("JobHeldUser", "hold the job"),
        ("JobHeldAdmin", "an admin"),
        ("JobHoldMaxRequeue", "too often"),
        ("launch failed requeued held", "could not be launched"),
        ("launch_failed_requeued_held", "could not be launched"),
        ("(job requeued in held state)", "requeued and is held"),
        ("DependencyNeverSatisfied", "never starts"),
        ("PartitionTimeLimit", "more wall time than its SLURM partition"),
        ("PartitionNodeLimit", "nodes that its SLURM partition"),
        ("PartitionConfig", "nodes that its SLURM partition"),
        ("MaxMemPerLimit", "more memory"),
        ("QOSMaxWallDurationPerJobLimit", "allows one job"),
        ("QOSMaxMemoryPerJob", "allows one job"),
        ("QOSMaxCpuPerJobLimit", "allows one job"),
        ("QOSMaxCpuPerNode", "allows one job"),
        ("AssocMaxWallDurationPerJobLimit", "allows one job"),
        ("AssocMaxCpuMinutesPerJobLimit", "allows one job"),
        ("QOSMinCpuNotSatisfied", "less than its QoS"),
        ("BadConstraints", "no node has"),
        ("ReservationDeleted", "reservation"),
        ("InvalidAccount", "this account"),
        ("InvalidQOS", "this QoS"),
        # As a site showed it in July 2025: a sentence of the controller's in place of a code.
        ("Job's_QOS_not_permitted_to_use_this_partition_(l40_allows_l40_not_normal)", "this QoS"),
        ("AssocGrpCPUMinutesLimit", "used up"),
        ("AssocGrpBillingMinutes", "used up"),
        ("QOSGrpWallLimit", "used up"),
        ("PartitionDown", "out of service"),
        ("PartitionInactive", "out of service"),
        ("ReqNodeNotAvail, UnavailableNodes:n2", "down, drained or reserved"),
        ("ReqNodeNotAvail, May be reserved for other job", "down, drained or reserved"),
        ("NodeDown", "is down"),
        ("SystemFailure", "failed"),
    ],
)
def test_a_reason_that_waiting_does_not_resolve_is_a_problem_with_advice(reason: str, words: str) -> None:
    problem = pending_problem(reason)
    assert problem is not None
    assert words in problem.means
    assert problem.advice


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "None",
        "Priority",
        "Resources",
        "Dependency",
        "BeginTime",
        "Licenses",
        "Cleaning",
        "Prolog",
        "Reservation",
        "JobArrayTaskLimit",
        "QOSMaxJobsPerUserLimit",
        "QOSMaxCpuPerUserLimit",
        "QOSMaxMemoryPerUser",
        "MaxCpuPerAccount",
        "AssocMaxJobsLimit",
        "AssocGrpCpuLimit",
        "AssocGrpCPURunMinutesLimit",
        "QOSGrpMemLimit",
        "QOSGrpMemoryRunMinutes",
        "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
        "AReasonOfTheFuture",
    ],
)
def test_a_reason_of_mere_waiting_is_no_problem(reason: str) -> None:
    assert pending_problem(reason) is None


def test_every_problem_says_what_it_means_and_what_to_do() -> None:
    for pattern, problem in PROBLEMS:
        assert re.compile(pattern)
        assert problem.means[0].islower() or problem.means.startswith("SLURM")
        assert problem.advice[0].isupper()
        assert not problem.advice.endswith(".")
