"""What the commands of manual steps share: their options, and how what came of a step is printed."""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

WorkdirOption = Annotated[
    Path,
    typer.Option("-w", "--workdir", envvar="WORKDIR", help="The PADOCC working directory.", file_okay=False, show_default=False),
]
ProjectsArgument = Annotated[
    list[str] | None, typer.Argument(help="Keys GROUP:PROJECT, or GROUP:* for a whole group (in quotes).", show_default=False)
]
GroupOption = Annotated[str | None, typer.Option(help="Only projects of this group.", show_default=False)]
PhaseOption = Annotated[str | None, typer.Option(help="Only projects whose last phase is this.", show_default=False)]
OutcomeOption = Annotated[
    str | None, typer.Option(help="Only projects whose last phase ended so: ok, warned, failed, skipped.", show_default=False)
]
ErrorClassOption = Annotated[str | None, typer.Option(help="Only projects that stopped with this error class.", show_default=False)]
WhyOption = Annotated[str, typer.Option(help="The reason, kept with every project touched.", show_default=False)]
WhoOption = Annotated[str | None, typer.Option(help="Who takes the step.  [default: the user's name]", show_default=False)]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]


def by(who: str | None, why: str, dry_run: bool) -> dict[str, Any]:
    """The config of `StepConfig`."""
    return {"who": who or getpass.getuser(), "why": why, "dry_run": dry_run}


def choice(
    projects: list[str] | None, group: str | None, phase: str | None = None, outcome: str | None = None, error_class: str | None = None
) -> dict[str, Any]:
    """The config of `ProjectsConfig`, without what was not given."""
    given = {"projects": projects, "group": group, "phase": phase, "outcome": outcome, "error_class": error_class}
    return {name: value for name, value in given.items() if value}


def ask(workdir: Path, job: str, config: Mapping[str, Any]) -> None:
    """Take the step, print what it did and did not do, and end with 1 unless all was done."""
    from padocc_dagster.actions.perform import perform
    from padocc_dagster.pipeline.layout import Workdir
    from padocc_dagster.services.home import Home

    try:
        home = Home(Workdir(Path(os.path.abspath(workdir))))
        if not home.workdir.root.is_dir():
            raise ValueError(f"{home.workdir.root} is not a directory: name a PADOCC working directory with -w or WORKDIR")
        performed = perform(home, job, config)
    except (OSError, ValueError) as error:
        typer.echo(f"padocc-dagster: {error}", err=True)
        raise typer.Exit(1) from None
    for project, what in performed.done.items():
        typer.echo(f"{project}: {what}")
    if performed.failure:
        typer.echo(f"padocc-dagster: {performed.failure}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(performed.done)} project(s){': ' + performed.note if performed.note else ''}")
