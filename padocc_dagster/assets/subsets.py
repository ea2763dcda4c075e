"""PADOCC's subsets ("repeat ids") of a group: the projects whose scan, computation or validation stands.

`padocc compute -G <group> -r scan-success` takes the first of them. They are written from the status logs, one writer per group at a
time, whenever a project of the group has changed; a subset without members has no file.
"""

import dagster as dg

from padocc_dagster.assets import SHARED
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.partitions import groups
from padocc_dagster.pipeline.groups import project_codes, write_subset
from padocc_dagster.resources import Padocc


def _subset(phase: str, upstream: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The asset of one subset."""

    @dg.asset(
        name=f"{phase}_success",
        partitions_def=groups,
        deps=[dg.AssetDep(upstream, partition_mapping=dg.AllPartitionMapping())],
        kinds={"padocc"},
        description=f"The subset `{phase}-success`.\n\n{__doc__}",
        **SHARED,
    )
    def subset(context: dg.AssetExecutionContext, padocc: Padocc) -> dg.MaterializeResult:
        group = context.partition_key
        members = write_subset(padocc.workdir, group, phase)
        return dg.MaterializeResult(
            metadata={
                "members": len(members),
                "of": len(project_codes(padocc.workdir, group)),
                "file": dg.MetadataValue.path(str(padocc.workdir.subset_list(group, f"{phase}-success"))),
                "first members": ", ".join(members[:20]) or "none",
            }
        )

    return subset


scan_success = _subset("scan", scan_report)
compute_success = _subset("compute", cloud_product)
validate_success = _subset("validate", validation_report)
SUBSETS = (scan_success, compute_success, validate_success)
