"""The watch over published products: a job that looks at their sources and reports what is news, and the schedule that starts it.

Every product is looked at once a day, a share of them each hour: one `stat` a source file, and a comparison of the product where sources
changed. One run looks at a whole share. Only findings that Dagster does not have yet are reported, so that a quiet archive adds nothing
to its database.
"""

import time
from collections.abc import Iterable, Iterator

import dagster as dg
from pydantic import Field

from padocc_dagster.assets.findings import finding_result
from padocc_dagster.dagster_private import bound_to
from padocc_dagster.partitions import PHASE_ASSETS, PROJECTS
from padocc_dagster.pipeline.watch.rounds import Watched, due, reported, units, watch
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.resources import Padocc

ASSET = dg.AssetKey(PHASE_ASSETS["complete"])
CHECK = "sources_unchanged"
HOURLY = "43 * * * *"
SECONDS = 3000.0
"""How long one round goes on: it ends before the next, which compares the rest."""
AT_ONCE = 200
"""Findings that are reported together."""


class WatchConfig(dg.Config):
    """Which published products are looked at."""

    everything: bool = Field(False, description="All of them now, instead of the share of this hour")
    groups: list[str] = Field([], description="With `everything`: those of these groups alone")


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def look_at_sources(context: dg.OpExecutionContext, config: WatchConfig, padocc: Padocc) -> None:
    workdir, now = padocc.workdir, time.time()
    try:
        with held(workdir.watch_lock, "the published products", wait=0):
            members = units(workdir, config.groups) if config.everything else due(workdir, now)
            news: list[Watched] = []
            looked = bad = 0
            for watched in watch(workdir, members, now, SECONDS):
                looked, bad = looked + 1, bad + any(not each.is_good for each in watched.findings)
                news += [watched] if watched.is_news else []
                if len(news) == AT_ONCE or (news and any(not each.is_good for each in watched.findings)):
                    report(context, workdir, news)
                    news = []
            report(context, workdir, news)
    except LockedError as locked:
        context.log.info(f"An earlier round is still comparing products: {locked}")
        return
    context.log.info(f"{looked} project(s) with published products looked at; sources of {bad} are not as they should be")


def report(context: dg.OpExecutionContext, workdir: Workdir, found: Iterable[Watched]) -> None:
    """Log the results of the check, and record that Dagster has them."""
    for result in results_of(context.instance, workdir, found, context.run_id):
        context.log_event(result)  # type: ignore[arg-type]  # it takes checks too


def results_of(instance: dg.DagsterInstance, workdir: Workdir, found: Iterable[Watched], run_id: str) -> Iterator[dg.AssetCheckEvaluation]:
    """A result of the check for each project that is a partition, bound to its latest publication, to be logged in this run. After the
    last one, it is recorded that Dagster has them.

    A result without its materialisation counts as not current; one logged outside a run can be stored once only.
    """
    keys = set(instance.get_dynamic_partitions(PROJECTS))
    known = {str(watched.project): watched for watched in found if str(watched.project) in keys}
    if not known:
        return
    latest = instance.get_latest_storage_id_by_partition(ASSET, dg.DagsterEventType.ASSET_MATERIALIZATION, set(known))
    for key, watched in known.items():
        target = bound_to(latest[key], run_id) if key in latest else None
        result = finding_result(workdir, watched)
        yield dg.AssetCheckEvaluation(ASSET, CHECK, partition=key, target_materialization_data=target, **result)
    reported(workdir, known.values(), time.time())


@dg.job(tags={"dagster/priority": "-10"}, description=__doc__)
def watch_published() -> None:
    look_at_sources()


@dg.schedule(job=watch_published, cron_schedule=HOURLY, default_status=dg.DefaultScheduleStatus.RUNNING)
def hourly_watch(context: dg.ScheduleEvaluationContext, padocc: Padocc) -> dg.RunRequest | dg.SkipReason:
    """Looks at the sources of published products: every product once a day, a share each hour."""
    when = context.scheduled_execution_time
    if not due(padocc.workdir, when.timestamp()):
        return dg.SkipReason("Every published product was looked at within a day, or none is published.")
    return dg.RunRequest(run_key=f"{when:%Y-%m-%dT%H}")
