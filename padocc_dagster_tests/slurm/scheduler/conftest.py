"""SLURM's commands, pretended, before all others on PATH."""

import os
from pathlib import Path

import pytest

from padocc_dagster_tests.slurm.pretended import Pretended


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretended:
    made = Pretended(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made
