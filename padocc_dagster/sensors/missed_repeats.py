"""Makes up for repeats that Dagster has missed.

Dagster's daemon learns of a failed run from its event, and may read the run before that says that it has failed. Such a run is passed over
for ever, though it is marked as one to be repeated (https://github.com/dagster-io/dagster/issues/33741: 54 of 24 000). So the daemon is told
of the failure once more; it repeats no run twice.
"""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg

from padocc_dagster.repeats import PARENT

WILL_RETRY, RETRIED_BY, REASON = "dagster/will_retry", "dagster/auto_retry_run_id", "dagster/failure_reason"
TOLD = "padocc/failure_told_again"
"""How often a run's failure was told again, at most `MOST_TOLD` times: some runs cannot be repeated, because their job is gone, say."""
MISSED_SECONDS, MOST_TOLD, LOOKED_AT = 60.0, 3, 1000
LOOK_BACK = timedelta(days=2)
SENTENCE = "Dagster was to repeat this run and has not: it is told of the failure once more."


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def missed_repeats(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    missed = runs_to_repeat(context.instance)
    for run in missed:
        tell_again(context.instance, run)
    return dg.SkipReason(f"told again: {', '.join(run.run_id for run in missed)}" if missed else "no repeat was missed")


def runs_to_repeat(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Failed runs that are to be repeated, and after `MISSED_SECONDS` are not."""
    marked = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY: "true"}, updated_after=datetime.now(UTC) - LOOK_BACK)
    late = time.time() - MISSED_SECONDS
    records = instance.get_run_records(marked, limit=LOOKED_AT)
    return [record.dagster_run for record in records if (record.end_time or late) < late and _was_missed(instance, record.dagster_run)]


def _was_missed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether no run repeats it, one that a person has started included."""
    if RETRIED_BY in run.tags or int(run.tags.get(TOLD, 0)) >= MOST_TOLD:
        return False
    return not instance.get_run_ids(dg.RunsFilter(tags={PARENT: run.run_id}), limit=1)


def tell_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Report the failure anew, for the reason that the run has."""
    from dagster._core.events import JobFailureData, RunFailureReason

    instance.add_run_tags(run.run_id, {TOLD: str(int(run.tags.get(TOLD, 0)) + 1)})
    reason = RunFailureReason(run.tags.get(REASON, RunFailureReason.UNEXPECTED_TERMINATION.value))
    instance.report_run_failed(run, SENTENCE, JobFailureData(error=None, failure_reason=reason))
