"""The jobs whose runs the conductor requests, marked so in Dagster's list of jobs."""

import dagster as dg

from padocc_dagster.assets.overview import group_overview
from padocc_dagster.assets.subsets import subsets
from padocc_dagster.partitions import ADVANCED, PHASE_ASSETS, PHASE_CHECKS

INTERNAL = "Internal: the conductor requests its runs. "
_CHECKS = {phase: dg.AssetCheckKey(dg.AssetKey(PHASE_ASSETS[phase]), check) for phase, check in PHASE_CHECKS.items()}

advance_project = dg.define_asset_job(
    "advance_project",
    selection=dg.AssetSelection.assets(*(PHASE_ASSETS[phase] for phase in ADVANCED)).without_checks()
    | dg.AssetSelection.checks(*_CHECKS.values()),
    description=f"{INTERNAL}Take a project through the phases that are due: scan, compute with its comparison, validate, publish.",
)
compare_products = dg.define_asset_job(
    "compare_products",
    selection=dg.AssetSelection.checks(_CHECKS["compute"]),
    description=f"{INTERNAL}Compare products with their sources, without computing them again.",
)
refresh_group = dg.define_asset_job(
    "refresh_group",
    selection=dg.AssetSelection.assets(subsets, group_overview),
    description=f"{INTERNAL}Write a group's subsets from its projects' status logs, its overview, and its board.",
)
