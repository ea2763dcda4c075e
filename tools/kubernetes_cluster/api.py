"""Requests to the private cluster's API server, as its admin."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from ..private.folder import ClusterError
from .folder import Folder


def request(folder: Folder, method: str, path: str, body: Any = None, seconds: float = 10) -> Any:
    """The answer, read as JSON where it is. Raises ClusterError with the server's own message."""
    config = json.loads(folder.kubeconfig("admin").read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    kind = "application/strategic-merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"Authorization": f"Bearer {user['token']}", "Content-Type": kind}
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(cluster["server"] + path, data, headers, method=method)
    trusted = ssl.create_default_context(cafile=cluster["certificate-authority"])
    try:
        with urllib.request.urlopen(sent, timeout=seconds, context=trusted) as got:
            text = got.read().decode()
    except urllib.error.HTTPError as error:
        raise ClusterError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise ClusterError(f"{method} {path}: {error}") from None
    try:
        return json.loads(text)
    except ValueError:
        return text


def answers(folder: Folder, path: str) -> bool:
    """Whether the server takes this request now."""
    try:
        request(folder, "GET", path, seconds=3)
    except (ClusterError, OSError):
        return False
    return True
