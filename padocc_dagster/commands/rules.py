"""rules."""

from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.commands import ask
from padocc_dagster.commands.place import WorkdirOption, place_of, sentences


@ask.step("set_rules", about_projects=False)
def set_rules(group: str, settings: dict[str, str]) -> ask.Config:
    """Set rules."""
    return {"group": group, "settings": settings}


def rules(
    workdir: WorkdirOption,
    group: Annotated[str, typer.Argument(help="The group.", show_default=False)],
    settings: Annotated[list[str] | None, typer.Option("--set", help="RULE=VALUE; RULE=off takes it away.", show_default=False)] = None,
    why: Annotated[str, typer.Option(help="The reason, kept with the rules.")] = "not given",
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Set what may be done unattended in a group, or show it.

    next_aggregator=true, formats=zarr, quarantine_after=N, complete_on_warnings=NAME,NAME (or none).
    """
    if settings:
        pairs = dict(setting.partition("=")[::2] for setting in settings)
        set_rules(workdir=workdir, why=why, who=who, dry_run=dry_run, group=group, settings=pairs)
    else:
        _show(workdir, group)


def _show(workdir: Path, group: str) -> None:
    with sentences():
        from padocc_dagster.pipeline.layout import Project
        from padocc_dagster.pipeline.steps.rules import read_rules

        Project.parse(f"{group}:any")
        typer.echo(str(read_rules(place_of(workdir), group)))


def register(app: typer.Typer) -> None:
    """Add this command."""
    ask.register(app, rules)
