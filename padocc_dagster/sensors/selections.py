"""Selects every group that came from a catalogue again, each night: what is new follows, what was withdrawn is reported. Off until it is
started."""

from collections.abc import Iterator

import dagster as dg

from padocc_dagster.actions.jobs import op_of
from padocc_dagster.actions.select_again import SELECT_AGAIN
from padocc_dagster.pipeline.workdir.selections import selected_groups
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import USER

NIGHTLY = "17 3 * * *"  # not on the hour, when every other archive sends its requests
WHO = "the schedule daily_selections"


@dg.schedule(job_name=SELECT_AGAIN.job, cron_schedule=NIGHTLY, description=__doc__)
def daily_selections(context: dg.ScheduleEvaluationContext, padocc: Padocc) -> Iterator[dg.RunRequest]:
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    for group in selected_groups(padocc.workdir):
        config = {"who": WHO, "why": f"selected again on {day}", "group": group}
        yield dg.RunRequest(run_key=f"{group}:{day}", run_config={"ops": {op_of(SELECT_AGAIN): {"config": config}}}, tags={USER: WHO})
