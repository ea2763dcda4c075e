"""What a test needs, as a marker: decided by its folder, its file and its fixtures, and by nothing that a test says of itself."""

UNIT = "unit"
OF_FIXTURES = {"page": "browser", "cluster": "slurm", "stac": "stac", "stages": "padocc"}
OF_FOLDERS = {"slurm/live": "slurm", "live": "live"}
OF_FILES = {
    "services/test_services.py": "live",
}
"""Paths below the folder of the tests."""


def kinds_of(path: str, fixtures: set[str]) -> set[str]:
    """The markers of a test in a file at this path, with these fixtures; `unit` for one that needs nothing but this package."""
    found = {kind for fixture, kind in OF_FIXTURES.items() if fixture in fixtures}
    found |= {kind for folder, kind in OF_FOLDERS.items() if path.startswith(f"{folder}/")}
    found |= {kind for file, kind in OF_FILES.items() if path == file}
    return found or {UNIT}
