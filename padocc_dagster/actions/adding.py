"""Add projects to a group that is there: new ones from a group config, whose chains start by themselves, or removed ones whose files were
kept, which go on where they stood."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.moves import TAGS
from padocc_dagster.actions.settle import settle
from padocc_dagster.actions.step import RUN_ASKED, StepConfig, carry_out, conclude
from padocc_dagster.actions.telling import PROJECT, tell
from padocc_dagster.partitions import add_projects as add_partitions
from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.layout import Project
from padocc_dagster.pipeline.moving import adding
from padocc_dagster.pipeline.steps.step import StepRefused, StepResult
from padocc_dagster.pipeline.workers.call import WorkerError
from padocc_dagster.resources import Padocc
from padocc_dagster.selection import CatalogueUnreachable, ConfigRejected, GroupConfig, read_group_config


class AddConfig(StepConfig):
    """Which projects, and to which group."""

    path: str = Field(description="Path of a group config (CSV or YAML) with the projects to add; its own group's name does not count")
    group: str = Field(description="The group that they are added to; it is there already")


class AddBackConfig(StepConfig):
    """Which projects."""

    projects: list[str] = Field(description="Keys, 'group:project', of projects removed with their files kept", min_length=1)


@dg.op(out=dg.Out(dg.Nothing))
def add(context: dg.OpExecutionContext, config: AddConfig, padocc: Padocc) -> None:
    """Initialise new projects in a group that is there. Scan and the rest follow by themselves."""
    workdir, asked = padocc.workdir, []

    def step() -> StepResult:
        asked.append(_read(config))
        return adding.add(workdir, config.group, asked[0].projects, config.by, config.dry_run)

    try:
        done = carry_out(context, step)
    except WorkerError as failed:
        told = f"group {config.group}: {failed.error_class}: {failed}; ask again for what is missing"
        raise dg.Failure(told, allow_retries=False) from failed

    def tell_all() -> None:
        add_partitions(context.instance, config.group, [project.code for project in done.done])
        news = {*to_announce(workdir, config.group), *_never_told(context.instance, done)}
        tell(context, workdir, config.group, [spec for spec in asked[0].projects if spec.code in news])

    conclude(context, config, done, tell_all)


@dg.op(out=dg.Out(dg.Nothing))
def add_back(context: dg.OpExecutionContext, config: AddBackConfig, padocc: Padocc) -> None:
    """Take removed projects whose working files were kept into their groups again."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: adding.add_back(workdir, _parsed(config.projects), config.by, config.dry_run))
    conclude(context, config, done, lambda: settle(context, workdir, done, config.by))


@dg.job(tags=RUN_ASKED, description=add.description)
def add_projects() -> None:
    add()


@dg.job(tags=TAGS, description=add_back.description)
def add_back_projects() -> None:
    add_back()


def _never_told(instance: dg.DagsterInstance, done: StepResult) -> list[str]:
    """Codes of projects that Dagster knows no materialisation of: an earlier step was interrupted before it told of them."""
    known = instance.get_materialized_partitions(PROJECT)
    return [project.code for project in done.done if str(project) not in known]


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
