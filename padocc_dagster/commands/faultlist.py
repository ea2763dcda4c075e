"""faultlist add, faultlist list, faultlist remove."""

from pathlib import Path

import typer

from padocc_dagster.commands import ask

faultlist = typer.Typer(help="Projects that were given up on, with the reasons.", no_args_is_help=True)


@faultlist.command()
def add(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Give projects up. Automation, backfills, subsets and publication pass them over until they are taken off."""
    ask.ask(workdir, "faultlist_projects", {**ask.choice(projects, group, phase, outcome, error_class), **ask.by(who, why, dry_run)})


@faultlist.command()
def remove(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Take projects off the faultlist. They go on where they stood."""
    ask.ask(workdir, "unfaultlist_projects", {**ask.choice(projects, group), **ask.by(who, why, dry_run)})


@faultlist.command("list")
def show(workdir: ask.WorkdirOption, group: ask.GroupOption = None) -> None:
    """Print the projects that were given up on, with the reasons."""
    from padocc_dagster.pipeline.groups import faultlist as listed
    from padocc_dagster.pipeline.groups import list_groups
    from padocc_dagster.pipeline.layout import Workdir

    place = Workdir(Path(workdir).absolute())
    for name in [group] if group else list_groups(place):
        for code, reason in listed(place, name).items():
            typer.echo(f"{name}:{code}: {reason}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(faultlist, name="faultlist")
