"""web."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.place import WorkdirOption, place_of, sentences

if TYPE_CHECKING:
    from padocc_dagster.services.home import Home


def web(
    workdir: WorkdirOption,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on which your browser finds the page.")] = 3000,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show a page that starts no run and changes nothing.")] = False,
    host: Annotated[
        str | None,
        typer.Option(help="With --read-only: show the page on this address, to everybody who reaches it.", show_default=False),
    ] = None,
) -> None:
    """Open the page of a working directory to a browser on this machine, until Ctrl-C.

    The port of 127.0.0.1 is for your own processes: connections of other users are closed. Where no `up` shows such a page, a web server is
    started that needs none; runs that are started on its page wait for the next `up`.
    """
    from padocc_dagster.services import network
    from padocc_dagster.services.home import Home
    from padocc_dagster.services.serving import stop_signals
    from padocc_dagster.services.supervisor import ServicesError

    if host and not read_only:
        raise typer.BadParameter(
            "--host is for --read-only: on another page whoever reaches it can start runs as you. `up --host` shows that"
        )
    with sentences(ServicesError):
        home = Home(place_of(workdir))
        if not home.settings.exists():
            raise ValueError(f"{home.workdir.root} was never served: start `padocc-dagster up -w {home.workdir.root}` first")
        served = home.served_page() if not read_only else ""
        if served.startswith("http"):
            typer.echo(f"{served} shows {home.workdir.root}")
            return
        if problem := network.port_problem(host or network.LOOPBACK, port):
            raise ValueError(problem)
        stopping = threading.Event()
        with stop_signals(stopping):
            if served:
                _lead(home, port, Path(served), stopping)
            else:
                _view(home, port, host, read_only, stopping)


def _view(home: "Home", port: int, host: str | None, read_only: bool, stopping: threading.Event) -> None:
    """Show a page of its own: on the address, or else to this user alone."""
    from padocc_dagster.services.page import Page
    from padocc_dagster.services.viewing import viewing

    home.make_private()
    socket = home.viewer_socket
    page = Page(socket, port, host, read_only) if host else Page(socket, read_only=read_only)
    with viewing(home, page, stopping):
        if not host:
            _lead(home, port, socket, stopping)
        elif not stopping.is_set():
            typer.echo(f"{page.address} shows {home.workdir.root}. {page.who}")
            stopping.wait()


def _lead(home: "Home", port: int, socket: Path, stopping: threading.Event) -> None:
    """Lead this user's processes from the port to the socket."""
    from padocc_dagster.services.network import LOOPBACK, url
    from padocc_dagster.services.own_port import lead

    def greet() -> None:
        typer.echo(f"{url(LOOPBACK, port)} shows {home.workdir.root}, to your own processes alone. Ctrl-C ends it.")

    lead(port, socket, greet, stopping.is_set)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(web)
