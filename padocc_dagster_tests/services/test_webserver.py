"""Which requests the web server answers."""

import asyncio
from typing import Any

import pytest

from padocc_dagster.services.webserver import OwnSite, is_local, is_own, user

HOST = (b"host", b"localhost:3000")


def fetched(site: bytes, mode: bytes = b"cors") -> list[tuple[bytes, bytes]]:
    return [(b"sec-fetch-site", site), (b"sec-fetch-mode", mode)]


@pytest.mark.parametrize(
    ("headers", "path", "own"),
    [
        ([], "/graphql", True),
        ([(b"origin", b"http://localhost:3000")], "/graphql", True),
        ([(b"origin", b"http://elsewhere.example")], "/graphql", False),
        ([(b"origin", b"http://localhost:3001")], "/graphql", False),
        ([(b"origin", b"null")], "/graphql", False),
        (fetched(b"same-origin"), "/graphql", True),
        (fetched(b"none", b"navigate"), "/graphql", True),
        (fetched(b"cross-site", b"no-cors"), "/graphql", False),
        (fetched(b"same-site", b"no-cors"), "/graphql", False),
        (fetched(b"cross-site", b"navigate"), "/graphql", False),
        (fetched(b"cross-site", b"navigate"), "/runs/abc", True),
    ],
    ids=str,
)
def test_requests_of_this_page_and_of_programs_are_answered_and_those_of_other_sites_are_not(
    headers: list[tuple[bytes, bytes]], path: str, own: bool
) -> None:
    assert is_own(dict([HOST, *headers]), path) is own


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost:3000", True),
        ("127.0.0.1:4000", True),
        ("[::1]:3000", True),
        ("localhost", True),
        ("elsewhere.example:3000", False),
        ("", False),
    ],
)
def test_a_page_on_a_socket_answers_under_names_of_the_browser_s_own_machine_alone(host: str, local: bool) -> None:
    assert is_local({b"host": host.encode()}) is local


@pytest.mark.parametrize(
    ("on_socket", "sent", "name"),
    [
        (True, [(b"x-forwarded-user", "Zoë".encode())], "Zoë"),
        (True, [(b"x-forwarded-user", b"a\tb\n" + b"c" * 200)], f"a b {'c' * 96}"),
        (True, [(b"x-forwarded-user", b"\xff")], "\N{REPLACEMENT CHARACTER}"),
        (True, [], ""),
        (False, [(b"x-forwarded-user", b"ada")], ""),
    ],
)
def test_the_name_of_a_login_is_taken_over_on_the_socket_alone(on_socket: bool, sent: list[tuple[bytes, bytes]], name: str) -> None:
    seen = []

    async def application(*_: Any) -> None:
        seen.append(user.get())

    scope = {"type": "http", "path": "/graphql", "headers": [HOST, *sent]}
    asyncio.run(OwnSite(application, on_socket)(scope, None, application))
    assert seen == [name] and not user.get()


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("http", {"type": "http.response.start", "status": 403}), ("websocket", {"type": "websocket.close", "code": 1008})],
)
def test_what_is_refused_does_not_reach_the_application(kind: str, answer: dict[str, Any]) -> None:
    sent: list[dict[str, Any]] = []

    async def application(*_: Any) -> None:
        raise AssertionError("it was called")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": kind, "path": "/graphql", "headers": [HOST, (b"origin", b"http://elsewhere.example")]}
    asyncio.run(OwnSite(application)(scope, None, send))
    assert answer.items() <= sent[0].items()
