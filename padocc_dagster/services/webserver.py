"""Dagster's web server under this Python: `python -m padocc_dagster.services.webserver [--uds SOCKET] …`, with Dagster's own options.

It listens on a Unix socket, which Dagster's command has no option for (`dagster_webserver/cli.py:318` gives uvicorn a host and a port), and
refuses what the page of another site makes a browser send: Dagster answers such requests, and has no login.
"""

import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]
NO = b"Refused: this request was made by a page of another site.\n"


class OwnSite:
    """A web application (ASGI) that answers its own page's requests, and those of programs, which name no page."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or is_own(dict(scope["headers"]), scope.get("path", "")):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": NO})


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

    socket: dict[str, str] = {}
    if "--uds" in sys.argv:
        at = sys.argv.index("--uds")
        socket["uds"] = sys.argv[at + 1]
        sys.argv[at : at + 2] = ["--port", "1"]  # not used; without one, Dagster looks for a free port
    listen = uvicorn.run

    def run(app: App, **options: Any) -> None:
        listen(OwnSite(app), **{**options, **socket})  # type: ignore[arg-type]  # uvicorn's types are narrower

    uvicorn.run = run  # type: ignore[assignment]
    next(iter(entry_points(group="console_scripts", name="dagster-webserver"))).load()()


if __name__ == "__main__":
    main()
