"""Addresses of this machine: is a port free, does a server answer."""

import json
import socket
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOCATIONS = """{ workspaceOrError { __typename
  ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"""
LOOPBACK = "127.0.0.1"
EVERY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}


def url(host: str, port: int) -> str:
    """The web server's address as a browser on this machine takes it."""
    name = EVERY_ADDRESS.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def port_problem(host: str, port: int) -> str | None:
    """Why a server could not listen there, or None."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        return f"the web server cannot listen on {host}, port {port} ({error}): choose another with --port"
    return None


def free_port(host: str = LOOPBACK) -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_listening(path: Path) -> bool:
    """Whether a server accepts connections on the Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def location_is_loaded(address: str | Path) -> bool:
    """Whether Dagster's web server answers there and has loaded its code location without an error."""
    try:
        answer = ask(address, LOCATIONS)
    except OSError:
        return False
    entries = answer["data"]["workspaceOrError"].get("locationEntries", [])
    states = [(e["loadStatus"], (e["locationOrLoadError"] or {}).get("__typename")) for e in entries]
    return bool(states) and all(state == ("LOADED", "RepositoryLocation") for state in states)


def ask(address: str | Path, query: str, timeout_seconds: float = 5.0, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send a GraphQL query to Dagster's web server, at a URL or a Unix socket, and return its answer. Raises OSError when there is none."""
    body = json.dumps({"query": query, "variables": variables or {}})
    with closing(connection_to(address, timeout_seconds)) as connection:
        try:
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"{address} answers with status {response.status}")
            answer: dict[str, Any] = json.load(response)
        except HTTPException as error:
            raise OSError(f"{address} does not answer as a web server does: {error!r}") from error
    return answer


def connection_to(address: str | Path, timeout_seconds: float) -> HTTPConnection:
    """A connection, not yet open, to a web server at a URL or a Unix socket."""
    if isinstance(address, Path):
        return _OverSocket(address, timeout_seconds)
    return HTTPConnection(urlsplit(address).netloc, timeout=timeout_seconds)


class _OverSocket(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))
