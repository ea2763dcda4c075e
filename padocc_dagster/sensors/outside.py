"""Sees what somebody did with plain PADOCC in groups that are known here, and has it told to Dagster.

Only the times of the status logs are read (one `stat` a project), and the logs that changed. New projects of a known group become
partitions; those that vanished are reported. A group that nobody adopted is left alone. Projects that a run of ours initialised and
did not live to tell of are told of as well.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.moves import finish_interrupted_steps
from padocc_dagster.actions.standing import announce_standing
from padocc_dagster.actions.telling import tell_initialised
from padocc_dagster.partitions import GROUPS, PROJECTS, add_projects
from padocc_dagster.phase_assets import PHASE_ASSETS
from padocc_dagster.pipeline.groups import project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outside import Change, changes, news
from padocc_dagster.resources import Padocc
from padocc_dagster.sensors.left_behind import left_behind

LOOKED_AT, TOLD = 2000, 500  # projects a tick; Dagster ends a tick after 60 s
MINUTE = 60.0
News = dict[Project, dict[str, datetime | None]]
Ended = list[tuple[Change, dict[str, datetime | None]]]


class Notes(dg.Config):
    """What somebody did."""

    phases: dict[str, list[str]] = Field(description="Project key → phases whose result stands now by what somebody did")


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def note_what_stands(context: dg.OpExecutionContext, config: Notes, padocc: Padocc) -> None:
    only = {Project.parse(key): phases for key, phases in config.phases.items()}
    announce_standing(context, padocc.workdir, only, only=only, source="plain PADOCC, beside this instance")


@dg.job(description=__doc__)
def take_note() -> None:
    note_what_stands()


@dg.sensor(
    jobs=[take_note, finish_interrupted_steps, tell_initialised],
    minimum_interval_seconds=20,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=__doc__,
)
def outside(context: dg.SensorEvaluationContext, padocc: Padocc) -> dg.SensorResult:
    cursor = {"since": 0, "vanished": [], **json.loads(context.cursor or "{}")}
    workdir, now = padocc.workdir, time.time_ns()
    known, new, vanished = _membership(context.instance, workdir)
    for key in sorted(set(vanished) - set(cursor["vanished"]))[:LOOKED_AT]:
        context.log.warning(f"{key} is no longer listed in its group in {workdir.root}: it was removed, or moved, with plain PADOCC")
    for group, codes in new.items():
        add_projects(context.instance, group, codes)
        context.log.info(f"group {group}: {len(codes)} new project(s): {', '.join(codes[:20])}")
    found = changes(workdir, known, cursor["since"], now)
    looked_at = [change for change in found if change.when <= found[min(len(found), LOOKED_AT) - 1].when]
    added = changes(workdir, [Project(group, code) for group, codes in new.items() for code in codes], 0, 2 * now)
    told, since = _news_of(context.instance, workdir, [*added, *looked_at])
    requests = [_request(told, now)] if told else []
    requests += left_behind(context.instance, workdir, now)
    since = since if since is not None else (looked_at[-1].when if looked_at else cursor["since"])
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else dg.SkipReason(f"{len(found)} of {len(known)} status logs changed, none by others"),
        cursor=json.dumps({"since": since, "vanished": sorted(vanished)}),
    )


def _membership(instance: dg.DagsterInstance, workdir: Workdir) -> tuple[list[Project], dict[str, list[str]], list[str]]:
    """Of the known groups: the projects that are partitions and listed, the codes listed that are no partitions, the keys not listed."""
    keys = dict.fromkeys(instance.get_dynamic_partitions(PROJECTS))
    listed: dict[str, Project] = {}
    for group in instance.get_dynamic_partitions(GROUPS):
        listed |= {str(project): project for project in (Project(group, code) for code in project_codes(workdir, group))}
    new = defaultdict(list)
    for key, project in listed.items():
        if key not in keys:
            new[project.group].append(project.code)
    return [listed[key] for key in keys if key in listed], dict(new), [key for key in keys if key not in listed]


def _news_of(instance: dg.DagsterInstance, workdir: Workdir, found: list[Change]) -> tuple[News, int | None]:
    """What to tell, of as many projects as one run tells of; with the time to go on from, when there is more."""
    told: News = {}
    candidates = list(news(workdir, found))
    known = _materialized(instance, candidates)
    for change, phases in candidates:
        if len(told) == TOLD:
            return told, change.when - 1
        untold = {phase: ended for phase, ended in phases.items() if not _is_told(known.get((phase, str(change.project))), change, ended)}
        if untold:
            told[change.project] = untold
    return told, None


def _materialized(instance: dg.DagsterInstance, candidates: Ended) -> Mapping[tuple[str, str], float]:
    """When Dagster was last told of these projects' phases, in seconds since the epoch."""
    latest: dict[tuple[str, str], float] = {}
    for phase, asset in PHASE_ASSETS.items():
        keys = [str(change.project) for change, phases in candidates if phase in phases]
        if keys:
            kind = dg.DagsterEventType.ASSET_MATERIALIZATION
            ids = instance.get_latest_storage_id_by_partition(dg.AssetKey(asset), kind, set(keys))
            wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), storage_ids=list(ids.values()))
            records = instance.fetch_materializations(wanted, limit=len(ids)).records if ids else []
            latest |= {(phase, record.partition_key): record.timestamp for record in records if record.partition_key}
    return latest


def _is_told(told_at: float | None, change: Change, ended: datetime | None) -> bool:
    """Whether Dagster's materialisation is of this end of the phase. PADOCC's rows have minutes: where they leave it open, it is not."""
    if told_at is None:
        return False
    return ended is None or told_at * 1e9 >= change.when or told_at >= ended.timestamp() + MINUTE


def _request(told: News, now: int) -> dg.RunRequest:
    phases = {str(project): sorted(ended) for project, ended in told.items()}
    key = hashlib.sha256(json.dumps(phases).encode()).hexdigest()[:16]
    return dg.RunRequest(
        run_key=f"{now}:{key}",
        job_name=take_note.name,
        run_config=dg.RunConfig(ops={note_what_stands.name: Notes(phases=phases)}),
    )
