"""A real SLURM for the tests of this folder, private and of one machine."""

import shutil
from collections.abc import Iterator

import pytest

from tools.slurm_cluster import machine
from tools.slurm_cluster.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Runs for the whole session, so that a test leaves it as it was: its daemons running, its node up, its queue empty."""
    if problems := machine.problems():
        pytest.skip(f"no private SLURM: {'; '.join(problems)}")
    private = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        private.start()
        yield private
    finally:
        private.stop()
        shutil.rmtree(private.folder.database, ignore_errors=True)  # 100 MB, which pytest would keep for three sessions
