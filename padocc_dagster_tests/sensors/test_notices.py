"""Messages about groups: what is news, and that it arrives at a real webhook and a real mail server."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from padocc_dagster.pipeline.board.news import BETWEEN_SECONDS, Seen, look
from padocc_dagster.pipeline.watch.last import Last, keep_found
from padocc_dagster.pipeline.workdir.files import append_text
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.sensors.notices import WHERE, notices
from padocc_dagster_tests.pipeline.board.groups import write_group

ENDS = {"a": ("complete", "ok"), "b": ("scan", "ok"), "c": ("scan", "ok")}


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workdir:
    workdir = Workdir(tmp_path / "w")
    write_group(workdir, "g", ENDS)
    manage(workdir, "g")
    monkeypatch.setenv("WORKDIR", str(workdir.root))
    return workdir


def fails(workdir: Workdir, code: str, error_class: str = "KeyError") -> None:
    append_text(workdir.status_log(Project("g", code)), f"\ncompute,Failed-{error_class},08:30 01/03/26,")


def test_what_was_so_at_the_first_look_is_no_news(workdir: Workdir) -> None:
    fails(workdir, "b")
    message, seen = look(workdir, "g", None, 0.0)
    assert message == "" and look(workdir, "g", seen, 1e9)[0] == ""


def test_a_group_that_has_finished_and_projects_that_stopped_are_in_one_message(workdir: Workdir) -> None:
    _, seen = look(workdir, "g", None, 0.0)
    fails(workdir, "b")
    fails(workdir, "c")
    message, seen = look(workdir, "g", seen, 1e9)
    assert message.splitlines() == [
        "All its projects have ended.",
        "Stopped with KeyError in compute: b, c.",
        "Of 3 projects: 1 published, 0 at work, 0 waiting, 2 stopped.",
    ]
    assert look(workdir, "g", seen, 2e9)[0] == ""


def test_a_published_product_that_went_wrong_is_news_once(workdir: Workdir) -> None:
    _, seen = look(workdir, "g", None, 0.0)
    keep_found(workdir, "g", {"a_k1.0": Last(result="differs")})
    message, seen = look(workdir, "g", seen, 1e9)
    assert "Published, and not as their sources are now: a_k1.0 (differs)." in message
    assert look(workdir, "g", seen, 2e9)[0] == ""


def test_what_happens_within_an_hour_is_in_the_next_message(workdir: Workdir) -> None:
    _, seen = look(workdir, "g", None, 0.0)
    fails(workdir, "b")
    _, seen = look(workdir, "g", seen, 1e9)
    fails(workdir, "c", "ValueError")
    assert look(workdir, "g", seen, 1e9 + BETWEEN_SECONDS - 1) == ("", seen)
    assert "ValueError in compute: c" in look(workdir, "g", seen, 1e9 + BETWEEN_SECONDS)[0]


def test_what_was_seen_is_kept_as_json(workdir: Workdir) -> None:
    _, seen = look(workdir, "g", None, 0.0)
    assert Seen.model_validate(json.loads(seen.model_dump_json())) == seen


def test_nothing_is_sent_where_nobody_is_named(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WHERE, raising=False)
    assert isinstance(notices(dg.build_sensor_context()), dg.SkipReason)
    assert notices.default_status is dg.DefaultSensorStatus.STOPPED


def test_a_message_arrives_at_a_webhook_and_by_mail(workdir: Workdir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with webhook() as (port, posted), mail_server() as (mail_port, mails):
        config = tmp_path / "apprise.conf"
        config.write_text(f"mailto://127.0.0.1:{mail_port}?from=dagster@example.org&to=ada@example.org&mode=insecure\n")
        monkeypatch.setenv(WHERE, f"json://127.0.0.1:{port}/hook {config}")
        cursor = notices(dg.build_sensor_context()).cursor
        fails(workdir, "b", "<b>KeyError</b>")
        again = notices(dg.build_sensor_context(cursor=cursor))
        assert "about g" in again.skip_reason.skip_message
        assert "No news" in notices(dg.build_sensor_context(cursor=again.cursor)).skip_reason.skip_message
    (body,) = posted
    assert body["title"] == "PADOCC group g" and "Stopped with <b>KeyError</b> in compute: b." in body["message"]
    (mail,) = mails
    assert "PADOCC group g" in mail and "1 stopped" in mail


@pytest.mark.parametrize(("ending", "delivered"), [("exit 0", True), ("exit 3", False), ("sleep 60", False)])
def test_a_message_is_given_to_a_program_as_text_and_never_to_a_shell(
    ending: str, delivered: bool, workdir: Workdir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("padocc_dagster.sensors.notices.PROGRAM_SECONDS", 2.0)
    program = tmp_path / "notify"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" > {tmp_path}/said\ncat >> {tmp_path}/said\n{ending}\n')
    program.chmod(0o700)
    monkeypatch.setenv(WHERE, str(program))
    cursor = notices(dg.build_sensor_context()).cursor
    fails(workdir, "b", "$(touch pwned);`id`")
    assert (notices(dg.build_sensor_context(cursor=cursor)).cursor != cursor) is delivered
    said = (tmp_path / "said").read_text()
    assert said.startswith("PADOCC group g\n") and "Stopped with $(touch pwned);`id` in compute: b." in said


def test_a_message_that_does_not_arrive_is_sent_again(workdir: Workdir, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as (port, posted):
        closed = port
    monkeypatch.setenv(WHERE, f"json://127.0.0.1:{closed}/hook")
    cursor = notices(dg.build_sensor_context()).cursor
    fails(workdir, "b")
    failed = notices(dg.build_sensor_context(cursor=cursor))
    assert failed.cursor == cursor
    with webhook() as (port, posted):
        monkeypatch.setenv(WHERE, f"json://127.0.0.1:{port}/hook")
        notices(dg.build_sensor_context(cursor=failed.cursor))
    assert len(posted) == 1


@contextmanager
def webhook() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A web server that keeps what is posted to it."""
    posted: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with _served(http.server.HTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, posted


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """A mail server that takes everything."""
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, mails


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
