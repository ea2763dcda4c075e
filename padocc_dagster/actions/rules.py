"""Set what may be done unattended in a group: the next aggregator or format after a failed computation, the faultlist after so many
attempts, publication on named warnings only. All off by default."""

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.step import DRY_RUN, PROBLEMS, RUN_ASKED, StepConfig
from padocc_dagster.pipeline.groups import list_groups
from padocc_dagster.pipeline.names import name_problem, nearest
from padocc_dagster.pipeline.steps.rules import rules_file
from padocc_dagster.pipeline.steps.rules import set_rules as set_rules_of
from padocc_dagster.pipeline.steps.step import StepRefused
from padocc_dagster.resources import Padocc


class RulesConfig(StepConfig):
    """Which group, and its rules."""

    group: str = Field(description="The group")
    settings: dict[str, str] = Field(
        description="Rule → value, as words: next_aggregator: 'true', formats: 'zarr', quarantine_after: '5', "
        "complete_on_warnings: 'name,name' or 'none'; 'off' takes a rule away"
    )


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def set_group_rules(context: dg.OpExecutionContext, config: RulesConfig, padocc: Padocc) -> None:
    workdir, known = padocc.workdir, list_groups(padocc.workdir)
    try:
        if config.group not in known:
            unknown = f"there is no group {config.group!r}: {nearest(config.group, known)}"
            raise StepRefused([name_problem("group", config.group) or unknown])
        rules = set_rules_of(workdir, config.group, config.settings, config.by, config.dry_run)
    except ValueError as refused:
        raise dg.Failure(f"Nothing was changed.\n{refused}", metadata={PROBLEMS: str(refused)}, allow_retries=False) from None
    note = DRY_RUN if config.dry_run else f"{rules_file(workdir, config.group)} says: {rules}"
    context.add_output_metadata({"note": note, "group": config.group, "who": config.who, "why": config.why})


@dg.job(tags=RUN_ASKED, description=__doc__)
def set_rules() -> None:
    set_group_rules()
