"""Which asset shows which phase of PADOCC, and which check vouches for it."""

from padocc_dagster.pipeline.due import COMPARE

PHASE_ASSETS = {
    "init": "project",
    "scan": "scan_report",
    "compute": "cloud_product",
    "validate": "validation_report",
    "complete": "completed_product",
}
PHASE_CHECKS = {"scan": "scan_succeeded", "compute": "product_matches_source", "validate": "validation_passed"}
PHASE_OF = {asset: phase for phase, asset in PHASE_ASSETS.items()}
ADVANCED = ("scan", "compute", "validate", "complete")
"""The phases that follow one another in a run."""
ROW = "status row"
"""Metadata of a materialization or a check result: which row of PADOCC's status log it shows."""
__all__ = ["ADVANCED", "COMPARE", "PHASE_ASSETS", "PHASE_CHECKS", "PHASE_OF", "ROW"]
