"""Everything that padocc-dagster offers, on one page.

A group config dropped into the inbox becomes projects; each goes through scan, compute, validation and publication, one run a phase;
blocking checks stand between the phases; what stopped is seen in the overview and in the failure of its run. What is published is watched
from then on.
"""

import dagster as dg

from padocc_dagster.actions.adding import add_back_projects, add_projects
from padocc_dagster.actions.adopt import adopt_groups
from padocc_dagster.actions.edit import edit_projects
from padocc_dagster.actions.faultlist import faultlist_projects, unfaultlist_projects
from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.actions.moves import finish_interrupted_steps, merge_groups, remove_projects, split_group, transfer_projects
from padocc_dagster.actions.published import accept_changed_sources, withdraw_products
from padocc_dagster.actions.redo import recompute_projects, rescan_projects, revalidate_projects
from padocc_dagster.actions.rules import set_rules
from padocc_dagster.actions.select_again import select_groups_again
from padocc_dagster.actions.telling import tell_initialised
from padocc_dagster.actions.tick import tick_projects, untick_projects
from padocc_dagster.actions.watch import hourly_watch, watch_published
from padocc_dagster.assets.cloud_product import cloud_product
from padocc_dagster.assets.completion import completed_product
from padocc_dagster.assets.overview import group_overview
from padocc_dagster.assets.project import project
from padocc_dagster.assets.scan import scan_report
from padocc_dagster.assets.subsets import subsets
from padocc_dagster.assets.validation import validation_report
from padocc_dagster.automation import automation_sensor
from padocc_dagster.checks import product_matches_source, scan_succeeded, sources_unchanged, validation_passed
from padocc_dagster.resources import Padocc
from padocc_dagster.sensors.comparisons import compare_products, comparisons
from padocc_dagster.sensors.inbox import inbox
from padocc_dagster.sensors.membership import membership, refresh_group
from padocc_dagster.sensors.missed_repeats import missed_repeats
from padocc_dagster.sensors.outside import outside, take_note
from padocc_dagster.sensors.rules import rules
from padocc_dagster.sensors.selections import daily_selections
from padocc_dagster.sensors.slurm_jobs import slurm_jobs

defs = dg.Definitions(
    assets=[
        project,
        scan_report,
        cloud_product,
        validation_report,
        completed_product,
        subsets,
        group_overview,
    ],
    asset_checks=[scan_succeeded, product_matches_source, validation_passed, sources_unchanged],
    jobs=[
        initialise_group,
        refresh_group,
        adopt_groups,
        take_note,
        compare_products,
        set_rules,
        select_groups_again,
        edit_projects,
        rescan_projects,
        recompute_projects,
        revalidate_projects,
        faultlist_projects,
        unfaultlist_projects,
        tick_projects,
        untick_projects,
        watch_published,
        withdraw_products,
        accept_changed_sources,
        transfer_projects,
        merge_groups,
        split_group,
        remove_projects,
        add_projects,
        add_back_projects,
        finish_interrupted_steps,
        tell_initialised,
    ],
    sensors=[inbox, automation_sensor, membership, outside, comparisons, rules, slurm_jobs, missed_repeats],
    schedules=[daily_selections, hourly_watch],
    resources={"padocc": Padocc(root=dg.EnvVar("WORKDIR"))},
    executor=dg.in_process_executor,
)
