"""Take over what people did with PADOCC's own command line: their groups are managed from now on, and what is done is reported to Dagster.

Nothing that is done already is repeated, and a project that failed is not started unattended.
"""

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, StepConfig
from padocc_dagster.pipeline.steps.adopt import find_groups, unsafe_groups
from padocc_dagster.pipeline.workdir.events import Adopted
from padocc_dagster.pipeline.workdir.history import note
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import is_managed, manage
from padocc_dagster.pipeline.workdir.step import StepResult


class AdoptConfig(StepConfig):
    """Which groups to take over."""

    groups: list[str] = Field(
        [],
        description="Names of groups; empty: every group of the working directory",
        json_schema_extra={"argument": True},
        examples=[["GROUP"]],
    )


def adopt(workdir: Workdir, config: AdoptConfig) -> StepResult:
    result = StepResult()
    for group in find_groups(workdir, config.groups):
        result.not_done |= group.left_out
        new = {} if is_managed(workdir, group.name) else group.projects
        result.done |= group.projects
        if not config.dry_run:
            result.not_done |= note(workdir, {each: Adopted(state=state, **config.by._asdict()) for each, state in new.items()})
            manage(workdir, group.name)
    if not config.groups:
        result.not_done |= {Project(name, "*"): problem for name, problem in unsafe_groups(workdir).items()}
    return result


ADOPT = ManualStep("adopt_groups", AdoptConfig, adopt, __doc__ or "", "What is done is reported to Dagster, and what is due follows.")
