"""Scan, compute or validate projects again, with other options, more time or more memory: a run each, together one backfill.

What lies downstream follows by itself. A recomputation as a new version leaves the old product where it is.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.backfills import launch_backfill
from padocc_dagster.actions.step import DRY_RUN, RUN_ASKED, ProjectsConfig, asked_now, begun_before, carry_out, record, report
from padocc_dagster.assets.cloud_product import AggregatorChoice, FormatChoice
from padocc_dagster.batch.allocation import TAGS, Allocation, AllocationError
from padocc_dagster.phase_assets import PHASE_ASSETS
from padocc_dagster.pipeline.events import Phase, PhaseRequested
from padocc_dagster.pipeline.steps.begun import CHOSEN, NOTED
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.history import note
from padocc_dagster.pipeline.steps.redo import ready_for
from padocc_dagster.pipeline.steps.step import StepRefused, StepResult
from padocc_dagster.resources import Padocc


class RedoConfig(ProjectsConfig):
    """Which projects, and what their runs may use."""

    time: str | None = Field(None, description="Wall time for each run on SLURM, as in 02:00:00; empty: as estimated")
    memory: str | None = Field(None, description="Memory for each run on SLURM, as in 16G; empty: as estimated")

    @property
    def tags(self) -> dict[str, str]:
        asked = {"padocc/time": self.time, "padocc/memory": self.memory}
        return {name: value for name, value in asked.items() if value}


class RecomputeConfig(RedoConfig):
    """Choices for the computation, as for `cloud_product`. They are kept with the projects."""

    cloud_format: FormatChoice | None = Field(None, description="kerchunk, parquet, zarr or CFA; empty: as the project's config says")
    aggregator: AggregatorChoice | None = Field(
        None, description="V (VirtualiZarr) or K (MultiZarrToZarr); empty: as chosen before, else V, then K"
    )
    new_version: bool = Field(False, description="Keep the present product and make the next revision beside it (CFA has no versions)")
    thorough: bool = Field(False, description="Find the order of the files and the dimensions anew, instead of taking the scan's")

    @property
    def choices(self) -> dict[str, Any]:
        return self.model_dump(mode="json", include={"cloud_format", "aggregator", "new_version", "thorough"}, exclude_none=True)


@dg.op(out=dg.Out(dg.Nothing))
def rescan(context: dg.OpExecutionContext, config: RedoConfig, padocc: Padocc) -> None:
    """Scan projects again, any number of times."""
    _redo(context, padocc, "scan", config, {})


@dg.op(out=dg.Out(dg.Nothing))
def recompute(context: dg.OpExecutionContext, config: RecomputeConfig, padocc: Padocc) -> None:
    """Make the products of projects again, with other options if need be."""
    _redo(context, padocc, "compute", config, config.choices)


@dg.op(out=dg.Out(dg.Nothing))
def revalidate(context: dg.OpExecutionContext, config: RedoConfig, padocc: Padocc) -> None:
    """Validate the products of projects again."""
    _redo(context, padocc, "validate", config, {})


@dg.job(tags=RUN_ASKED, description=rescan.description)
def rescan_projects() -> None:
    rescan()


@dg.job(tags=RUN_ASKED, description=recompute.description)
def recompute_projects() -> None:
    recompute()


@dg.job(tags=RUN_ASKED, description=revalidate.description)
def revalidate_projects() -> None:
    revalidate()


def _redo(context: dg.OpExecutionContext, padocc: Padocc, phase: Phase, config: RedoConfig, choices: dict[str, Any]) -> None:
    workdir, asset = padocc.workdir, PHASE_ASSETS[phase]

    def step() -> StepResult:
        try:
            Allocation.from_tags(config.tags, TAGS)
        except AllocationError as error:
            raise StepRefused([str(error)]) from None
        return ready_for(workdir, chosen(workdir, config.choice), phase, choices)

    if config.dry_run:
        report(context, carry_out(context, step), DRY_RUN)
        return
    asked, ended = begun_before(context, workdir, asset)
    if ended:
        report(context, StepResult(), ended)
        return
    if not asked:
        asked = asked_now(context, carry_out(context, step))
        if not asked.result.done:
            report(context, asked.result)
            return
        asked.reach(workdir, CHOSEN)
    result = asked.result
    title = f"{phase} again: {config.why}"[:100]
    described = f"{len(result.done)} project(s), asked for by {config.who}: {config.why}"
    backfill = launch_backfill(context.instance, asked.by, asset, result.done, title, described, config.tags, choices)
    if asked.stage != NOTED:
        requested = PhaseRequested(phase=phase, choices=choices, tags=config.tags, who=config.who, why=config.why, run=asked.by)
        note(workdir, dict.fromkeys(result.done, requested))
        record(context, result, config.by)
        asked.reach(workdir, NOTED)
    asked.end(workdir)
    report(context, result, f"backfill {backfill}")
