"""Accept by eye what PADOCC's validation said of products, with a name and a reason, or take that back.

A tick is a new materialisation of `validation_report` whose check passes, so that publication follows by itself; the published report
carries it. It stands for PADOCC's verdict alone: a product that is not shown to equal its sources cannot be ticked.
"""

import dagster as dg

from padocc_dagster.actions.standing import announce_standing
from padocc_dagster.actions.step import RUN_ASKED, ProjectsConfig, carry_out, conclude, record
from padocc_dagster.phase_assets import PHASE_ASSETS, PHASE_CHECKS
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.tick import tick, untick
from padocc_dagster.resources import Padocc


@dg.op(name="tick", out=dg.Out(dg.Nothing))
def accept(context: dg.OpExecutionContext, config: ProjectsConfig, padocc: Padocc) -> None:
    """Tick products whose validation failed, warned or was skipped."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: tick(workdir, chosen(workdir, config.choice), config.by, config.dry_run))

    def tell() -> None:
        record(context, done, config.by)
        source = f"ticked by {config.who}: {config.why}"
        announce_standing(context, workdir, done.done, only=dict.fromkeys(done.done, ("validate",)), source=source)

    conclude(context, config, done, tell, "publication follows")


@dg.op(name="untick", out=dg.Out(dg.Nothing))
def take_back(context: dg.OpExecutionContext, config: ProjectsConfig, padocc: Padocc) -> None:
    """Take ticks back, of products that are not published yet."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: untick(workdir, chosen(workdir, config.choice), config.by, config.dry_run))

    def tell() -> None:
        record(context, done, config.by)
        for project, what in done.done.items():
            context.log_event(_closed(str(project), f"{what} ({config.who}: {config.why})"))  # type: ignore[arg-type]  # it takes checks too

    conclude(context, config, done, tell)


@dg.job(tags=RUN_ASKED, description=accept.description)
def tick_projects() -> None:
    accept()


@dg.job(tags=RUN_ASKED, description=take_back.description)
def untick_projects() -> None:
    take_back()


def _closed(key: str, why: str) -> dg.AssetCheckEvaluation:
    """The gate before publication, closed."""
    asset, check = PHASE_ASSETS["validate"], PHASE_CHECKS["validate"]
    return dg.AssetCheckEvaluation(dg.AssetKey(asset), check, False, partition=key, blocking=True, description=why)
