"""A proxy on loopback that gives the server behind it one of the faults of `faults.py`.

The server builds its links from the header `Host`, which goes through as it came: so the next page is asked for here again.
"""

import http.client
import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from padocc_dagster_tests.selection.stac.faults import Fault, is_page

SECONDS = 60.0
NOT_FORWARDED = {"accept-encoding", "connection"}


class FaultyServer(ThreadingHTTPServer):
    """The proxy. `requests` has how often each path was asked for, whatever came of it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str, fault: Fault) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: Counter[str] = Counter()
        self.upstream = urlsplit(upstream).netloc
        self.ending, self._lock = threading.Event(), threading.Lock()
        self.become(fault)

    def become(self, fault: Fault) -> None:
        """Have this fault from now on, and count its requests and pages from the beginning."""
        with self._lock:
            self.fault, self._seen, self._pages, self._first_page = fault, 0, 0, b""
            self._last_item: list[dict[str, Any]] = []

    def fails(self, path: str) -> bool:
        """Count a request. Returns whether it is among those that fail."""
        with self._lock:
            self.requests[path] += 1
            self._seen += self.fault.concerns(path)
            return self.fault.concerns(path) and self._seen <= self.fault.first

    @property
    def gone(self) -> bool:
        return self._pages >= self.fault.gone_after

    @property
    def made_up(self) -> bool:
        """Whether the server behind knows nothing of the pages that are asked for."""
        return self.fault.endless and bool(self._first_page)

    def answer(self, path: str, content: bytes) -> bytes:
        """Count an answer that came from behind. Returns what becomes of it."""
        if not self.fault.concerns(path):
            return content
        with self._lock:
            self._pages += is_page(path)
            page = self._pages if is_page(path) else 0
            if page and (self.fault.same_page or self.fault.endless):
                content = self._first_page = self._first_page or content
            if page and self.fault.endless:
                content = content.replace(b"next:", f"next:{page}".encode())
            if page and self.fault.repeated:
                content = self._repeat(content)
        if self.gone and self.fault.refused:
            self.shutdown()
            self.socket.close()
        return self.fault.changed(content, page)

    def _repeat(self, content: bytes) -> bytes:
        answer = json.loads(content)
        answer["features"], self._last_item = self._last_item + answer["features"], answer["features"][-1:]
        return json.dumps(answer).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that did not wait for its answer is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request; each has a connection of its own, as HTTP/1.0 wants."""

    server: FaultyServer

    def do_GET(self) -> None:
        path, fault = urlsplit(self.path).path, self.server.fault
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fails = self.server.fails(path)
        if self.server.gone or (fails and fault.status is None):
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fails:
            self._send(fault.status, {"Content-Type": "application/json"}, b'{"code": "Fault", "description": "as a test wants it"}')
        else:
            if fault.concerns(path):
                self.server.ending.wait(fault.delay_seconds)
            self._forward(path, body)

    do_POST = do_GET

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing."""

    def _forward(self, path: str, body: bytes) -> None:
        if is_page(path) and self.server.made_up:
            self._send(200, {"Content-Type": "application/json"}, self.server.answer(path, b""))
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_FORWARDED}
        connection = http.client.HTTPConnection(self.server.upstream, timeout=SECONDS)
        connection.request(self.command, self.path, body or None, headers)
        response = connection.getresponse()
        status, kind, content = response.status, response.headers["Content-Type"], response.read()
        connection.close()
        answer = self.server.answer(path, content) if status == 200 else content
        self._send(status, {"Content-Type": kind}, answer)

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        fault = self.server.fault
        if status != 200 and fault.retry_after_seconds is not None:
            headers = {**headers, "Retry-After": str(fault.retry_after_seconds)}
        if status != 200 and fault.location is not None:
            headers = {**headers, "Location": fault.location}
        cut = fault.nonsense == "cut" and fault.concerns(urlsplit(self.path).path)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if fault.trickle_seconds and fault.concerns(urlsplit(self.path).path):
            for byte in content:
                self.wfile.write(bytes([byte]))
                if self.server.ending.wait(fault.trickle_seconds):
                    return
        self.wfile.write(content[: len(content) // 2] if cut else content)


@contextmanager
def faulty(url: str, **fault: Any) -> Iterator[FaultyServer]:
    """A proxy before the server at `url` with a Fault of these fields."""
    server = FaultyServer(url, Fault(**fault))
    serving = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    serving.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        serving.join()
        server.server_close()
