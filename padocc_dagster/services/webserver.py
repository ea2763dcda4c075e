"""Dagster's web server under this Python: `python -m padocc_dagster.services.webserver [--uds SOCKET] …`, with Dagster's own options.

It listens on a Unix socket, which Dagster's command has no option for (`dagster_webserver/cli.py:318` gives uvicorn a host and a port), and
refuses what the page of another site makes a browser send: Dagster answers such requests, and has no login. On the socket it takes over the
name of a proxy's login: no other user's process reaches that.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

from padocc_dagster.services.boards import Boards

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]
NO = b"Refused: this request was made by a page of another site, or for one. Open this page as http://localhost or http://127.0.0.1.\n"
USER_HEADER = b"x-forwarded-user"
LONGEST_USER = 100
LOCAL = ("localhost", "127.0.0.1", "::1")

user: ContextVar[str] = ContextVar("user", default="")
"""Whose request is being answered, by the login of a proxy; empty without one. What a request starts inherits it."""


class OwnSite:
    """A web application (ASGI) that answers its own page's requests, and those of programs, which name no page."""

    def __init__(self, app: App, on_socket: bool = False) -> None:
        self.app, self.on_socket = app, on_socket

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] not in ("http", "websocket") or self._is_own(headers, scope.get("path", "")):
            user.set(user_of(headers) if self.on_socket else "")
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": NO})

    def _is_own(self, headers: dict[bytes, bytes], path: str) -> bool:
        return is_own(headers, path) and (is_local(headers) or not self.on_socket)


def user_of(headers: dict[bytes, bytes]) -> str:
    """The name in the proxy's header, on one line; empty without the header."""
    return " ".join(headers.get(USER_HEADER, b"").decode(errors="replace").split())[:LONGEST_USER]


def is_local(headers: dict[bytes, bytes]) -> bool:
    """Whether the page was opened under a name of the browser's own machine: another site may let its name mean that (DNS rebinding)."""
    return urlsplit(b"//" + headers.get(b"host", b"")).hostname in [name.encode() for name in LOCAL]


def is_own(headers: dict[bytes, bytes], path: str) -> bool:
    """Whether a request with these headers (their names in lower case) was made by no page of another site.

    A browser names the site of the page that sends (`Origin`), except with a GET, where it names the relation (`Sec-Fetch-Site`). A link
    from another site to a page here is followed; one to the API, which would execute it, is not.
    """
    if (origin := headers.get(b"origin")) is not None:
        return urlsplit(origin).netloc == headers.get(b"host")
    is_same = headers.get(b"sec-fetch-site", b"none") in (b"same-origin", b"none")
    return is_same or (headers.get(b"sec-fetch-mode") == b"navigate" and "graphql" not in path)


def main() -> None:
    """Take `--uds SOCKET` from the arguments, and run Dagster's command with the rest."""
    import uvicorn

    from padocc_dagster.dagster_private import name_users

    socket: dict[str, str] = {}
    if "--uds" in sys.argv:
        at = sys.argv.index("--uds")
        socket["uds"] = sys.argv[at + 1]
        sys.argv[at : at + 2] = ["--port", "1"]  # not used; without one, Dagster looks for a free port
    name_users(user.get)
    listen = uvicorn.run

    def run(app: App, **options: Any) -> None:
        listen(OwnSite(Boards(app, os.environ["WORKDIR"]), bool(socket)), **{**options, **socket})

    uvicorn.run = run  # type: ignore[assignment]
    next(iter(entry_points(group="console_scripts", name="dagster-webserver"))).load()()


if __name__ == "__main__":
    main()
