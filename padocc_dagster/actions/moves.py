"""Bring projects to another group, into a new one, or out of theirs; merge groups. Products that are published stay where they are."""

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, ProjectsConfig, StepConfig
from padocc_dagster.pipeline.moving import moves
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.step import StepResult


class TransferConfig(ProjectsConfig):
    """Which projects, and where to."""

    to: str = Field(description="The group that the projects are brought to; it is there already", examples=["OTHER_GROUP"])


class SplitConfig(ProjectsConfig):
    """Which projects, and the name of their new group."""

    into: str = Field(description="The name of the new group", examples=["NEW_GROUP"])


class MergeConfig(StepConfig):
    """Which group goes into which."""

    merged: str = Field(
        description="The group whose projects are brought to the other; it is no group afterwards",
        json_schema_extra={"argument": True},
        examples=["GROUP"],
    )
    into: str = Field(description="The group that has them all afterwards", examples=["OTHER_GROUP"])


class RemoveConfig(ProjectsConfig):
    """Which projects, and whether their files go as well."""

    keep_files: bool = Field(False, description="Leave the working files where they are; the projects can be added back", examples=[True])


def transfer(workdir: Workdir, config: TransferConfig) -> StepResult:
    return moves.transfer(workdir, config.choice, config.to, config.by, config.dry_run)


def split(workdir: Workdir, config: SplitConfig) -> StepResult:
    return moves.split(workdir, config.choice, config.into, config.by, config.dry_run)


def merge(workdir: Workdir, config: MergeConfig) -> StepResult:
    return moves.merge(workdir, config.merged, config.into, config.by, config.dry_run)


def remove(workdir: Workdir, config: RemoveConfig) -> StepResult:
    return moves.remove(workdir, config.choice, config.by, config.keep_files, config.dry_run)


TRANSFER = ManualStep(
    "transfer_projects",
    TransferConfig,
    transfer,
    "Bring projects to another group, with their files, specs and entries on the faultlist. Nothing of them is run again.",
)
SPLIT = ManualStep("split_group", SplitConfig, split, "Bring projects into a new group of their own. Nothing of them is run again.")
MERGE = ManualStep(
    "merge_groups",
    MergeConfig,
    merge,
    "Bring all projects of a group to another, its subsets too. What else lay in the group's folders is kept with the other group.",
)
REMOVE = ManualStep(
    "remove_projects", RemoveConfig, remove, "Take projects out of their groups, and delete their working files unless they are to be kept."
)
