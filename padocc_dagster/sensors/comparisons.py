"""Asks for the comparison of products that plain PADOCC computed, and that nobody compared with their sources.

PADOCC's word is never enough for the check `product_matches_source`, and nothing follows until it has passed. Products published already
are left alone: nothing follows them.
"""

import dagster as dg

from padocc_dagster.checks import product_matches_source
from padocc_dagster.phase_assets import PHASE_ASSETS, PHASE_CHECKS
from padocc_dagster.pipeline.due import products_to_compare
from padocc_dagster.resources import Padocc

ASSET = dg.AssetKey(PHASE_ASSETS["compute"])
REQUESTS_A_TICK = 200  # Dagster ends a tick after 60 s

compare_products = dg.define_asset_job(
    "compare_products",
    selection=dg.AssetSelection.checks(product_matches_source),
    description="Compare products with their sources, without computing them again.",
)


@dg.sensor(job=compare_products, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def comparisons(context: dg.SensorEvaluationContext, padocc: Padocc) -> dg.SensorResult:
    uncompared = _uncompared(context.instance)
    due = products_to_compare(padocc.workdir, uncompared)
    requests = [dg.RunRequest(run_key=f"{key}:{uncompared[key]}", tags=project_tag(key)) for key in uncompared if key in due]
    return dg.SensorResult(
        run_requests=requests[:REQUESTS_A_TICK],
        skip_reason=None if requests else dg.SkipReason("Every product that something follows is compared, or being compared."),
    )


def project_tag(key: str) -> dict[str, str]:
    """The tag that makes a run one of a partition. Dagster 1.13.27 sees no partitions in a job that has nothing but checks."""
    return {"dagster/partition": key}


def _uncompared(instance: dg.DagsterInstance) -> dict[str, int]:
    """Projects whose latest product was not compared and is not being compared, with the storage id of its materialisation."""
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

    check = dg.AssetCheckKey(ASSET, PHASE_CHECKS["compute"])
    latest = dict(instance.get_latest_storage_id_by_partition(ASSET, dg.DagsterEventType.ASSET_MATERIALIZATION))
    for info in instance.event_log_storage.get_asset_check_partition_info([check]):
        key = info.partition_key or ""
        planned = info.latest_execution_status == AssetCheckExecutionRecordStatus.PLANNED
        compared = info.latest_target_materialization_storage_id == latest.get(key)
        newer = info.latest_check_event_storage_id > latest.get(key, 0)
        if newer and (planned or compared):
            latest.pop(key, None)
    return latest
