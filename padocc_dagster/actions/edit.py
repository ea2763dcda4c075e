"""Edit what projects are made from: set or remove fields of their config, as many projects at once as are meant.

All edits are checked, as a group config is, before anything is written. The projects are then initialised again from what they are made
from now, and one backfill scans them; what lies downstream follows by itself, and a project that had failed goes on. Projects on the
faultlist are edited and not scanned.

An edit stays until the next one, or until the project's group config is dropped into the inbox again: then what that file says wins.
To keep an edit for good, write it into the group config as well.
"""

import contextlib

import dagster as dg

from padocc_dagster.actions.editing import SCAN, EditConfig, begin_alone, changed, checked, followed
from padocc_dagster.actions.step import DRY_RUN, RUN_ASKED, begun_before, carry_out, report
from padocc_dagster.pipeline.steps.begun import CHOSEN
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.step import StepResult
from padocc_dagster.resources import Padocc
from padocc_dagster.run_tags import FOLLOWED


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def edit(context: dg.OpExecutionContext, config: EditConfig, padocc: Padocc) -> None:
    workdir = padocc.workdir
    if config.dry_run:
        report(context, carry_out(context, lambda: checked(workdir, chosen(workdir, config.choice), config)[1]), DRY_RUN)
        return
    with contextlib.ExitStack() as locks:
        carry_out(context, lambda: begin_alone(workdir, locks))
        asked, ended = begun_before(context, workdir, SCAN)
        if ended:
            report(context, StepResult(), ended)
            return
        if not asked or asked.stage == CHOSEN:
            asked = changed(context, config, workdir, asked)
        if not asked.result.done:
            asked.end(workdir)
            report(context, asked.result)
            return
        left, backfill = followed(context, config, workdir, asked)
        asked.end(workdir)
    for project, reason in left.items():
        asked.result.done[project] += f"; not scanned, it is on the faultlist: {reason or 'no reason given'}"
    nothing = "all are on the faultlist: nothing is scanned" if left else "nothing is left to scan"
    report(context, asked.result, f"backfill {backfill}" if backfill else nothing)


@dg.job(tags={**RUN_ASKED, FOLLOWED: "yes"}, description=__doc__)
def edit_projects() -> None:
    edit()
