"""Accept by eye what PADOCC's validation said of products, with a name and a reason, or take that back.

A tick is a new materialisation of `validation_report` whose check passes, so that publication follows by itself; the published report
carries it. It stands for PADOCC's verdict alone: a product that is not shown to equal its sources cannot be ticked.
"""

import dagster as dg

from padocc_dagster.actions.standing import announce_standing
from padocc_dagster.actions.step import DRY_RUN, RUN_ASKED, ProjectsConfig, carry_out, record, report
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.tick import tick, untick
from padocc_dagster.resources import Padocc


@dg.op(name="tick", out=dg.Out(dg.Nothing))
def accept(context: dg.OpExecutionContext, config: ProjectsConfig, padocc: Padocc) -> None:
    """Tick products whose validation failed, warned or was skipped."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: tick(workdir, chosen(workdir, config.choice), config.by, config.dry_run))
    if not config.dry_run:
        record(context, workdir, done, config.by)
        source = f"ticked by {config.who}: {config.why}"
        announce_standing(context, workdir, done.done, only=dict.fromkeys(done.done, ("validate",)), source=source)
    report(context, done, DRY_RUN if config.dry_run else "publication follows")


@dg.op(name="untick", out=dg.Out(dg.Nothing))
def take_back(context: dg.OpExecutionContext, config: ProjectsConfig, padocc: Padocc) -> None:
    """Take ticks back, of products that are not published yet."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: untick(workdir, chosen(workdir, config.choice), config.by, config.dry_run))
    if not config.dry_run:
        record(context, workdir, done, config.by)
        for project, what in done.done.items():
            closed = dg.AssetCheckEvaluation(dg.AssetKey("validation_report"), "validation_passed", False, partition=str(project),
                                             blocking=True, description=f"{what} ({config.who}: {config.why})")
            context.log_event(closed)
    report(context, done, DRY_RUN if config.dry_run else "")


@dg.job(tags=RUN_ASKED, description=accept.description)
def tick_projects() -> None:
    accept()


@dg.job(tags=RUN_ASKED, description=take_back.description)
def untick_projects() -> None:
    take_back()
