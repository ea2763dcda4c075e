"""What a person reads about the page."""

from pathlib import Path

import pytest

from padocc_dagster.services.page import Page

SOCKET = Path("/data/w/dagster/private/web.sock")


def test_a_page_on_a_socket_is_opened_by_a_command_here_and_by_a_tunnel_from_elsewhere() -> None:
    here, there, who = Page(SOCKET).sentences(Path("/data/w"))
    assert "padocc-dagster web -w /data/w" in here
    assert f"ssh -L 3000:{SOCKET} " in there and "http://localhost:3000" in there
    assert who == "Nobody else can reach it."


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (Page(SOCKET, 3000), "Every user of this machine can start runs as you on that page: Dagster has no login."),
        (
            Page(SOCKET, 80, "0.0.0.0"),
            "Everybody who reaches 0.0.0.0, port 80, can start runs as you on that page: Dagster has no login.",
        ),
        (Page(SOCKET, 3000, "::1", read_only=True), "Every user of this machine can read that page."),
    ],
)
def test_a_page_with_a_port_says_who_can_do_what(page: Page, sentence: str) -> None:
    assert page.sentences(Path("/data/w")) == [sentence]


def test_the_web_server_is_given_the_socket_or_the_port_and_whether_it_may_change_anything() -> None:
    assert Page(SOCKET).arguments[:2] == ["--uds", str(SOCKET)] and "--read-only" not in Page(SOCKET).arguments
    arguments = Page(SOCKET, 3001, read_only=True).arguments
    assert arguments[:4] == ["-h", "127.0.0.1", "-p", "3001"] and "--read-only" in arguments
