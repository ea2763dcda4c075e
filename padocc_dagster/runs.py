"""Runs read from their tags and status: who requested them, for which work, how they ended."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, RunRecord

PARENT, RETRY, ROOT = "dagster/parent_run_id", "dagster/retry_number", "dagster/root_run_id"
PARTITION, PRIORITY = "dagster/partition", "dagster/priority"
WILL_RETRY, RETRIED_BY, FAILURE_REASON = "dagster/will_retry", "dagster/auto_retry_run_id", "dagster/failure_reason"
USER = "user"
"""Dagster's own: who launched the run. Only `services/webserver.py`, by the name of a login, and schedules set it."""
DUE = "padocc/due"
"""Set by the conductor: the key of the work that the run was requested for. A retry inherits it."""
CONFIG = "padocc/group_config"
"""The name of the group config that the run initialises."""
STEP_FAILURE = "STEP_FAILURE"
"""The failure reason of a run whose worker lived to report why."""
NOT_FINISHED = ("QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "CANCELING")


def is_repeat(run: "DagsterRun") -> bool:
    """Whether Dagster retries a run whose worker died."""
    return RETRY in run.tags


def first_attempt(instance: "DagsterInstance", run: "DagsterRun") -> str:
    """The id of the run that Dagster retries with this one, over any number of retries; its own when it is no retry.

    A run that a person re-executes by hand is a first attempt.
    """
    first = run.run_id
    repeated: DagsterRun | None = run
    while repeated and is_repeat(repeated) and PARENT in repeated.tags:
        first = repeated.tags[PARENT]
        repeated = instance.get_run_by_id(first)
    return first


def is_unattended(run: "DagsterRun") -> bool:
    """Whether the conductor requested the run, and no person by executing it again."""
    return DUE in run.tags and (PARENT not in run.tags or is_repeat(run))


def unfinished(instance: "DagsterInstance", limit: int | None = None, **filters: object) -> "list[RunRecord]":
    """All runs that wait or work, or so many of them, as `RunsFilter` narrows them."""
    from dagster import DagsterRunStatus, RunsFilter

    statuses = [DagsterRunStatus[name] for name in NOT_FINISHED if name in DagsterRunStatus.__members__]
    return list(instance.get_run_records(RunsFilter(statuses=statuses, **filters), limit=limit))  # type: ignore[arg-type]
