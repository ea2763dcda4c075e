"""The boards that the page of an instance shows."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.boards import Boards


async def dagster(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "Dagster's own"})


def answer(workdir: Workdir, path: str) -> tuple[int, str, dict[bytes, bytes]]:
    """Status, body and headers; 0 where Dagster answers."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    asyncio.run(Boards(dagster, str(workdir.root))(scope, receive, send))
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return start.get("status", 0), body, dict(start.get("headers", ()))


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    """With the groups `with-a-board`, and `new` without one."""
    made = Workdir(tmp_path)
    for group in ("with-a-board", "new"):
        made.main_list(group).parent.mkdir(parents=True)
        made.main_list(group).touch()
    made.board("with-a-board").parent.mkdir()
    made.board("with-a-board").write_text("<p>the board")
    (tmp_path / "board.html").write_text("of no group")
    return made


def test_a_board_is_shown_and_may_reach_nothing(workdir: Workdir) -> None:
    status, body, headers = answer(workdir, "/board/with-a-board")
    assert (status, body, headers[b"content-type"]) == (200, "<p>the board", b"text/html; charset=utf-8")
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'") and b"sandbox" in headers[b"content-security-policy"]


@pytest.mark.parametrize("group", ["none", "", ".", "..", "../..", "with-a-board/../with-a-board", "/etc", "in_progress"])
def test_what_is_no_group_has_no_board(workdir: Workdir, group: str) -> None:
    status, body, _ = answer(workdir, f"/board/{group}")
    assert status == 404 and "There is no group" in body


def test_a_group_whose_board_is_not_written_yet_says_so(workdir: Workdir) -> None:
    status, body, _ = answer(workdir, "/board/new")
    assert status == 404 and "not written yet" in body


@pytest.mark.parametrize("path", ["/", "/graphql", "/boards/x", "/board"])
def test_everything_else_is_answered_by_dagster(workdir: Workdir, path: str) -> None:
    assert answer(workdir, path)[0] == 0
