"""PADOCC's subsets ("repeat ids") of a group: the projects whose scan, computation or validation is valid.

`padocc compute -G <group> -r scan-success` takes the first of them. They are written together from the status logs, one
writer per group at a time, whenever a project of the group has changed; a subset without members has no file.
"""

from collections.abc import Iterator

import dagster as dg

from padocc_dagster.assets import OF_GROUPS
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.partitions import groups
from padocc_dagster.pipeline.workdir.groups import project_codes, write_subsets
from padocc_dagster.pipeline.workdir.locks import LockedError
from padocc_dagster.resources import Padocc

UPSTREAM = {"scan": scan_report, "compute": cloud_product, "validate": validation_report}
RETRIES, RETRY_SECONDS = 20, 30  # another writer of the group may take minutes


def _spec(phase: str) -> dg.AssetSpec:
    """The asset of one subset."""
    return dg.AssetSpec(
        f"{phase}_success",
        deps=[dg.AssetDep(UPSTREAM[phase], partition_mapping=dg.AllPartitionMapping())],
        kinds={"padocc"},
        description=f"The subset `{phase}-success`.\n\n{__doc__}",
        **OF_GROUPS,
    )


@dg.multi_asset(specs=[_spec(phase) for phase in UPSTREAM], partitions_def=groups)
def subsets(context: dg.AssetExecutionContext, padocc: Padocc) -> Iterator[dg.MaterializeResult]:
    group = context.partition_key
    try:
        members = write_subsets(padocc.workdir, group)
    except LockedError as locked:
        context.log.warning(f"{locked}; trying again in {RETRY_SECONDS} s")
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_SECONDS) from locked
    projects = len(project_codes(padocc.workdir, group))
    for phase, codes in members.items():
        yield dg.MaterializeResult(
            asset_key=f"{phase}_success",
            metadata={
                "members": len(codes),
                "of": projects,
                "file": dg.MetadataValue.path(str(padocc.workdir.subset_list(group, f"{phase}-success"))),
                "first members": ", ".join(codes[:20]) or "none",
            },
        )
