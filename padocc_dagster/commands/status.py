"""status: what each project is doing, once or until all has ended."""

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.place import WorkdirOption, place_of, sentences

if TYPE_CHECKING:
    from padocc_dagster.commands.looking import Look, Looker

WIDE = 250
"""Columns of a table that is not printed on a terminal: a line for each project, so that it can be searched."""
LOOK_SECONDS = 2.0
SETTLED_SECONDS = 12.0
"""So long nothing may follow where something stopped: the conductor looks every five seconds, and a rule of the group may go on."""
UNSERVED_SECONDS = 60.0
"""So long an instance may take to start."""


def status(
    workdir: WorkdirOption,
    group: Annotated[str | None, typer.Argument(help="One group. Without it, all groups.", show_default=False)] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until all is published or stopped. The exit status says which.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list with an object for each project.")] = False,
) -> None:
    """Show what each project is doing: running, waiting for what, published, or stopped and why; a line of totals counts them.

    With --watch, ends with 0 when all projects are published (those that were given up or withdrawn left out), and with 1 when one
    stopped, a group config was not accepted, or nobody serves the working directory.
    """
    from padocc_dagster.commands.looking import Looker

    if watch and as_json:
        raise typer.BadParameter("--watch shows a table: leave out --json")
    with sentences():
        looker = Looker(place_of(workdir), group)
        if watch:
            raise typer.Exit(_watch(looker))
        look = looker.look()
    if as_json:
        typer.echo(json.dumps([row.as_dict() for row in look.rows], indent=1))
    else:
        _print(look)


def _print(look: "Look") -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False, soft_wrap=True)
    console.print(look.text(console.width))


def _watch(looker: "Looker") -> int:
    """Show looks until nothing follows. Returns the exit status."""
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False, soft_wrap=True)
    served = settled = time.monotonic()
    shown = ""
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            began = time.monotonic()
            look, now = looker.look(), time.monotonic()
            if console.is_terminal:
                live.update(look.text(console.width, console.height - 1), refresh=True)
            elif look.summary != shown:
                shown = look.summary
                typer.echo(shown)
            served = now if look.is_served else served
            settled = now if look.moves else settled
            if not look.moves and (look.is_good or now - settled > SETTLED_SECONDS):
                break
            if now - served > UNSERVED_SECONDS:
                break
            time.sleep(max(LOOK_SECONDS, 3 * (now - began)))
    _print(look)
    return 0 if look.is_good else 1


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(status)
