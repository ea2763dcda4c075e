"""Allocations as Kubernetes writes them: resources, a deadline, nodes to avoid. And what a person requests by `dagster-k8s/config`."""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from padocc_dagster.batch.allocation import TAGS, Allocation
from padocc_dagster.batch.amounts import print_memory, print_time
from padocc_dagster.batch.planning import LaunchRefusedError

CONFIG = "dagster-k8s/config"
HOSTNAME = "kubernetes.io/hostname"
NOT_OURS = {
    "active_deadline_seconds": "write it in pod_spec_config: the Job's own counts the time in which the pod waits, and deletes the pod",
    "backoff_limit": "leave it out: a retry is a run of its own, with more of what the last one lacked",
    "completions": "leave it out: a run is one pod",
    "parallelism": "leave it out: a run is one pod",
}
"""Fields of a Job's spec that would make a run something else, and what to do."""


def requested_tags(context: Any, tags: Mapping[str, str]) -> dict[str, str]:
    """The run's tags, with the sizes of its `dagster-k8s/config` as tags that every launcher reads.

    `context` is dagster-k8s's reading of that config alone. Raises LaunchRefusedError with a sentence for each problem.
    """
    spec, container = context.pod_spec_config, context.container_config
    problems = [f"{CONFIG}: job_spec_config.{name}: {advice}" for name, advice in NOT_OURS.items() if name in context.job_spec_config]
    if spec.get("restart_policy", "Never") != "Never":
        problems.append(f"{CONFIG}: pod_spec_config.restart_policy: leave it out: a pod that starts again would not continue the run")
    found: dict[str, str] = {}
    for tag, text in _sizes(spec, container, problems):
        if tag in tags:
            problems.append(f"{tag} and {CONFIG} both request {TAGS[tag]}: keep one")
        found[tag] = text
    if problems:
        raise LaunchRefusedError("\n".join(problems))
    return {**tags, **found}


def _sizes(spec: Mapping[str, Any], container: Mapping[str, Any], problems: list[str]) -> Iterator[tuple[str, str]]:
    resources = container.get("resources") or {}
    for size, show in (("memory", _mebibytes), ("cpu", _whole)):
        amounts = [_amount(f"resources.{kind}.{size}", resources.get(kind), size, problems) for kind in ("limits", "requests")]
        given = [amount for amount in amounts if amount is not None]
        if given:
            yield {"memory": "padocc/memory", "cpu": "padocc/cpus"}[size], show(max(given))
    seconds = spec.get("active_deadline_seconds")
    if seconds is not None:
        if isinstance(seconds, int) and seconds > 0:
            yield "padocc/time", print_time(seconds)
        else:
            problems.append(f"{CONFIG}: pod_spec_config.active_deadline_seconds is {seconds!r}: write a whole number of seconds")


def _amount(where: str, amounts: Any, size: str, problems: list[str]) -> Decimal | None:
    from kubernetes.utils import parse_quantity

    value = amounts.get(size) if isinstance(amounts, Mapping) else None
    if value is None:
        return None
    try:
        amount = Decimal(parse_quantity(value))
    except ValueError:
        amount = Decimal(0)
    if not 0 < amount < Decimal(1 << 60):
        problems.append(f"{CONFIG}: container_config.{where} is {value!r}: write an amount such as {'2Gi' if size == 'memory' else '500m'}")
        return None
    return amount


def _mebibytes(amount: Decimal) -> str:
    return print_memory(math.ceil(amount / (1 << 20)))


def _whole(amount: Decimal) -> str:
    return str(math.ceil(amount))


def container_resources(allocation: Allocation, own: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """A container's `resources`: as much memory requested as allowed, CPUs requested without a limit. `own` are those a person wrote.

    The person's CPUs stay as written, which may be fractions; the memory is the allocation's, which began with the person's and grows.
    """
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    if allocation.memory_mib:
        requests["memory"] = limits["memory"] = f"{allocation.memory_mib}Mi"
    if allocation.cpus and not any("cpu" in (own.get(kind) or {}) for kind in ("requests", "limits")):
        requests["cpu"] = str(allocation.cpus)
    return {"requests": requests, "limits": limits}


def pod_spec(allocation: Allocation) -> dict[str, Any]:
    """The part of a pod's spec that an allocation decides. The pod's deadline begins with the pod's start on its node.

    Nodes that failed are avoided where there are others: on a small cluster the pod would wait for ever otherwise.
    """
    spec: dict[str, Any] = {}
    if allocation.wall_seconds:
        spec["active_deadline_seconds"] = allocation.wall_seconds
    if allocation.exclude:
        others = {"match_expressions": [{"key": HOSTNAME, "operator": "NotIn", "values": list(allocation.exclude)}]}
        preferred = [{"weight": 100, "preference": others}]
        spec["affinity"] = {"node_affinity": {"preferred_during_scheduling_ignored_during_execution": preferred}}
    return spec
