"""What a test needs, as a marker: decided by its folder, its file and its fixtures, and by nothing that a test says of itself."""

UNIT = "unit"
OF_FIXTURES = {"kubernetes": "kubernetes", "page": "browser", "cluster": "slurm", "stac": "stac", "stages": "padocc"}
OF_PATHS = {
    "actions/": "live",
    "commands/": "live",
    "conductor/": "live",
    "kubernetes/live/": "kubernetes",
    "live/": "live",
    "local/": "live",
    "pipeline/": "padocc",
    "sensors/": "live",
    "services/": "live",
    "slurm/live/": "slurm",
    "slurm/test_connections.py": "live",
    "assets/test_chain.py": "live",
    "assets/test_differences.py": "padocc",
    "assets/test_project.py": "padocc",
    "doctor/test_node.py": "live",
    "test_allocations.py": "padocc",
    "test_distribution.py": "build",
    "test_documents.py": "build",
    "test_nemo.py": "padocc",
    "test_signals_in_time.py": "live",
}
"""Beginnings of paths, below the folder of the tests."""
UNIT_PATHS = (
    "pipeline/board/test_board.py",
    "pipeline/board/test_extents.py",
    "pipeline/board/test_in_browser.py",
    "pipeline/running/test_call.py",
    "pipeline/steps/test_choice.py",
    "pipeline/comparison/test_parts.py",
    "pipeline/running/test_due.py",
    "pipeline/making/test_references.py",
    "pipeline/steps/test_faultlisting.py",
    "pipeline/workdir/test_disks.py",
    "pipeline/workdir/test_files.py",
    "pipeline/workdir/test_history.py",
    "pipeline/workdir/test_locks.py",
    "pipeline/workdir/test_names_refused.py",
    "pipeline/workdir/test_product.py",
    "pipeline/remedies/test_remedies.py",
    "pipeline/workdir/test_rules.py",
    "pipeline/workdir/test_source_states.py",
    "pipeline/publishing/test_stac_item.py",
    "pipeline/workdir/test_status.py",
    "local/test_records.py",
    "services/test_news.py",
    "sensors/test_launchers.py",
    "sensors/test_notices.py",
    "commands/test_up.py",
    "services/test_access.py",
    "services/test_deployed.py",
    "services/test_logs.py",
    "services/test_own_port.py",
    "services/test_page.py",
    "services/test_settings_file.py",
    "services/test_webserver.py",
)
"""Files of those folders whose tests need none of it."""


def kinds_of(path: str, fixtures: set[str]) -> set[str]:
    """The markers of a test in a file at this path, with these fixtures; `unit` for one that needs nothing but this package."""
    found = {kind for fixture, kind in OF_FIXTURES.items() if fixture in fixtures}
    if path not in UNIT_PATHS:
        found |= {kind for beginning, kind in OF_PATHS.items() if path.startswith(beginning)}
    return found or {UNIT}
