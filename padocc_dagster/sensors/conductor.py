"""Advances all projects: initialises what is dropped into the inbox, reports to Dagster what PADOCC's files say, and starts the next phase
of every project that is ready for it.

What is due is decided from the files, so what somebody does with plain PADOCC in the same working directory is seen within seconds and
neither repeated nor fought. A run that failed to start is requested again with growing pauses.
"""

import json
import time

import dagster as dg

from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.actions.jobs import finish_interrupted_steps
from padocc_dagster.conductor.idle import IDLE_SINCE, is_idle
from padocc_dagster.conductor.inbox import Seen, look_at_inbox
from padocc_dagster.conductor.jobs import advance_project, compare_products, refresh_group
from padocc_dagster.conductor.memory import memory_of
from padocc_dagster.conductor.sync import report_from_files
from padocc_dagster.conductor.tick import tick
from padocc_dagster.pipeline.workdir.disks import naming_full_disk
from padocc_dagster.resources import served_workdir

LOOK_SECONDS = 4  # the daemon looks every 5 s, and with 5 here it skips a sensor that is a millisecond early: every 10 s


@dg.sensor(
    jobs=[initialise_group, advance_project, compare_products, refresh_group, report_from_files, finish_interrupted_steps],
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=__doc__,
)
def conductor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    workdir, began = served_workdir(), time.time()
    cursor = {"reported": 0.0, "inbox": {}, **json.loads(context.cursor or "{}")}
    memory = memory_of(workdir, str(context.instance_ref))
    with naming_full_disk(workdir):
        configs, files = look_at_inbox(context, workdir, {name: Seen(*seen) for name, seen in cursor["inbox"].items()})
        runs, reported = tick(context, memory, cursor["reported"])
    idle_since = began if not configs and not runs and is_idle(memory, files) else 0.0
    return dg.SensorResult(
        run_requests=[*configs, *runs],
        skip_reason=None if configs or runs else dg.SkipReason(f"{len(memory.standings.projects)} projects: nothing new"),
        cursor=json.dumps({"reported": reported, "inbox": files, IDLE_SINCE: idle_since}),
    )
