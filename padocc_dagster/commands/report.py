"""report."""

import os
from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.commands.estimate import settings_of
from padocc_dagster.commands.place import WorkdirOption, place_with, sentences


def report(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The group.", show_default=False)],
    workdir: WorkdirOption,
    to: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="The file to write.  [default: groups/GROUP/padocc_dagster/board.html in WORKDIR]", show_default=False
        ),
    ] = None,
) -> None:
    """Write the board of a group: one HTML page with all its projects, what stopped and why, progress, products and where they lie.

    The page needs no server and no network, and can be mailed. A running instance writes it whenever the group changes.
    """
    with sentences():
        from padocc_dagster.pipeline.board import forecast_of, read_facts, write_board

        place = place_with(workdir, group)
        most, on_slurm = settings_of(place.root)
        facts = read_facts(place, group)
        forecast = forecast_of(place, group, facts, most or os.cpu_count() or 1, on_slurm)
        path = write_board(place, group, facts, forecast, Path(os.path.abspath(to)) if to else None)
    typer.echo(f"{path.as_uri()} has the board of the group {group}: open it in a browser, or mail it.")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(report)
