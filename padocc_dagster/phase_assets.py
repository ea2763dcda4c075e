"""Which asset shows which phase of PADOCC, and which check vouches for it."""

PHASE_ASSETS = {
    "init": "project",
    "scan": "scan_report",
    "compute": "cloud_product",
    "validate": "validation_report",
    "complete": "completed_product",
}
PHASE_CHECKS = {"scan": "scan_succeeded", "compute": "product_matches_source", "validate": "validation_passed"}
PHASE_OF = {asset: phase for phase, asset in PHASE_ASSETS.items()}
