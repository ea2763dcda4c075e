"""Take projects to another group, into a new one, or out of theirs; merge groups. Products that are published stay where they are."""

from collections.abc import Callable

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.settle import settle
from padocc_dagster.actions.step import RUN_ASKED, ProjectsConfig, StepConfig, carry_out, conclude
from padocc_dagster.pipeline.files import CorruptFileError
from padocc_dagster.pipeline.moving import moves
from padocc_dagster.pipeline.moving.carrying import finish_unfinished
from padocc_dagster.pipeline.steps.step import StepResult
from padocc_dagster.resources import Padocc
from padocc_dagster.run_tags import FOLLOWED

TAGS = {**RUN_ASKED, FOLLOWED: "nothing has to follow"}
"""What these runs tell of projects in their new groups was so before: no phase is repeated."""


class TransferConfig(ProjectsConfig):
    """Which projects, and where to."""

    to: str = Field(description="The group that the projects are brought to; it is there already")


class SplitConfig(ProjectsConfig):
    """Which projects, and the name of their new group."""

    into: str = Field(description="The name of the new group")


class MergeConfig(StepConfig):
    """Which group goes into which."""

    merged: str = Field(description="The group whose projects are brought to the other; it is no group afterwards")
    into: str = Field(description="The group that has them all afterwards")


class RemoveConfig(ProjectsConfig):
    """Which projects, and whether their files go as well."""

    keep_files: bool = Field(False, description="Leave the working files where they are; the projects can be added back")


@dg.op(out=dg.Out(dg.Nothing))
def transfer(context: dg.OpExecutionContext, config: TransferConfig, padocc: Padocc) -> None:
    """Bring projects to another group, with their files, specs and places on the faultlist. Nothing of them is run again."""
    workdir = padocc.workdir
    done = _take(context, lambda: moves.transfer(workdir, config.choice, config.to, config.by, config.dry_run))
    conclude(context, config, done, lambda: settle(context, workdir, done, config.by))


@dg.op(out=dg.Out(dg.Nothing))
def split(context: dg.OpExecutionContext, config: SplitConfig, padocc: Padocc) -> None:
    """Bring projects into a new group of their own. Nothing of them is run again."""
    workdir = padocc.workdir
    done = _take(context, lambda: moves.split(workdir, config.choice, config.into, config.by, config.dry_run))
    conclude(context, config, done, lambda: settle(context, workdir, done, config.by))


@dg.op(out=dg.Out(dg.Nothing))
def merge(context: dg.OpExecutionContext, config: MergeConfig, padocc: Padocc) -> None:
    """Bring all projects of a group to another, its subsets too. What else lay in the group's folders is kept with the other group."""
    workdir = padocc.workdir
    done = _take(context, lambda: moves.merge(workdir, config.merged, config.into, config.by, config.dry_run))
    conclude(context, config, done, lambda: settle(context, workdir, done, config.by))


@dg.op(out=dg.Out(dg.Nothing))
def remove(context: dg.OpExecutionContext, config: RemoveConfig, padocc: Padocc) -> None:
    """Take projects out of their groups, and delete their working files unless they are to be kept."""
    workdir = padocc.workdir
    done = _take(context, lambda: moves.remove(workdir, config.choice, config.by, config.keep_files, config.dry_run))
    conclude(context, config, done, lambda: settle(context, workdir, done, config.by))


@dg.job(tags=TAGS, description=transfer.description)
def transfer_projects() -> None:
    transfer()


@dg.job(tags=TAGS, description=split.description)
def split_group() -> None:
    split()


@dg.job(tags=TAGS, description=merge.description)
def merge_groups() -> None:
    merge()


@dg.job(tags=TAGS, description=remove.description)
def remove_projects() -> None:
    remove()


@dg.op(out=dg.Out(dg.Nothing))
def finish_steps(context: dg.OpExecutionContext, padocc: Padocc) -> None:
    """Finish transfers, merges, splits and removals that were interrupted, and bring Dagster's view up to date with them."""
    for sentence in finish_unfinished(padocc.workdir):
        context.log.info(sentence)
    settle(context, padocc.workdir, StepResult())


@dg.job(tags=TAGS, description=finish_steps.description)
def finish_interrupted_steps() -> None:
    finish_steps()


def _take(context: dg.OpExecutionContext, step: Callable[[], StepResult]) -> StepResult:
    """Take the step. What stops it in the middle leaves it on record."""
    try:
        return carry_out(context, step)
    except (CorruptFileError, OSError) as error:
        told = f"{error}\nCorrect that and ask for the same again: what was begun is on record, and goes on where it stopped."
        raise dg.Failure(told, allow_retries=False) from error
