"""Acts on the unattended rules of groups, where somebody set some: the next aggregator or format, and the faultlist after too many
attempts.

Each deed is a run of the same job that a person would start, in the name of the group's rules, and is asked for once for each end of a
phase. It names the project as it was seen: where somebody did something to the project before the run began, nothing is done.
"""

from functools import cache

import dagster as dg

from padocc_dagster.actions.faultlist import faultlist_projects
from padocc_dagster.actions.redo import recompute_projects
from padocc_dagster.partitions import GROUPS
from padocc_dagster.pipeline.steps.choice import as_seen
from padocc_dagster.pipeline.steps.deeds import Deed, deeds, who_of
from padocc_dagster.pipeline.steps.rules import read_rules
from padocc_dagster.resources import Padocc

DEEDS_A_TICK = 50
RULES = "padocc/rules"


@dg.sensor(
    jobs=[recompute_projects, faultlist_projects],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=__doc__,
)
def rules(context: dg.SensorEvaluationContext, padocc: Padocc) -> dg.SensorResult:
    asked: list[dg.RunRequest] = []
    before = cache(lambda: _asked_before(context.instance))
    for group in context.instance.get_dynamic_partitions(GROUPS):
        try:
            for deed in deeds(padocc.workdir, group, read_rules(padocc.workdir, group)):
                if deed.key not in before():
                    asked.append(_request(deed))
                if len(asked) == DEEDS_A_TICK:
                    return dg.SensorResult(run_requests=asked)
        except ValueError as problem:
            context.log.error(str(problem))
    return dg.SensorResult(run_requests=asked, skip_reason=None if asked else dg.SkipReason("No rule of a group asks for anything."))


def _asked_before(instance: dg.DagsterInstance) -> set[str]:
    """Keys of the deeds that runs were made for: they did them, are doing them, or failed and say why. One query."""
    return {key for _, keys in instance.get_run_tags(tag_keys=[RULES]) for key in keys}


def _request(deed: Deed) -> dg.RunRequest:
    job, op = (recompute_projects, "recompute") if deed.choices else (faultlist_projects, "put_on_faultlist")
    config = {"projects": [as_seen(deed.project, deed.rows)], "who": who_of(deed.project.group), "why": deed.why, **deed.choices}
    tags = {RULES: deed.key}
    return dg.RunRequest(run_key=deed.key, job_name=job.name, run_config={"ops": {op: {"config": config}}}, tags=tags)
