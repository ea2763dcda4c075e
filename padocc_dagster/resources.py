"""What the assets are given: the working directory."""

from pathlib import Path

import dagster as dg

from padocc_dagster.pipeline.layout import Workdir


class Padocc(dg.ConfigurableResource):
    """The PADOCC working directory, `WORKDIR` as PADOCC users know it."""

    root: str

    @property
    def workdir(self) -> Workdir:
        """The checked working directory. Raises ValueError with a sentence for a path that is not safe."""
        return Workdir(Path(self.root))
