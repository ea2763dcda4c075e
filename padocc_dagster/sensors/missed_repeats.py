"""Makes up for repeats that Dagster has missed.

Dagster's daemon learns of a failed run from its event, and may read the run before that says that it has failed. Such a run is passed
over for ever, though it is marked as one to be repeated (https://github.com/dagster-io/dagster/issues/33741: 54 of 24 000). So the failure
is reported once more, which moves the end of the run; the daemon repeats no run twice.
"""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg

from padocc_dagster.repeats import PARENT

WILL_RETRY, RETRIED_BY, REASON = "dagster/will_retry", "dagster/auto_retry_run_id", "dagster/failure_reason"
TOLD = "padocc/failure_told_again"
"""The run's id, which a repeat that inherits the tag does not have, and how often its failure was told again."""
MISSED_SECONDS, MOST_TOLD, LOOKED_AT = 60.0, 3, 1000
LOOK_BACK = timedelta(hours=3)
"""What failed earlier, a person may have seen to in another way."""
SENTENCE = "Dagster was to repeat this run and has not: it is told of the failure once more."


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def missed_repeats(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    told = []
    for run in runs_to_repeat(context.instance):
        try:
            tell_again(context.instance, run)
            told.append(run.run_id)
        except Exception as error:  # it was deleted, say; the others are told
            context.log.error(f"run {run.run_id}: {type(error).__name__}: {error}")
    return dg.SkipReason(f"told again: {', '.join(told)}" if told else "no repeat was missed")


def runs_to_repeat(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Failed runs that are to be repeated, and after `MISSED_SECONDS` are not."""
    marked = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY: "true"}, updated_after=datetime.now(UTC) - LOOK_BACK)
    late = time.time() - MISSED_SECONDS
    records = instance.get_run_records(marked, limit=LOOKED_AT, order_by="update_timestamp")
    return [record.dagster_run for record in records if (record.end_time or late) < late and _was_missed(instance, record.dagster_run)]


def _was_missed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether no run repeats it, one that a person has started included, and its backfill, if it is part of one, goes on."""
    from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
    from dagster._core.storage.tags import BACKFILL_ID_TAG

    if RETRIED_BY in run.tags or _times_told(run) >= MOST_TOLD or instance.get_run_ids(dg.RunsFilter(tags={PARENT: run.run_id}), limit=1):
        return False
    if BACKFILL_ID_TAG not in run.tags:
        return True
    backfill = instance.get_backfill(run.tags[BACKFILL_ID_TAG])
    return backfill is not None and backfill.status not in BULK_ACTION_TERMINAL_STATUSES


def _times_told(run: dg.DagsterRun) -> int:
    told, _, times = run.tags.get(TOLD, "").partition(" ")
    return int(times) if told == run.run_id and times.isdigit() else 0


def tell_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Report the failure anew, for the reason that the run has."""
    from dagster._core.events import JobFailureData, RunFailureReason

    instance.add_run_tags(run.run_id, {TOLD: f"{run.run_id} {_times_told(run) + 1}"})
    reason = RunFailureReason(run.tags.get(REASON, RunFailureReason.UNEXPECTED_TERMINATION.value))
    instance.report_run_failed(run, SENTENCE, JobFailureData(error=None, failure_reason=reason))
