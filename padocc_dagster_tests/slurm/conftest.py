"""A real SLURM for the tests of this folder, private and of one machine; and a pretended one for those that need none."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from padocc_dagster_tests.cleanup import IfKilled
from padocc_dagster_tests.slurm.desk import INSTANCE, Desk, desk_in
from padocc_dagster_tests.slurm.private import private
from tools.slurm_cluster.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Runs for the whole session, so that a test leaves it as it was: its daemons running, its node up, its queue empty."""
    with private(tmp_path_factory.mktemp("slurm")) as made:
        yield made


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Dagster on SQLite, for the whole session; `desk` clears it."""
    memory = Path("/dev/shm")  # where there is one: SQLite waits for the disk at every event
    folder = tempfile.mkdtemp(dir=memory if memory.is_dir() else tmp_path_factory.getbasetemp())
    events = {"module": "dagster._core.storage.event_log", "class": "ConsolidatedSqliteEventLogStorage", "config": {"base_dir": folder}}
    Path(folder, "dagster.yaml").write_text(yaml.safe_dump({**INSTANCE, "event_log_storage": events}))
    with IfKilled("rm", "-rf", folder):
        with dg.DagsterInstance.from_config(folder) as made:
            yield made
        shutil.rmtree(folder)


@pytest.fixture
def desk(instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Runs, and a pretended SLURM."""
    made = desk_in(tmp_path, instance)
    monkeypatch.setenv("PATH", f"{made.slurm.folder}{os.pathsep}{os.environ['PATH']}")
    yield made
    made.clear()
