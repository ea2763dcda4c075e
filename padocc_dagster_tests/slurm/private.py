"""A private SLURM for a block of tests."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster_tests.cleanup import ROOT, IfKilled
from tools.slurm_cluster import machine
from tools.slurm_cluster.cluster import Cluster


@contextmanager
def private(folder: Path, **size: Any) -> Iterator[Cluster]:
    """A running cluster in the folder. Skips the test where none can start."""
    if problems := machine.problems():
        pytest.skip(f"no private SLURM: {'; '.join(problems)}")
    made = Cluster(folder, **size)
    stop = IfKilled(sys.executable, ROOT / "tools" / "slurm-cluster", "stop", "--directory", made.folder.root)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        stop.cancel()
        shutil.rmtree(made.folder.database, ignore_errors=True)  # 100 MB, which pytest would keep for three sessions
