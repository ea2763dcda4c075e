"""up."""

import os
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.place import WorkdirOption, sentences

if TYPE_CHECKING:
    from padocc_dagster.services.home import Home
    from padocc_dagster.services.supervisor import Services

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
IDLE_LOOK_SECONDS = 2.0
STOPPED = "Ending. Runs at work on this machine are stopped, and retried at the next start; SLURM jobs go on."
TIME_OVER = "The time is over: ending. Runs at work go on, and the next start takes them over; what waits is started then."
NOTHING_LEFT = "Nothing is left to do: ending."
PortOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Show the page on this port, which every user of this machine can reach: Dagster has no login, so they can start runs as "
        "you. Without it, the page is on a Unix socket of yours alone; `padocc-dagster web` opens it.",
        show_default=False,
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option(
        help="Show the page on this address, port 3000 unless --port says otherwise: everybody who reaches it can start runs as you.",
        show_default=False,
    ),
]
ReadOnlyOption = Annotated[bool, typer.Option("--read-only", help="Show a page that starts no run and changes nothing.")]


def seconds_of(text: str) -> int:
    """Seconds of a duration, such as 50m, 2h or 600. Raises typer.BadParameter, a sentence, for anything else."""
    found = DURATION.fullmatch(text)
    seconds = int(found[1]) * SECONDS[found[2]] if found else 0
    if not seconds:
        raise typer.BadParameter(f"{text!r} is not a duration: write whole seconds (600), or a whole number with s, m, h or d (50m), not 0")
    return seconds


def up(
    workdir: WorkdirOption,
    port: PortOption = None,
    host: HostOption = None,
    read_only: ReadOnlyOption = False,
    web: Annotated[bool, typer.Option("--web/--no-web", help="Show a page, or none.")] = True,
    seconds: Annotated[
        int | None,
        typer.Option(
            "--for",
            parser=seconds_of,
            metavar="DURATION",
            help="End after so long (50m, 2h, 600). Runs at work go on, and the next `up` takes them over.",
            show_default=False,
        ),
    ] = None,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when no phase is due, no run waits or works, and nothing waits in the inbox.")
    ] = False,
) -> None:
    """Serve a working directory: daemon, code server and web server, until Ctrl-C.

    Group configs dropped into WORKDIR/inbox are picked up. Settings are in WORKDIR/dagster/dagster.yaml, made on the first start.

    With --for or --until-idle, for cron: where the working directory is served already, this ends at once, with exit status 0.
    """
    from padocc_dagster.pipeline.workdir.layout import Workdir
    from padocc_dagster.services.page import DEFAULT_PORT
    from padocc_dagster.services.serving import AlreadyServed, serving
    from padocc_dagster.services.supervisor import Services, ServicesError

    began = time.monotonic()
    if not web and (port or host or read_only):
        raise typer.BadParameter("--no-web shows no page: leave out --port, --host and --read-only")
    place = Path(os.path.abspath(workdir))
    with sentences(ServicesError):
        port = port or (DEFAULT_PORT if host else None)
        progress = partial(typer.echo, err=True)
        services = Services(Workdir(place), port, host or "127.0.0.1", say=typer.echo, web=web, read_only=read_only, progress=progress)
        if not place.exists():
            typer.echo(f"{place} was not there: a new working directory is made.")
        try:
            with serving(services):
                over = _end(services.home, began + seconds if seconds else None, until_idle)
                if not services.stopping.is_set():
                    _greet(services)
                typer.echo(services.watch(over) or STOPPED)
        except AlreadyServed as served:
            if not (seconds or until_idle):
                raise
            typer.echo(str(served))


def _end(home: "Home", deadline: float | None, until_idle: bool) -> Callable[[], str]:
    """What gives the reason to end: after that moment of the monotonic clock, or with nothing left to do."""
    from padocc_dagster.services.idleness import Idleness

    idleness, looked = Idleness.of(home) if until_idle else None, time.monotonic()

    def over() -> str:
        nonlocal looked
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return TIME_OVER
        if idleness is None or now - looked < IDLE_LOOK_SECONDS:
            return ""
        looked = now
        return NOTHING_LEFT if idleness.is_reached() else ""

    return over


def _greet(services: "Services") -> None:
    place, page = services.home.workdir, services.page
    served = f"{page.address} shows {place.root}" if page and page.port else f"{place.root} is served{'' if page else ' without a page'}"
    typer.echo(f"{served}. Drop group configs into {place.inbox}")
    typer.echo(f"In another terminal, `padocc-dagster status --watch -w {place.root}` shows what becomes of them.")
    for sentence in page.sentences(place.root) if page else ():
        typer.echo(sentence)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(up)
