"""One project, taken through the phases once a session; each test that changes something gets a copy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from padocc_dagster_tests.make_netcdf import Series
from padocc_dagster_tests.pipeline.projects import Made, copy, make


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """The same project after each phase: initialised, scanned, computed, validated (and compared)."""
    folder = tmp_path_factory.mktemp("stages")
    made = make(folder / "last", Series(lengths=(4, 4, 4), lat=12, lon=12))
    stages = {"initialised": copy(made, folder / "initialised")}
    made.through("scan")
    stages["scanned"] = copy(made, folder / "scanned")
    made.through("compute")
    stages["computed"] = copy(made, folder / "computed")
    assert made.verified()["passed"]
    made.through("validate")
    return {**stages, "validated": made}


@pytest.fixture
def at(stages: dict[str, Made], tmp_path: Path) -> Callable[[str], Made]:
    """A copy of the project at a stage, free to be damaged."""
    return lambda stage: copy(stages[stage], tmp_path / stage)
