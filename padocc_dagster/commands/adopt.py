"""adopt."""

from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.actions.adopt import ADOPT
from padocc_dagster.commands import ask
from padocc_dagster.commands.place import WorkdirOption, place_of, sentences


def adopt(
    workdir: WorkdirOption,
    groups: Annotated[list[str] | None, typer.Argument(help="Groups. Without any, all of them.", show_default=False)] = None,
    go: Annotated[bool, typer.Option("--go", help="Take over. Without it, nothing is changed.")] = False,
    why: Annotated[str, typer.Option(help="The reason, kept with every project.")] = "adopted from plain PADOCC",
    who: ask.WhoOption = None,
) -> None:
    """Show what people made with PADOCC's own command line or SHEPARD and, with --go, take it over.

    Phases already done are not repeated; what failed is not started unattended.
    """
    if go:
        with sentences():
            config = ask.config_of(ADOPT, why=why, who=who, dry_run=False, groups=groups or [])
        ask.take(workdir, ADOPT, config)
    else:
        _show(workdir, groups or [])


def _show(workdir: Path, names: list[str]) -> None:
    """Print what is there. Only reads."""
    with sentences():
        from padocc_dagster.pipeline.steps.adopt import find_groups, unsafe_groups

        place = place_of(workdir)
        found = find_groups(place, names)
    for group in found:
        typer.echo("\n".join(group.lines()))
    for name, problem in ({} if names else unsafe_groups(place)).items():
        typer.echo(f"group {name!r} left out: {problem}")
    projects = sum(len(group.projects) for group in found)
    typer.echo(f"{projects} project(s) of {len(found)} group(s). Nothing was changed: take them over with --go.")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command(rich_help_panel=ask.PANEL)(adopt)
