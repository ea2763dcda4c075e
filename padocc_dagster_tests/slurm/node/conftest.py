"""The main process of a job, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from padocc_dagster_tests.slurm.node.host_jobs import Jobs


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path)
    yield made
    for host in made.started:
        if host.poll() is None:
            host.kill()
        host.communicate()
