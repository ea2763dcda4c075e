"""Take over what people did with PADOCC's own command line: their projects become partitions, and what stands is told to Dagster.

Nothing that is done already is repeated, and a project that failed is not started by itself. A run that was killed is made again: what is
told already is not told twice.
"""

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.standing import CHUNK, announce_standing, untold
from padocc_dagster.actions.step import DRY_RUN, RUN_ASKED, StepConfig, carry_out, report
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.events import Adopted
from padocc_dagster.pipeline.groups import by_group
from padocc_dagster.pipeline.layout import Project
from padocc_dagster.pipeline.steps.adopt import find_groups, unsafe_groups
from padocc_dagster.pipeline.steps.history import note
from padocc_dagster.pipeline.steps.step import StepResult
from padocc_dagster.repeats import asking_run
from padocc_dagster.resources import Padocc
from padocc_dagster.run_tags import FOLLOWED


class AdoptConfig(StepConfig):
    """Which groups to take over."""

    groups: list[str] = Field([], description="Names of groups; empty: every group of the working directory")


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def adopt(context: dg.OpExecutionContext, config: AdoptConfig, padocc: Padocc) -> None:
    workdir, result, told = padocc.workdir, StepResult(), 0

    def look() -> StepResult:
        for group in find_groups(workdir, config.groups):
            result.done |= group.projects
            result.not_done |= group.left_out
        if not config.groups:
            result.not_done |= {Project(name, "*"): problem for name, problem in unsafe_groups(workdir).items()}
        return result

    carry_out(context, look)
    if not config.dry_run:
        _add_partitions(context.instance, result)
        projects = list(result.done)
        for start in range(0, len(projects), CHUNK):
            chunk = projects[start : start + CHUNK]
            new = untold(context.instance, workdir, chunk)
            given = {**config.by._asdict(), "run": asking_run(context.instance, context.run)}
            for project, busy in note(workdir, {each: Adopted(state=result.done[each], **given) for each in new}).items():
                result.not_done[project] = busy
                del new[project], result.done[project]
            announce_standing(context, workdir, new, only=new, source="plain PADOCC, adopted")
            told += len(new)
    report(context, result, DRY_RUN if config.dry_run else f"{told} told to Dagster, {len(result.done) - told} known already")


@dg.job(tags={**RUN_ASKED, FOLLOWED: "not needed"}, description=__doc__)
def adopt_groups() -> None:
    adopt()


def _add_partitions(instance: dg.DagsterInstance, result: StepResult) -> None:
    for group, members in by_group(result.done).items():
        add_projects(instance, group, [project.code for project in members])
