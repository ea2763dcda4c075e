"""A real Kubernetes for the tests of this folder, private and of one machine; and a pretended API server for those that need none."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from padocc_dagster_tests.cleanup import ROOT, IfKilled
from padocc_dagster_tests.kubernetes.desk import Desk, configured
from padocc_dagster_tests.kubernetes.pretended import pretended
from padocc_dagster_tests.slurm.desk import INSTANCE
from tools.kubernetes_cluster import machine
from tools.kubernetes_cluster.cluster import Cluster


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Runs for the whole session, so that a test leaves it as it was: its daemons running, its node taking pods."""
    if problems := machine.problems():
        pytest.skip(f"no private Kubernetes: {'; '.join(problems)}")
    private = Cluster(tmp_path_factory.mktemp("k8s"))
    stop = IfKilled(sys.executable, ROOT / "tools" / "kubernetes-cluster", "stop", "--directory", private.folder.root)
    try:
        private.start()
        yield private
    finally:
        private.stop()
        stop.cancel()
    mounts = Path("/proc/self/mountinfo").read_text()
    left = [path for path in machine.cgroups(private.folder) if path.exists()]
    assert (str(private.folder.root) in mounts, left) == (False, []), "what a cluster leaves on the machine"


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Dagster on SQLite, for the whole session; `desk` clears it."""
    memory = Path("/dev/shm")  # where there is one: SQLite waits for the disk at every event
    folder = tempfile.mkdtemp(dir=memory if memory.is_dir() else tmp_path_factory.getbasetemp())
    Path(folder, "dagster.yaml").write_text(yaml.safe_dump(INSTANCE))
    with IfKilled("rm", "-rf", folder):
        with dg.DagsterInstance.from_config(folder) as made:
            yield made
        shutil.rmtree(folder)


@pytest.fixture
def desk(instance: dg.DagsterInstance, tmp_path: Path) -> Iterator[Desk]:
    """Runs, and a pretended API server."""
    with pretended() as api:
        made = Desk(instance, api, configured(instance, tmp_path, api.url), tmp_path)
        yield made
        made.clear()
