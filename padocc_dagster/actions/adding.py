"""Add projects to a group that is there: new ones from a group config, or removed ones whose files were kept, which continue with the phase
that is due."""

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, StepConfig
from padocc_dagster.pipeline.moving import adding
from padocc_dagster.pipeline.running.call import WorkerError
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.step import StepRefused, StepResult
from padocc_dagster.selection import CatalogueUnreachable, ConfigRejected, GroupConfig, read_group_config


class AddConfig(StepConfig):
    """Which projects, and to which group."""

    path: str = Field(
        description="Path of a group config (CSV or YAML) with the projects to add; its own group's name does not count",
        examples=["/PATH/OF/more.csv"],
    )
    group: str = Field(description="The group that they are added to; it is there already", examples=["GROUP"])


class AddBackConfig(StepConfig):
    """Which projects."""

    projects: list[str] = Field(
        description="Keys, 'group:project', of projects removed with their files kept", min_length=1, examples=[["GROUP:PROJECT"]]
    )


def add(workdir: Workdir, config: AddConfig) -> StepResult:
    try:
        return adding.add(workdir, config.group, _read(config).projects, config.by, config.dry_run)
    except WorkerError as failed:
        raise StepRefused([f"group {config.group}: {failed.error_class}: {failed}; repeat the step for what is missing"]) from failed


def add_back(workdir: Workdir, config: AddBackConfig) -> StepResult:
    return adding.add_back(workdir, _parsed(config.projects), config.by, config.dry_run)


ADD = ManualStep("add_projects", AddConfig, add, "Initialise new projects in a group that is there.", "Their scans follow, and the rest.")
ADD_BACK = ManualStep(
    "add_back_projects",
    AddBackConfig,
    add_back,
    "Take removed projects whose working files were kept into their groups again.",
    "They continue with the phase that is due.",
)


def _read(config: AddConfig) -> GroupConfig:
    try:
        return replace(read_group_config(Path(config.path)), group=config.group)
    except ConfigRejected as rejected:
        raise StepRefused(str(rejected).splitlines()) from None
    except CatalogueUnreachable as unreachable:
        raise StepRefused([str(unreachable)]) from None


def _parsed(keys: list[str]) -> list[Project]:
    found, problems = [], []
    for key in keys:
        try:
            found.append(Project.parse(key))
        except ValueError as problem:
            problems.append(str(problem))
    if problems:
        raise StepRefused(problems)
    return list(dict.fromkeys(found))
