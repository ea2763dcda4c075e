"""An API server of a few lines, for what the real one of the tests cannot show: ends of newer versions, refusals, and silence.

It answers as the real one does (`recorded.json`, checked in `test_observed.py`), of Jobs and pods that a test makes.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

NAMESPACE = "padocc"
CORE, BATCH = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/batch/v1/namespaces/{NAMESPACE}"
MOMENT = "2026-11-23T03:07:00Z"


@dataclass
class Fault:
    """What happens to requests of this method whose path contains the text."""

    method: str
    path: str
    status: int = 0
    """The answer's; 0 for none."""
    message: str = ""
    seconds: float = 0
    """How long the server is silent before."""
    times: int = 1 << 30
    after: bool = False
    """The request is carried out all the same."""


@dataclass
class Pretended:
    """The server's state, and what a test does with it."""

    url: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Rights that SelfSubjectAccessReview denies, as `verb resource`."""
    log: str = "the end of a log"

    def add_pod(self, run_id: str, name: str = "", **status: Any) -> str:
        """A pod of the run's Job, pending unless said otherwise. Returns its uid."""
        name = name or f"dagster-run-{run_id}-abcde"
        meta = {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-of-{name}",
            "creationTimestamp": MOMENT,
            "labels": {"dagster/run-id": run_id},
        }
        self.pods[name] = {"metadata": meta, "spec": {"nodeName": "n1"}, "status": {"phase": "Pending", **status}}
        return str(meta["uid"])

    def change_pod(self, name: str, **status: Any) -> None:
        self.pods[name]["status"] = status

    def only_pod(self) -> str:
        (name,) = self.pods
        return name

    def created(self) -> list[str]:
        """The names of the Jobs for which there was a request, in order."""
        return [path for method, path in self.calls if method == "POST" and path.endswith("/jobs")]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        parts = path.split("/")
        if path == "/version/":
            return 200, {"gitVersion": "v1.31.2"}
        if path.endswith("/selfsubjectaccessreviews"):
            what = body["spec"]["resourceAttributes"]
            resource = "/".join(filter(None, (what["resource"], what.get("subresource"))))
            spec = {"resourceAttributes": {key: value for key, value in what.items() if value}}
            return 201, {**body, "spec": spec, "status": {"allowed": f"{what['verb']} {resource}" not in self.refused}}
        if path.startswith(f"{BATCH}/jobs"):
            return self._jobs(method, parts[-1], query, body)
        if path == f"{CORE}/pods":
            return 200, {"items": self._chosen(self.pods, query)}
        if path == f"{CORE}/events":
            return 200, {"items": self.events}
        if path.endswith("/log"):
            return (200, self.log) if parts[-2] in self.pods else _status(404, f'pods "{parts[-2]}" not found')
        return _status(404, f"no such path: {path}")

    def _jobs(self, method: str, name: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, {"items": self._chosen(self.jobs, query)}
        if method == "DELETE":
            if name not in self.jobs:
                return _status(404, f'jobs.batch "{name}" not found')
            gone = self.jobs.pop(name)
            run_id = gone["metadata"]["labels"]["dagster/run-id"]
            self.pods = {key: pod for key, pod in self.pods.items() if pod["metadata"]["labels"]["dagster/run-id"] != run_id}
            return 200, {"kind": "Status", "status": "Success"}
        name = body["metadata"]["name"]
        if name in self.jobs:
            return _status(409, f'jobs.batch "{name}" already exists')
        if query.get("dryRun") != ["All"]:
            self.jobs[name] = {"metadata": body["metadata"], "spec": body["spec"], "status": {}}
        return 201, body

    @staticmethod
    def _chosen(known: dict[str, dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
        selector = query.get("labelSelector", [""])[0]
        ids = selector.partition("(")[2].rstrip(")").split(",")
        return [each for each in known.values() if each["metadata"]["labels"]["dagster/run-id"] in ids]


def _status(code: int, message: str) -> tuple[int, Any]:
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


@contextmanager
def pretended() -> Iterator[Pretended]:
    """A server on loopback."""
    state = Pretended()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            target = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            state.calls.append((self.command, target.path))
            fault = next((each for each in state.faults if each.method == self.command and each.path in target.path and each.times), None)
            if fault is None or fault.after:
                code, value = state.answer(self.command, target.path, parse_qs(target.query), body)
            if fault:
                fault.times -= 1
                time.sleep(fault.seconds)
                if not fault.status:
                    self.close_connection = True
                    return
                code, value = _status(fault.status, fault.message)
            text = (value if isinstance(value, str) else json.dumps(value)).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()


def kubeconfig(path: Path, url: str) -> Path:
    """How a client reaches that server."""
    named = {"clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {"token": "secret"}}]}
    contexts = [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **named, "contexts": contexts, "current-context": "x"}))
    return path
