"""One backfill for many projects: what a step asks to be run again is one line in Dagster's list of backfills."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from padocc_dagster.pipeline.layout import Project

FOLLOWED = "padocc/followed_by_backfill"
"""Tag of a run whose materialisations a backfill of its own follows up, so that automation does not."""


def launch_backfill(
    instance: dg.DagsterInstance,
    asset: str,
    projects: Iterable[Project],
    title: str,
    description: str,
    tags: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> str:
    """Ask the daemon to materialise the asset for these projects, a run each, and return the backfill's id.

    `config` is the asset's own. The other phases follow by themselves.
    """
    from dagster._core.execution.backfill import PartitionBackfill
    from dagster._core.utils import make_new_backfill_id

    from padocc_dagster.definitions import defs

    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id=make_new_backfill_id(),
        asset_graph=defs.resolve_asset_graph(),
        partition_names=[str(project) for project in projects],
        asset_selection=[dg.AssetKey(asset)],
        backfill_timestamp=time.time(),
        tags=dict(tags or {}),
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=title,
        description=description,
        run_config={"ops": {asset: {"config": dict(config)}}} if config else None,
    )
    instance.add_backfill(backfill)
    return backfill.backfill_id
