"""The watch over what is published: a check that blocks nothing, and is looked at again every day (`actions/watch.py`).

The gates between the phases are made by the phases themselves (`assets/gates.py`).
"""

import time

import dagster as dg

from padocc_dagster.assets.completion import completed_product
from padocc_dagster.assets.findings import finding_result
from padocc_dagster.partitions import project_of, projects
from padocc_dagster.pipeline.watch.rounds import reported, watch_project
from padocc_dagster.resources import Padocc


@dg.asset_check(asset=completed_product, blocking=False, partitions_def=projects)
def sources_unchanged(context: dg.AssetCheckExecutionContext, padocc: Padocc) -> dg.AssetCheckResult:
    """The source files of the published products are as they were at publication, or as somebody accepted them since. Where one is missing
    or changed: which, what changed, and whether the published product still equals it."""
    watched = watch_project(padocc.workdir, project_of(context))
    if watched.is_news and not watched.is_first:  # a new product is left to its first round: many are published at once
        reported(padocc.workdir, [watched], time.time())
    return dg.AssetCheckResult(**finding_result(padocc.workdir, watched))
