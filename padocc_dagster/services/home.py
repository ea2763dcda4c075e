"""DAGSTER_HOME of the instance that `padocc-dagster up` keeps in a working directory: its folder and the files in it.

    dagster/dagster.yaml       the instance's settings, written on the first start, a person's from then on
    dagster/workspace.yaml     where the code server answers, written on every start
    dagster/up.lock, up.json   who serves this working directory, and at which address
    dagster/service_logs/      what each service printed
    dagster/private/           the sockets of the web server, the code server and the fork server, closed to everybody else

No file may ever lie in `dagster/logs`: that name is Dagster's own. Its web server and daemon send all files in it to
Dagster's telemetry address and delete it, even where `telemetry: enabled: false` is set (`dagster/_core/telemetry_upload.py:37`
looks only at DAGSTER_DISABLE_TELEMETRY, which `supervisor.py` sets as well).
"""

import contextlib
import hashlib
import json
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psutil

from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.page import Page

LOCATION = "padocc_dagster"
SOCKET_PATH_LENGTH = 100
"""A Unix socket's path may have 107 bytes on Linux and 103 on macOS."""
LONGEST_NAME = "web-4194304.sock"
"""Of a socket, with the largest process id."""


@dataclass(frozen=True)
class Home:
    """DAGSTER_HOME of one working directory."""

    workdir: Workdir

    @property
    def root(self) -> Path:
        return self.workdir.root / "dagster"

    @property
    def settings(self) -> Path:
        return self.root / "dagster.yaml"

    @property
    def workspace(self) -> Path:
        return self.root / "workspace.yaml"

    @property
    def lock(self) -> Path:
        return self.root / "up.lock"

    @property
    def address(self) -> Path:
        return self.root / "up.json"

    def log(self, service: str) -> Path:
        return self.root / "service_logs" / f"{service}.log"

    @property
    def socket(self) -> Path:
        """Where the code server listens: the same at every start, so that what Dagster stored about it stays true."""
        return self._socket("code-server")

    @property
    def fork_socket(self) -> Path:
        """Where the fork server listens, of which runs on this machine ask their workers."""
        return self._socket("fork-server")

    @property
    def page_socket(self) -> Path:
        """Where the web server answers, unless it was given a port."""
        return self._socket("web")

    @property
    def viewer_socket(self) -> Path:
        """Where a web server of this process answers, beside the one of the services."""
        return self._socket(f"web-{os.getpid()}")

    def _socket(self, service: str) -> Path:
        """All are in one folder: where the longest path is too long for a socket, it is one in the temporary directory."""
        path = self.root / "private" / f"{service}.sock"
        if len(os.fsencode(path.parent / LONGEST_NAME)) <= SOCKET_PATH_LENGTH:
            return path
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"padocc-dagster-{os.getuid()}" / f"{name}.sock"

    def prepare(self) -> None:
        """Make the folder and its files. Settings that are there already are left as they are."""
        if not self.settings.exists():
            write_text(self.settings, first_settings(os.cpu_count() or 2))
        self.make_private()
        server = f"{{socket: {json.dumps(str(self.socket))}, host: localhost, location_name: {LOCATION}}}"
        write_text(self.workspace, f"load_from:\n  - grpc_server: {server}\n")

    def make_private(self) -> None:
        """Make the folder of the sockets, closed to others. Raises ValueError when it is there and others own it or can enter."""
        _private_folder(self.socket.parent)

    def write_address(self, page: Page | None) -> None:
        """Record that this process serves the working directory, and where."""
        of_page = {"page": str(page.address), "read_only": page.read_only} if page else {"page": "", "read_only": True}
        write_text(self.address, json.dumps({"pid": os.getpid(), **of_page}))

    def read_address(self) -> str:
        """Who serves the working directory, for a person to read."""
        try:
            served = json.loads(self.address.read_text())
            return f"process {served['pid']}, {served['page'] or 'without a page'}"
        except (OSError, ValueError, KeyError):
            return "another process"

    def served_page(self) -> str:
        """The URL or the socket of the page on which runs can be started; empty where nobody serves one."""
        try:
            served = json.loads(self.address.read_text())
            return "" if served["read_only"] or not psutil.pid_exists(served["pid"]) else str(served["page"])
        except (OSError, ValueError, KeyError):
            return ""


def first_settings(cpus: int) -> str:
    """The text of the shipped dagster.yaml, with as many runs at once as there are CPUs, two at least: one may be a short one."""
    text = files("padocc_dagster.services").joinpath("one_machine.yaml").read_text(encoding="utf-8")
    return re.sub(r"max_concurrent_runs: \d+", f"max_concurrent_runs: {max(2, cpus)}", text)


def _private_folder(path: Path) -> None:
    """Make it, closed to others: whoever reaches a socket in it can run code as this user.

    Raises ValueError when something is there already that others own or can enter.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        other = ", or set TMPDIR to a folder of your own" if path.name.startswith("padocc-dagster-") else ""
        raise ValueError(f"{path}, where the services listen, is not a folder of yours alone (mode 0700): remove it{other}")
