"""A real nginx with the deployed configuration, before the page of a test."""

import base64
import http.client
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from padocc_dagster.services.network import LOOPBACK, free_port
from padocc_dagster.services.processes import dies_with_parent

CONFIG = Path(__file__).parents[2] / "deploy" / "one-machine" / "nginx.conf"
SOCKET, PORT = "/data/padocc/dagster/private/web.sock", "listen 8443 ssl;"


@contextmanager
def proxy(page: Path, folder: Path, user: str, password: str) -> Iterator[int]:
    """Serve the page behind a login for the block. Gives the port."""
    if not shutil.which("nginx"):
        pytest.skip("needs Debian's package nginx")
    port, text = free_port(), CONFIG.read_text()
    assert SOCKET in text and PORT in text
    as_root = "" if os.geteuid() else "user root;\n"
    (folder / "nginx.conf").write_text(as_root + text.replace(SOCKET, str(page)).replace(PORT, f"listen {LOOPBACK}:{port} ssl;"))
    key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(key, cwd=folder, check=True, capture_output=True)
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True).stdout
    (folder / "htpasswd").write_text(f"{user}:{hashed}")
    command = ["nginx", "-p", str(folder), "-c", "nginx.conf"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=dies_with_parent())
    try:
        yield port
    finally:
        server.terminate()
        server.communicate(timeout=30)


def answer(port: int, body: str, login: str = "", **headers: str) -> tuple[int, bytes]:
    """The status and the text of the answer to a GraphQL request. Raises OSError while nobody listens."""
    if login:
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with closing(http.client.HTTPSConnection(LOOPBACK, port, context=context, timeout=30)) as connection:
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.read()


def status(port: int, body: str, login: str = "", **headers: str) -> int:
    """The status alone."""
    return answer(port, body, login, **headers)[0]
