"""Give projects up for a stated reason, or take them on again. A project on the faultlist is passed over by everything that goes on by
itself, and PADOCC's own `faultlist.csv` says the same."""

import dagster as dg

from padocc_dagster.actions.standing import announce_standing
from padocc_dagster.actions.step import RUN_ASKED, ProjectsConfig, carry_out, conclude, record
from padocc_dagster.pipeline.due import next_phase
from padocc_dagster.pipeline.outcome import PHASES
from padocc_dagster.pipeline.steps.choice import chosen
from padocc_dagster.pipeline.steps.faultlisting import give_up, take_on
from padocc_dagster.resources import Padocc


@dg.op(out=dg.Out(dg.Nothing))
def put_on_faultlist(context: dg.OpExecutionContext, config: ProjectsConfig, padocc: Padocc) -> None:
    """Give projects up. The reason and the name stand in the group's faultlist.csv."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: give_up(workdir, chosen(workdir, config.choice), config.by, config.dry_run))
    conclude(context, config, done, lambda: record(context, done, config.by))


@dg.op(out=dg.Out(dg.Nothing))
def take_off_faultlist(context: dg.OpExecutionContext, config: ProjectsConfig, padocc: Padocc) -> None:
    """Take projects on again. They go on where they stood."""
    workdir = padocc.workdir
    done = carry_out(context, lambda: take_on(workdir, chosen(workdir, config.choice), config.by, config.dry_run))

    def tell() -> None:  # what the next phase builds on may have been made anew while automation passed the project over
        due = {project: next_phase(workdir, project) for project in done.done}
        before = {project: (PHASES[PHASES.index(phase) - 1],) for project, phase in due.items() if phase}
        announce_standing(context, workdir, before, only=before, source="taken off the faultlist")
        record(context, done, config.by)

    conclude(context, config, done, tell)


@dg.job(tags=RUN_ASKED, description=put_on_faultlist.description)
def faultlist_projects() -> None:
    put_on_faultlist()


@dg.job(tags=RUN_ASKED, description=take_off_faultlist.description)
def unfaultlist_projects() -> None:
    take_off_faultlist()
