"""Run a phase of projects again, with other options, more time or more memory. The request is kept with each project, and the conductor
starts the runs. A recomputation as a new version leaves the old product where it is."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, ProjectsConfig
from padocc_dagster.batch.allocation import Allocation, AllocationError
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.redo import request_phase
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.spec import AGGREGATORS, CLOUD_FORMATS
from padocc_dagster.pipeline.workdir.step import StepRefused, StepResult

CloudFormat = StrEnum("CloudFormat", {name: name for name in CLOUD_FORMATS})  # type: ignore[misc]  # members known at run time
Aggregator = StrEnum("Aggregator", {name: name for name in AGGREGATORS})  # type: ignore[misc]


class RedoConfig(ProjectsConfig):
    """Which projects, and what their runs may use."""

    time: str | None = Field(None, description="Wall time for each run on a cluster, as in 02:00:00; empty: as estimated")
    memory: str | None = Field(None, description="Memory for each run on a cluster, as in 16G; empty: as estimated")

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the runs. Raises StepRefused for an amount that is none."""
        given = {name: value for name, value in {"time": self.time, "memory": self.memory}.items() if value}
        try:
            Allocation.from_texts({name: (name, value) for name, value in given.items()})
        except AllocationError as error:
            raise StepRefused(str(error).splitlines()) from None
        return {f"padocc/{name}": value for name, value in given.items()}


class RecomputeConfig(RedoConfig):
    """Choices for the computation, as for `cloud_product`. They are kept with the projects."""

    cloud_format: CloudFormat | None = Field(None, description="kerchunk, parquet, zarr or CFA; empty: as in the project's config")
    aggregator: Aggregator | None = Field(
        None, description="V (VirtualiZarr) or K (MultiZarrToZarr); empty: as chosen before, else V, then K"
    )
    new_version: bool = Field(
        False, description="Keep the present product and make the next revision beside it (CFA has no versions)", examples=[False]
    )
    thorough: bool = Field(
        False, description="Find the order of the files and the dimensions anew, instead of taking the scan's", examples=[False]
    )

    @property
    def choices(self) -> dict[str, Any]:
        return self.model_dump(mode="json", include={"cloud_format", "aggregator", "new_version", "thorough"}, exclude_defaults=True)


def rescan(workdir: Workdir, config: RedoConfig) -> StepResult:
    return request_phase(workdir, chosen(workdir, config.choice), "scan", config.by, tags=config.tags, dry_run=config.dry_run)


def recompute(workdir: Workdir, config: RecomputeConfig) -> StepResult:
    projects, tags = chosen(workdir, config.choice), config.tags
    return request_phase(workdir, projects, "compute", config.by, config.choices, tags, config.dry_run)


def revalidate(workdir: Workdir, config: RedoConfig) -> StepResult:
    return request_phase(workdir, chosen(workdir, config.choice), "validate", config.by, tags=config.tags, dry_run=config.dry_run)


RESCAN = ManualStep(
    "rescan_projects",
    RedoConfig,
    rescan,
    "Scan projects again, any number of times.",
    "The scans follow, then all that builds on them.",
    "would",
)
RECOMPUTE = ManualStep(
    "recompute_projects",
    RecomputeConfig,
    recompute,
    "Make the products of projects again: with other options, more time or more memory.",
    "The computations follow, then comparison, validation and publication.",
    "would",
)
REVALIDATE = ManualStep(
    "revalidate_projects",
    RedoConfig,
    revalidate,
    "Validate the products of projects again.",
    "The validations follow, then publication.",
    "would",
)
