"""Give projects up for a stated reason, or take them on again. A project on the faultlist, PADOCC's own `faultlist.csv`, is skipped by the
conductor, subsets and publication, and its phases refuse to start."""

from padocc_dagster.actions.step import ManualStep, ProjectsConfig
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.faultlisting import give_up, take_on
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.step import StepResult


def put_on(workdir: Workdir, config: ProjectsConfig) -> StepResult:
    return give_up(workdir, chosen(workdir, config.choice), config.by, config.dry_run)


def take_off(workdir: Workdir, config: ProjectsConfig) -> StepResult:
    return take_on(workdir, chosen(workdir, config.choice), config.by, config.dry_run)


FAULTLIST = ManualStep(
    "faultlist_projects", ProjectsConfig, put_on, "Give projects up. The reason and the name are kept in the group's faultlist.csv."
)
UNFAULTLIST = ManualStep(
    "unfaultlist_projects", ProjectsConfig, take_off, "Take projects off the faultlist.", "They continue with the phase that is due."
)
