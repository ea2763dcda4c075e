"""Removes old runs from Dagster's database each night, with their events and log files. Off unless `PADOCC_DAGSTER_PURGE_AFTER`, an age as
in `90d`, is in the environment of `up`."""

import os
from collections.abc import Mapping

import dagster as dg
from pydantic import Field

from padocc_dagster.conductor.purging import days_of, purge

SETTING = "PADOCC_DAGSTER_PURGE_AFTER"
DEFAULT = "365d"
NIGHTLY = "43 2 * * *"
A_NIGHT = 5000


def at_first(environment: Mapping[str, str]) -> dg.DefaultScheduleStatus:
    """Whether the schedule is on where nobody has switched it."""
    return dg.DefaultScheduleStatus.RUNNING if environment.get(SETTING) else dg.DefaultScheduleStatus.STOPPED


class PurgeConfig(dg.Config):
    """Which runs to remove."""

    older_than: str = Field(DEFAULT, description="Remove runs that ended longer ago than this: days, as in 90d", examples=["365d"])
    most: int = Field(A_NIGHT, ge=1, description="Remove so many runs at most, the oldest first")
    dry_run: bool = Field(False, description="Only show what would be removed", examples=[True])


@dg.op(out=dg.Out(dg.Nothing))
def purge_old_runs(context: dg.OpExecutionContext, config: PurgeConfig) -> None:
    """Remove runs that ended long ago, with their events and log files; what is kept is in docs/purging.md. PADOCC's files stay."""
    try:
        days = days_of(config.older_than)
    except ValueError as error:
        raise dg.Failure(f"older_than: {error}", allow_retries=False) from None
    for sentence in purge(context.instance, days, config.most, config.dry_run).sentences(days, not config.dry_run):
        context.log.info(sentence)


@dg.job(
    tags={"dagster/priority": "-10", "dagster/max_retries": "0"},
    description=purge_old_runs.description,
    config={"ops": {"purge_old_runs": {"config": {"older_than": DEFAULT, "dry_run": True}}}},
)
def purge_runs() -> None:
    purge_old_runs()


@dg.schedule(
    job=purge_runs,
    cron_schedule=NIGHTLY,
    description=__doc__,
    default_status=at_first(os.environ),
)
def nightly_purge(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    age = f"{days_of(os.environ.get(SETTING) or DEFAULT)}d"
    config = {"older_than": age, "most": A_NIGHT, "dry_run": False}
    return dg.RunRequest(f"{context.scheduled_execution_time:%Y-%m-%d}", {"ops": {"purge_old_runs": {"config": config}}})
