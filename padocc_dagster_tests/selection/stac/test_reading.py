"""Answers are read whole, however a server sends them."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from padocc_dagster.selection.problems import CatalogueUnreachable
from padocc_dagster.selection.stac import reading
from padocc_dagster.selection.stac.reading import Reader

DOCUMENT = {str(number): "text" * number for number in range(300)}
PART = 5000
ASKED: list[str] = []
"""The paths of all requests."""


class _Handler(BaseHTTPRequestHandler):
    """Sends DOCUMENT as the words in the path say."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(DOCUMENT).encode()
        if "maintenance" in self.path and self.path not in ASKED:
            body = b"<html>back in a moment</html>"
        ASKED.append(self.path)
        self.send_response(200)
        if "gzip" in self.path:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header(*(("Transfer-Encoding", "chunked") if "chunks" in self.path else ("Content-Length", str(len(body)))))
        self.end_headers()
        body = body[: len(body) // 2] if "cut" in self.path else body
        self.close_connection = "cut" in self.path
        if "chunks" not in self.path:
            self.wfile.write(body)
            return
        for start in range(0, len(body), PART):
            part = body[start : start + PART]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        if "cut" not in self.path:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, args=[0.05])
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


WAYS = ["plain", "gzip", "chunks", "chunks-gzip"]


def test_an_answer_is_whole_in_every_way_to_send_it(address: str) -> None:
    reader = Reader()
    assert [reader.read_json(f"{address}/{way}") for way in WAYS] == [DOCUMENT] * 4


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_is_cut_is_none_in_every_way_to_send_it(address: str, way: str) -> None:
    with pytest.raises(CatalogueUnreachable, match=f"{address}/{way}"):
        Reader().read_json(f"{address}/{way}-cut")


def test_a_small_answer_that_becomes_a_large_one_is_given_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", len(json.dumps(DOCUMENT)) // 2)
    with pytest.raises(CatalogueUnreachable, match="has not sent all of its answer"):
        Reader().read_json(f"{address}/gzip")


def test_what_is_deep_is_no_answer(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for deep in ("[" * 10**5, '{"a":' * 10**5):
        monkeypatch.setattr(Reader, "read_text", lambda *_, deep=deep, **__: deep)
        with pytest.raises(CatalogueUnreachable, match="no JSON"):
            Reader().read_json(address)


def test_a_page_about_maintenance_is_asked_again_and_a_file_that_is_damaged_is_not(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BACKOFF_SECONDS", 0.01)
    assert Reader().read_json(f"{address}/maintenance") == DOCUMENT
    assert ASKED.count("/maintenance") == 2
    (tmp_path / "catalog.json").write_text("{")
    monkeypatch.setattr(reading, "BACKOFF_SECONDS", 1e9)
    with pytest.raises(CatalogueUnreachable, match="no JSON"):
        Reader().read_json(str(tmp_path / "catalog.json"))
