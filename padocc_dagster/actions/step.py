"""What all manual steps share as Dagster jobs: the choice of projects, who and why, dry runs, and the report of what was done.

A step that was asked for wrongly changes nothing and says every problem; one that could not be done for some of its projects says for
which and why, and its run fails, so that nobody overlooks them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.backfills import launched
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import PHASES
from padocc_dagster.pipeline.steps.begun import Asked, asked_before
from padocc_dagster.pipeline.steps.choice import OUTCOMES, Choice
from padocc_dagster.pipeline.steps.step import By, StepRefused, StepResult
from padocc_dagster.repeats import asking_run, is_repeat, root_run

DONE, NOT_DONE, PROBLEMS = "done", "not done", "problems"
DRY_RUN = "dry run: nothing was changed"
COLUMNS = ("project", "what")
NONE: Mapping[str, dg.MetadataValue] = MappingProxyType({})
RUN_ASKED = {"dagster/priority": "10"}


class StepConfig(dg.Config):
    """Who takes the step, and why."""

    who: str = Field(description="Your name, kept with every project that the step touches", min_length=1)
    why: str = Field(description="The reason, kept with every project that the step touches", min_length=1)
    dry_run: bool = Field(default=False, description="Only show what would be done")

    @property
    def by(self) -> By:
        return By(self.who, self.why)


class ProjectsConfig(StepConfig):
    """Which projects the step is about: by key, or by where they stand. With neither keys nor a group, all groups are looked at."""

    projects: list[str] = Field([], description="Keys, 'group:project', or 'group:*' for a whole group")
    group: str | None = Field(None, description="Only projects of this group")
    phase: str | None = Field(None, description=f"Only projects whose last phase is this: {', '.join(PHASES)}")
    outcome: str | None = Field(None, description=f"Only projects whose last phase ended like this: {', '.join(OUTCOMES)}")
    error_class: str | None = Field(None, description="Only projects that stopped with this error class, as `status` shows it")

    @property
    def choice(self) -> Choice:
        return Choice(tuple(self.projects), self.group, self.phase, self.outcome, self.error_class)


def carry_out(context: dg.OpExecutionContext, step: Callable[[], StepResult]) -> StepResult:
    """Take the step and return what it did. A refusal fails the run with every problem."""
    try:
        result = step()
    except StepRefused as refused:
        records = [dg.TableRecord({"problem": problem}) for problem in refused.problems]
        table = dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn("problem")]))
        raise dg.Failure(f"Nothing was changed.\n{refused}", metadata={PROBLEMS: table}, allow_retries=False) from None
    for project, reason in result.not_done.items():
        context.log.warning(f"{project}: not done: {reason}")
    return result


def begun_before(context: dg.OpExecutionContext, workdir: Workdir, asset: str) -> tuple[Asked | None, str]:
    """For a run that repeats one: what that was asked for and had not ended; or a note, when all of it was done, its backfill asked for."""
    run = context.run
    asked = asked_before(workdir, root_run(run))
    backfill = launched(context.instance, asking_run(context.instance, run), asset) if is_repeat(run) and not asked else None
    return asked, f"all was done before this run, which repeats it: backfill {backfill}" if backfill else ""


def asked_now(context: dg.OpExecutionContext, result: StepResult) -> Asked:
    """What this run asks for, to be kept until it is done."""
    return Asked(root_run(context.run), asking_run(context.instance, context.run), result)


def record(context: dg.OpExecutionContext, result: StepResult, by: By) -> None:
    """Report what was done to each project to Dagster, as an observation of its partition."""
    for project, what in result.done.items():
        told = {"what": what, "who": by.who, "why": by.why}
        context.log_event(dg.AssetObservation("project", partition=str(project), description=f"{what} ({by.who}: {by.why})", metadata=told))


def conclude(context: dg.OpExecutionContext, config: StepConfig, result: StepResult, tell: Callable[[], None], note: str = "") -> None:
    """Tell of what was done, unless it was a dry run, and show it."""
    if not config.dry_run:
        tell()
    report(context, result, DRY_RUN if config.dry_run else note)


def report(context: dg.OpExecutionContext, result: StepResult, note: str = "", also: Mapping[str, dg.MetadataValue] = NONE) -> None:
    """Show what the step did, as the op's last act. `also` is more to show. Raises Failure when something was not done."""
    metadata: dict[str, Any] = {DONE: table(result.done), NOT_DONE: table(result.not_done), **({"note": note} if note else {}), **also}
    if result.not_done:
        left = "\n".join(f"{project}: {reason}" for project, reason in list(result.not_done.items())[:20])
        raise dg.Failure(f"{result}:\n{left}", metadata=metadata, allow_retries=False)
    context.log.info(f"{result}{': ' + note if note else ''}")
    context.add_output_metadata(metadata)


def table(what: Mapping[Project, str]) -> dg.TableMetadataValue:
    """A sentence for each project."""
    records = [dg.TableRecord({"project": str(project), "what": text}) for project, text in what.items()]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in COLUMNS]))
