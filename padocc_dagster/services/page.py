"""Where Dagster's web server answers, and who can reach it there."""

import getpass
import socket as sockets
from dataclasses import dataclass
from pathlib import Path

from padocc_dagster.services import network

DEFAULT_PORT = 3000
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Page:
    """The page of one working directory: on a Unix socket in a folder of this user alone, or on a port. Dagster has no login."""

    socket: Path
    port: int | None = None
    """None for the socket."""
    host: str = "127.0.0.1"
    read_only: bool = False
    """Whether the page refuses all that would change anything."""

    @property
    def address(self) -> str | Path:
        """Where requests are sent to, by this machine."""
        return self.socket if self.port is None else network.url(self.host, self.port)

    @property
    def arguments(self) -> list[str]:
        """Of the program `services/webserver.py`."""
        where = ["--uds", str(self.socket)] if self.port is None else ["-h", self.host, "-p", str(self.port)]
        return [*where, "--log-level", "warning", *(["--read-only"] if self.read_only else ())]

    def problem(self) -> str | None:
        """Why a server could not listen there, or None."""
        return network.port_problem(self.host, self.port) if self.port is not None else None

    @property
    def who(self) -> str:
        """A sentence on who else can do what on the page."""
        if self.port is None:
            return "Nobody else can reach it."
        who = "Every user of this machine" if self.host in LOOPBACK else f"Everybody who reaches {self.host}, port {self.port},"
        return f"{who} can {'read that page' if self.read_only else 'start runs as you on that page: Dagster has no login'}."

    def sentences(self, workdir: Path) -> list[str]:
        """How a person opens the page, and who else can."""
        if self.port is not None:
            return [self.who]
        tunnel = f"ssh -L {DEFAULT_PORT}:{self.socket} {getpass.getuser()}@{sockets.gethostname()}"
        return [
            f"Its page, on this machine: padocc-dagster web -w {workdir}",
            f"Its page, on yours: {tunnel}    then http://localhost:{DEFAULT_PORT}",
            self.who,
        ]
