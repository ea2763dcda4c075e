"""Watches the projects' status logs: when one of a group changes, the group's subsets and its overview are made anew.

Only the times and sizes of the logs are read (one `stat` a project), so what plain PADOCC does in the same working directory is
seen as well. A refresh is due until one has noted that it wrote what the logs say now; one that keeps failing is given up after
three attempts, until the next change.
"""

import json

import dagster as dg

from padocc_dagster.assets.overview import group_overview
from padocc_dagster.assets.subsets import subsets
from padocc_dagster.partitions import GROUPS
from padocc_dagster.pipeline.groups import last_change, last_refresh, list_groups
from padocc_dagster.resources import Padocc

ATTEMPTS = 3
REQUESTS_A_TICK = 200  # Dagster ends a tick after 60 s
WRITER = "padocc/group_writer"

refresh_group = dg.define_asset_job(
    "refresh_group",
    selection=dg.AssetSelection.assets(subsets, group_overview),
    description="Write a group's subsets from its projects' status logs, and draw its overview.",
)


@dg.sensor(job=refresh_group, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def membership(context: dg.SensorEvaluationContext, padocc: Padocc) -> dg.SensorResult:
    tried: dict[str, tuple[str, int]] = json.loads(context.cursor or "{}")
    known = set(context.instance.get_dynamic_partitions(GROUPS))
    due = {}
    requests: list[dg.RunRequest] = []
    for group in (group for group in list_groups(padocc.workdir) if group in known):
        change = last_change(padocc.workdir, group)
        if change == last_refresh(padocc.workdir, group):
            continue
        before, attempts = tried.get(group, ("", 0))
        attempts = attempts if before == change else 0
        if attempts <= ATTEMPTS and len(requests) < REQUESTS_A_TICK and not _is_under_way(context.instance, group):
            attempts += 1
            if attempts <= ATTEMPTS:
                requests.append(dg.RunRequest(partition_key=group, tags={WRITER: group}))
            else:
                context.log.warning(_given_up(group))
        due[group] = (change, attempts)
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(due))


def _is_under_way(instance: dg.DagsterInstance, group: str) -> bool:
    """Whether a refresh of the group waits or works."""
    from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

    unfinished = dg.RunsFilter(job_name=refresh_group.name, tags={WRITER: group}, statuses=NOT_FINISHED_STATUSES)
    return bool(instance.get_runs(unfinished, limit=1))


def _given_up(group: str) -> str:
    failed = f"group {group}: {ATTEMPTS} runs of {refresh_group.name} for the same change did not write its subsets"
    return f"{failed}. Read the last one's failure; materialise `scan_success` for the group, or wait for the next change"
