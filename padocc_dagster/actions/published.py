"""The decisions on a published product whose sources changed: withdraw it, or accept the change."""

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, ProjectsConfig
from padocc_dagster.pipeline.steps.accept import accept
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.withdraw import with_published, withdraw
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.step import StepResult


class PublishedConfig(ProjectsConfig):
    """Which projects, and which of their published products."""

    revision: str | None = Field(None, description="The revision, as k1.0; needed where several of a project are published")


def take_back(workdir: Workdir, config: PublishedConfig) -> StepResult:
    return withdraw(workdir, with_published(workdir, config.choice), config.by, config.revision, config.dry_run)


def accept_sources(workdir: Workdir, config: PublishedConfig) -> StepResult:
    return accept(workdir, chosen(workdir, config.choice), config.by, config.revision, config.dry_run)


WITHDRAW = ManualStep(
    "withdraw_products",
    PublishedConfig,
    take_back,
    "Move published products aside and leave a note for readers. The revision is never published again: a new one gets the next number.",
    would="would give:",
)
ACCEPT = ManualStep(
    "accept_changed_sources",
    PublishedConfig,
    accept_sources,
    "Accept that sources of published products changed, where a comparison shows that the values are equal.",
    would="would give:",
)
