"""The resource of assets, jobs and sensors: the working directory."""

import os
from pathlib import Path

import dagster as dg

from padocc_dagster.pipeline.workdir.layout import Workdir


def served_workdir() -> Workdir:
    """The working directory of the environment, for sensors: Dagster opens an instance in memory for each tick that names a resource,
    which takes longer than the tick. Raises ValueError with a sentence for a path that is not safe."""
    return Workdir(Path(os.environ["WORKDIR"]))


class Padocc(dg.ConfigurableResource):
    """The PADOCC working directory, `WORKDIR` as PADOCC users know it."""

    root: str

    @property
    def workdir(self) -> Workdir:
        """The checked working directory. Raises ValueError with a sentence for a path that is not safe."""
        return Workdir(Path(self.root))
