"""rules."""

from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.commands import ask


def rules(
    workdir: ask.WorkdirOption,
    group: Annotated[str, typer.Argument(help="The group.", show_default=False)],
    settings: Annotated[list[str] | None, typer.Option("--set", help="RULE=VALUE; RULE=off takes it away.", show_default=False)] = None,
    why: Annotated[str, typer.Option(help="The reason, kept with the rules.")] = "not given",
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Set what may be done unattended in a group, or show it.

    next_aggregator=true, formats=zarr, quarantine_after=N, complete_on_warnings=NAME,NAME (or none).
    """
    if not settings:
        _show(workdir, group)
        return
    pairs = dict(setting.partition("=")[::2] for setting in settings)
    ask.ask(workdir, "set_rules", {"group": group, "settings": pairs, **ask.by(who, why, dry_run)})


def _show(workdir: Path, group: str) -> None:
    from padocc_dagster.pipeline.layout import Project, Workdir
    from padocc_dagster.pipeline.steps.rules import read_rules

    try:
        Project.parse(f"{group}:any")
        typer.echo(str(read_rules(Workdir(workdir.absolute()), group)))
    except ValueError as error:
        typer.echo(f"padocc-dagster: {error}", err=True)
        raise typer.Exit(1) from None


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(rules)
