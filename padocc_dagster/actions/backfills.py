"""One backfill for many projects: what a step asks to be run again is one line in Dagster's list of backfills."""

import hashlib
import string
import time
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.project import project
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.pipeline.layout import Project
from padocc_dagster.resources import Padocc

PHASES = dg.Definitions(
    assets=[project, scan_report, cloud_product, validation_report], resources={"padocc": Padocc(root=dg.EnvVar("WORKDIR"))}
)
"""What a backfill can be about; the page of all definitions cannot be asked from here, as it shows the steps that ask for backfills."""

ID_LETTERS = 16
"""Dagster's own ids have 8 letters, by chance; the storage has room for 32."""


def launched(instance: dg.DagsterInstance, asking: str, asset: str) -> str | None:
    """The id of the backfill of the asset that this run has asked for already, if it has."""
    backfill = _id(asking, asset)
    return backfill if instance.get_backfill(backfill) else None


def launch_backfill(
    instance: dg.DagsterInstance,
    asking: str,
    asset: str,
    projects: Iterable[Project],
    title: str,
    description: str,
    tags: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> str:
    """Ask the daemon to materialise the asset for these projects, a run each, and return the backfill's id.

    `asking` is the id of the run that asks: it has one backfill of an asset, however often it is repeated after its worker died.
    `config` is the asset's own. The other phases follow by themselves.
    """
    from dagster._core.execution.backfill import PartitionBackfill

    if present := launched(instance, asking, asset):
        return present
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id=_id(asking, asset),
        asset_graph=PHASES.resolve_asset_graph(),
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


def _id(asking: str, asset: str) -> str:
    digest = hashlib.sha256(f"{asking} {asset}".encode()).digest()
    return "".join(string.ascii_lowercase[byte % 26] for byte in digest[:ID_LETTERS])
