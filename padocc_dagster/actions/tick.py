"""Accept the verdict of PADOCC's validation on products after a look at them, with a name and a reason, or take that back.

A tick replaces PADOCC's verdict alone: a product that is not shown to equal its sources cannot be ticked. The published report carries it.
"""

from padocc_dagster.actions.step import ManualStep, ProjectsConfig
from padocc_dagster.pipeline.publishing import tick as ticking
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.step import StepResult


def tick(workdir: Workdir, config: ProjectsConfig) -> StepResult:
    return ticking.tick(workdir, chosen(workdir, config.choice), config.by, config.dry_run)


def untick(workdir: Workdir, config: ProjectsConfig) -> StepResult:
    return ticking.untick(workdir, chosen(workdir, config.choice), config.by, config.dry_run)


TICK = ManualStep(
    "tick_projects",
    ProjectsConfig,
    tick,
    "Accept the result of PADOCC's validation for products that equal their sources.",
    "Publication follows, with the tick in its report.",
)
UNTICK = ManualStep("untick_projects", ProjectsConfig, untick, "Take ticks back, of products that are not published yet.")
