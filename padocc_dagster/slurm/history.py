"""What past jobs asked and used, as their runs' tags tell it, and what the next job of a run gets."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from padocc_dagster.slurm import tags
from padocc_dagster.slurm.allocation import Allocation, AllocationError
from padocc_dagster.slurm.amounts import parse_memory, print_memory
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.states import RESPONSES, Cause, Response
from padocc_dagster.slurm.work import PastJob, Work

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

PAST = 20
SIZES = ("wall_seconds", "memory_mib", "cpus")


class LaunchRefusedError(Exception):
    """A run cannot become a job as it is. One sentence for each problem."""


@dataclass(frozen=True)
class Plan:
    """What a run's job asks for, and what a person should know of how that came about."""

    allocation: Allocation
    notes: tuple[str, ...] = ()


def plan(instance: "DagsterInstance", run: "DagsterRun", settings: Settings) -> Plan:
    """The allocation of a run: default < policy < what the last attempt died of < the run's tags, capped by the site.

    Raises LaunchRefusedError when the tags are wrong, ask for more than is allowed, or the site would not take the job.
    """
    try:
        said = Allocation.from_tags(run.tags)
    except AllocationError as error:
        raise LaunchRefusedError(str(error)) from None
    estimate, notes = _estimate(instance, run, settings)
    allocation = settings.default.merged(estimate).merged(said)
    problems = _too_large(said, settings.largest_for(allocation))
    if (parent := _repeated(instance, run)) is not None:
        allocation = larger(allocation, parent)
    allocation, capped = allocation.capped(settings.largest_for(allocation))
    problems += settings.profile.problems(allocation) if settings.profile else []
    if problems:
        raise LaunchRefusedError("\n".join(problems))
    return Plan(allocation, (*notes, *capped))


def _estimate(instance: "DagsterInstance", run: "DagsterRun", settings: Settings) -> tuple[Allocation, tuple[str, ...]]:
    if settings.policy is None:
        return Allocation(), ()
    try:
        estimate = settings.policy(work_of(instance, run))
        if not isinstance(estimate, Allocation):
            raise TypeError(f"it returned {estimate!r}, and not an Allocation")
        return estimate, ()
    except Exception as error:  # a policy is somebody's code: a fault in it must not stop every run
        return Allocation(), (f"the allocation policy failed ({type(error).__name__}: {error}): the default is used",)


def _too_large(said: Allocation, largest: Allocation) -> list[str]:
    """What a person's tags ask beyond the limit."""
    _, over = Allocation(**{name: getattr(said, name) for name in SIZES}).capped(largest)
    return [f"the run's tags ask for too much: {sentence}" for sentence in over]


def _repeated(instance: "DagsterInstance", run: "DagsterRun") -> Allocation | None:
    """What a retry must get at least: what its parent had, and more of what that died for lack of."""
    if tags.RETRY_NUMBER not in run.tags or not run.parent_run_id:
        return None
    parent = instance.get_run_by_id(run.parent_run_id)
    told = tags.own(parent.run_id, parent.tags) if parent else {}
    if tags.ASKED not in told:
        return None
    asked = Allocation.parse(told[tags.ASKED])
    if told.get(tags.CAUSE, "-") == "-":  # the run told of its end itself, and that of its job is not looked into yet
        return asked
    nodes = tuple(node for node in told.get(tags.NODES, "").split(",") if node not in ("", "-"))
    return raised(asked, RESPONSES[Cause(told[tags.CAUSE])], nodes)


def attempts(instance: "DagsterInstance", run: "DagsterRun") -> int | None:
    """How many runs were made of this work, by Dagster and by persons, this one included: the number that Dagster compares with the
    most that it may repeat. None when the first of them was deleted, after which it repeats none."""
    from dagster._core.errors import DagsterRunNotFoundError

    try:
        group = instance.get_run_group(run.run_id)
    except DagsterRunNotFoundError:
        return None
    return len(list(group[1])) if group else 1


def raised(asked: Allocation, response: Response, nodes: tuple[str, ...]) -> Allocation:
    """What the next attempt asks for."""
    return asked.escalated(memory=response.more_memory, wall=response.more_time, exclude=nodes if response.elsewhere else ())


def larger(one: Allocation, other: Allocation) -> Allocation:
    """For each size the larger, all excluded nodes, and the first one's SLURM partition, QoS and account."""
    said = {name: [v for v in (getattr(one, name), getattr(other, name)) if v is not None] for name in SIZES}
    sizes = {name: max(values) for name, values in said.items() if values}
    return replace(one, **sizes, exclude=tuple(sorted({*one.exclude, *other.exclude})))


def work_of(instance: "DagsterInstance", run: "DagsterRun") -> Work:
    """What the policy is told of a run."""
    assets = frozenset(key.to_user_string() for key in run.asset_selection or ())
    key = run.tags.get(tags.PARTITION)
    return Work(key, assets, run.job_name, run.tags, past_jobs(instance, key) if key else ())


def past_jobs(instance: "DagsterInstance", key: str) -> tuple[PastJob, ...]:
    """The last jobs of this partition key that have ended, newest first."""
    from dagster import DagsterRunStatus, RunsFilter

    found = []
    for run in instance.get_runs(RunsFilter(tags={tags.PARTITION: key}), limit=PAST):
        told = tags.own(run.run_id, run.tags)
        if told.get(tags.STATE) == tags.ENDED and tags.ASKED in told and told.get(tags.CAUSE, "-") != "-":
            elapsed, peak = read_used(told.get(tags.USED, ""))
            assets = frozenset(asset.to_user_string() for asset in run.asset_selection or ())
            succeeded = run.status is DagsterRunStatus.SUCCESS
            found.append(PastJob(assets, Allocation.parse(told[tags.ASKED]), told[tags.CAUSE], elapsed, peak, succeeded))
    return tuple(found)


def print_used(elapsed_seconds: int | None, peak_memory_mib: int | None) -> str:
    """The tag's text: `elapsed=00:01:02 peak=512M`, without what is not known."""
    elapsed = [f"elapsed={clock(elapsed_seconds)}"] if elapsed_seconds is not None else []
    peak = [f"peak={print_memory(peak_memory_mib)}"] if peak_memory_mib else []
    return " ".join(elapsed + peak) or "not known"


def read_used(text: str) -> tuple[int | None, int | None]:
    """Elapsed seconds and peak memory in MiB from the tag's text."""
    elapsed, peak = re.search(r"elapsed=(\d+):(\d+):(\d+)", text), re.search(r"peak=(\S+)", text)
    seconds = int(elapsed[1]) * 3600 + int(elapsed[2]) * 60 + int(elapsed[3]) if elapsed else None
    return seconds, (parse_memory(peak[1]) if peak else None)


def clock(seconds: int) -> str:
    """Hours, minutes and seconds: `26:03:10`."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
