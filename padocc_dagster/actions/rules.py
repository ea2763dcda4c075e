"""Set what may be done unattended in a group: the next aggregator or format after a failed computation, the faultlist after so many
attempts, publication on named warnings only. All off by default."""

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, StepConfig
from padocc_dagster.pipeline.workdir import rules
from padocc_dagster.pipeline.workdir.groups import list_groups
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.names import name_problem, nearest
from padocc_dagster.pipeline.workdir.step import StepRefused, StepResult


class RulesConfig(StepConfig):
    """Which group, and its rules."""

    group: str = Field(description="The group", json_schema_extra={"argument": True}, examples=["GROUP"])
    settings: dict[str, str] = Field(
        description="Rule → value, as words: next_aggregator: 'true', formats: 'zarr', quarantine_after: '5', "
        "complete_on_warnings: 'name,name' or 'none'; 'off' takes a rule away",
        examples=[{"next_aggregator": "true", "quarantine_after": "5"}],
    )


def set_rules(workdir: Workdir, config: RulesConfig) -> StepResult:
    known = list_groups(workdir)
    if config.group not in known:
        unknown = f"there is no group {config.group!r}: {nearest(config.group, known)}"
        raise StepRefused([name_problem("group", config.group) or unknown])
    try:
        changed = rules.set_rules(workdir, config.group, config.settings, config.by, config.dry_run)
    except ValueError as refused:
        raise StepRefused(str(refused).splitlines()) from None
    return StepResult(notes=[f"{rules.rules_file(workdir, config.group)}{' would be' if config.dry_run else ''}: {changed}"])


SET_RULES = ManualStep("set_rules", RulesConfig, set_rules, __doc__ or "")
