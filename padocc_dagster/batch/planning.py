"""What a run's job gets, and whether Dagster retries a run whose job failed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from padocc_dagster.batch import tags
from padocc_dagster.batch.allocation import Allocation, AllocationError
from padocc_dagster.batch.causes import RESPONSES, Cause, Response
from padocc_dagster.batch.history import attempts, work_of
from padocc_dagster.batch.policy import Policy

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


class LaunchRefusedError(Exception):
    """A run cannot become a job as it is. One sentence for each problem."""


class Site(Protocol):
    """What a launcher's settings say of allocations."""

    @property
    def default(self) -> Allocation: ...

    @property
    def policy(self) -> Policy | None: ...

    @property
    def request_tags(self) -> Mapping[str, str]:
        """The run tags by which a person requests something, and the words of an allocation that they give."""

    def largest_for(self, allocation: Allocation) -> Allocation:
        """The most that a run may get where this allocation would put it."""

    def problems(self, allocation: Allocation) -> list[str]:
        """Why the site would refuse a job with this allocation, a sentence each."""


@dataclass(frozen=True)
class Plan:
    """What a run's job requests, and what a person should know of how that came about."""

    allocation: Allocation
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Next:
    """What follows the end of a job: whether the run is retried, and the sentence that says so."""

    retried: bool
    sentence: str


def plan(instance: "DagsterInstance", run: "DagsterRun", site: Site) -> Plan:
    """The allocation of a run: default < policy < what the last attempt died of < the run's tags, capped by the site.

    Raises LaunchRefusedError when the tags are wrong, request more than is allowed, or the site would refuse the job.
    """
    try:
        requested = Allocation.from_tags(run.tags, site.request_tags)
    except AllocationError as error:
        raise LaunchRefusedError(str(error)) from None
    estimate, notes = _estimate(instance, run, site.policy)
    allocation = site.default.merged(estimate).merged(requested)
    allocation = _allowed_cpus(allocation, site.largest_for(allocation), requested)
    _, too_large = requested.capped(site.largest_for(allocation))
    problems = [f"the run's tags request too much: {sentence}" for sentence in too_large]
    if (least := _least_of_retry(instance, run)) is not None:
        allocation = allocation.larger(least)
    allocation, capped = allocation.capped(site.largest_for(allocation))
    problems += site.problems(allocation)
    if problems:
        raise LaunchRefusedError("\n".join(problems))
    return Plan(allocation, (*notes, *capped))


def what_next(
    instance: "DagsterInstance", run: "DagsterRun", response: Response, requested: Allocation, failed: tuple[str, ...], site: Site
) -> Next:
    """Whether Dagster retries the run, with how much, and if not, what a person can do. `failed` are the job's nodes."""
    if not response.retry:
        return Next(False, f"it is not retried. {response.advice}")
    if not instance.run_retries_enabled:
        return Next(False, f"run_retries is off in dagster.yaml, so it is not retried. {response.advice}")
    most = run.tags.get(tags.MAX_RETRIES, str(instance.run_retries_max_retries))
    if not most.lstrip("-").isdigit():
        return Next(False, f"its tag {tags.MAX_RETRIES} is {most!r} and no number, so Dagster does not retry it. {response.advice}")
    made = attempts(instance, run)
    if made is None:
        return Next(False, f"its first attempt was deleted, and Dagster retries only what it knows from the first on. {response.advice}")
    if made > int(most):
        return Next(False, f"this was attempt {made}, the last (max_retries in dagster.yaml). {response.advice}")
    given, capped = _raised(requested, response, failed).capped(site.largest_for(requested))
    grows = response.more_memory or response.more_time
    if grows and replace(given, exclude=requested.exclude) == requested:
        return Next(False, f"{'; '.join(capped)}. That was not enough, so it is not retried. {response.advice}")
    limit = f" ({'; '.join(capped)})" if capped else ""
    return Next(True, f"Dagster retries it as attempt {made + 1} of at most {int(most) + 1}, requesting {given}{limit}")


def _estimate(instance: "DagsterInstance", run: "DagsterRun", policy: Policy | None) -> tuple[Allocation, tuple[str, ...]]:
    """What the policy returns, and a note when it failed."""
    if policy is None:
        return Allocation(), ()
    try:
        estimate = policy(work_of(instance, run))
        if not isinstance(estimate, Allocation):
            raise TypeError(f"it returned {estimate!r}, and not an Allocation")
        return estimate, ()
    except Exception as error:  # a policy is somebody's code: a fault in it must not stop every run
        return Allocation(), (f"the allocation policy failed ({type(error).__name__}: {error}): the default is used",)


def _allowed_cpus(allocation: Allocation, largest: Allocation, requested: Allocation) -> Allocation:
    """With no more CPUs than the site allows, where no person requested them: those of the policy are a wish, and no note says that they
    were cut."""
    if requested.cpus is not None or allocation.cpus is None or largest.cpus is None:
        return allocation
    return replace(allocation, cpus=min(allocation.cpus, largest.cpus))


def _least_of_retry(instance: "DagsterInstance", run: "DagsterRun") -> Allocation | None:
    """What a retry must get at least: what its parent had, and more of what the parent died for lack of."""
    if tags.RETRY_NUMBER not in run.tags or not run.parent_run_id:
        return None
    parent = instance.get_run_by_id(run.parent_run_id)
    own = tags.own(parent.run_id, parent.tags) if parent else {}
    if tags.REQUESTED not in own:
        return None
    requested = Allocation.parse(own[tags.REQUESTED])
    cause = own.get(tags.CAUSE, tags.NOTHING)
    if cause == tags.NOTHING:  # the run reported its end before the launcher looked at that of its job
        return requested
    nodes = tuple(node for node in own.get(tags.NODES, "").split(",") if node not in ("", tags.NOTHING))
    return _raised(requested, RESPONSES[Cause(cause)], nodes)


def _raised(requested: Allocation, response: Response, nodes: tuple[str, ...]) -> Allocation:
    """What the next attempt requests."""
    return requested.escalated(memory=response.more_memory, wall=response.more_time, exclude=nodes if response.elsewhere else ())
