"""The boards of the groups, at `/board/GROUP` of the page: the overview in Dagster links them, and a browser opens no file from a page."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.layout import BOARDS, Workdir

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "sandbox allow-scripts",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""The board has names and messages from files in it. It may run its own script, and reach nothing, the page's API least of all."""


class Boards:
    """A web application (ASGI) that answers requests for boards of the working directory, and passes all others on."""

    def __init__(self, app: Callable[..., Awaitable[None]], root: str) -> None:
        self.app, self.root = app, root

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        app = self.app
        if scope["type"] == "http" and scope["path"].startswith(BOARDS):
            app = self._answer(scope["path"].removeprefix(BOARDS))
        await app(scope, receive, send)

    def _answer(self, group: str) -> Any:
        from starlette.responses import HTMLResponse, PlainTextResponse

        from padocc_dagster.pipeline.workdir.groups import list_groups

        workdir = Workdir(Path(self.root))
        if group not in list_groups(workdir):
            return PlainTextResponse(f"There is no group {group!r}.\n", 404)
        try:
            return HTMLResponse(workdir.board(group).read_bytes(), headers=HEADERS)
        except FileNotFoundError:
            return PlainTextResponse(f"The board of {group} is not written yet: it is when the conductor has refreshed the group.\n", 404)
