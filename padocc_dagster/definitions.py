"""Everything that padocc-dagster offers, on one page.

A group config dropped into the inbox becomes projects. The conductor takes each through scan, compute, validation and publication, in one
run where its allocation allows; blocking checks gate the phases. What stopped is shown in the overview and in the failure of its run.
What is published is watched from then on.
"""

import dagster as dg

from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.actions.jobs import JOBS, finish_interrupted_steps
from padocc_dagster.actions.watch import hourly_watch, watch_published
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.completion import completed_product
from padocc_dagster.assets.overview import group_overview
from padocc_dagster.assets.project import project
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.assets.subsets import subsets
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.checks import sources_unchanged
from padocc_dagster.conductor.jobs import advance_project, compare_products, refresh_group
from padocc_dagster.conductor.sync import report_from_files
from padocc_dagster.resources import Padocc
from padocc_dagster.sensors.conductor import conductor
from padocc_dagster.sensors.kubernetes_pods import is_used as is_on_kubernetes
from padocc_dagster.sensors.kubernetes_pods import kubernetes_pods
from padocc_dagster.sensors.notices import notices
from padocc_dagster.sensors.purge import nightly_purge, purge_runs
from padocc_dagster.sensors.selections import daily_selections
from padocc_dagster.sensors.slurm_jobs import is_used as is_on_slurm
from padocc_dagster.sensors.slurm_jobs import slurm_jobs

defs = dg.Definitions(
    assets=[
        project,
        scan_report,  # check: scan_succeeded
        cloud_product,  # check: product_matches_source
        validation_report,  # check: validation_passed
        completed_product,
        subsets,
        group_overview,
    ],
    asset_checks=[sources_unchanged],
    jobs=[
        initialise_group,
        advance_project,
        compare_products,
        refresh_group,
        report_from_files,
        finish_interrupted_steps,
        watch_published,
        purge_runs,
        *JOBS,  # the manual steps
    ],
    sensors=[conductor, notices, *([slurm_jobs] if is_on_slurm() else []), *([kubernetes_pods] if is_on_kubernetes() else [])],
    schedules=[daily_selections, hourly_watch, nightly_purge],
    resources={"padocc": Padocc(root=dg.EnvVar("WORKDIR"))},
    executor=dg.in_process_executor,
)
