"""Watches the projects' status logs: when one of a group changes, the group's subsets and its overview are made anew.

Only the times of the logs are read (one `stat` a project), so what plain PADOCC does in the same working directory is seen as well.
"""

import json

import dagster as dg

from padocc_dagster.assets.overview import group_overview
from padocc_dagster.assets.subsets import SUBSETS
from padocc_dagster.partitions import groups
from padocc_dagster.pipeline.groups import last_change, list_groups
from padocc_dagster.resources import Padocc

refresh_group = dg.define_asset_job(
    "refresh_group",
    selection=dg.AssetSelection.assets(*SUBSETS, group_overview),
    partitions_def=groups,
    description="Write a group's subsets from its projects' status logs, and draw its overview.",
)


@dg.sensor(job=refresh_group, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def membership(context: dg.SensorEvaluationContext, padocc: Padocc) -> dg.SensorResult:
    seen: dict[str, str] = json.loads(context.cursor or "{}")
    known = set(context.instance.get_dynamic_partitions(groups.name))
    changes = {group: last_change(padocc.workdir, group) for group in list_groups(padocc.workdir) if group in known}
    requests = [
        dg.RunRequest(run_key=f"{group}:{change}", partition_key=group, tags={"padocc/group_writer": group})
        for group, change in changes.items()
        if seen.get(group) != change
    ]
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(changes))
