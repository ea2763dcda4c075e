"""adopt."""

from typing import Annotated

import typer

from padocc_dagster.commands import ask


def adopt(
    workdir: ask.WorkdirOption,
    groups: Annotated[list[str] | None, typer.Argument(help="Groups. Without any, all of them.", show_default=False)] = None,
    go: Annotated[bool, typer.Option("--go", help="Take over. Without it, nothing is changed.")] = False,
    why: Annotated[str, typer.Option(help="The reason, kept with every project.")] = "adopted from plain PADOCC",
    who: ask.WhoOption = None,
) -> None:
    """Show what people made with PADOCC's own command line or SHEPARD and, with --go, take it over.

    Phases already done are not repeated; what failed is not started by itself.
    """
    if go:
        ask.ask(workdir, "adopt_groups", {"groups": groups or [], **ask.by(who, why, False)})
    else:
        _show(workdir, groups or [])


def _show(workdir: ask.WorkdirOption, names: list[str]) -> None:
    """Print what is there. Only reads."""
    import os
    from pathlib import Path

    from padocc_dagster.pipeline.layout import Workdir
    from padocc_dagster.pipeline.steps.adopt import find_groups, unsafe_groups

    try:
        place = Workdir(Path(os.path.abspath(workdir)))
        if not place.root.is_dir():
            raise ValueError(f"{place.root} is not a directory: name a PADOCC working directory with -w or WORKDIR")
        found = find_groups(place, names)
    except (OSError, ValueError) as error:
        typer.echo(f"padocc-dagster: {error}", err=True)
        raise typer.Exit(1) from None
    for group in found:
        typer.echo("\n".join(group.lines()))
    for name, problem in ({} if names else unsafe_groups(place)).items():
        typer.echo(f"group {name!r} left out: {problem}")
    projects = sum(len(group.projects) for group in found)
    typer.echo(f"{projects} project(s) of {len(found)} group(s). Nothing was changed: take them over with --go.")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(adopt)
