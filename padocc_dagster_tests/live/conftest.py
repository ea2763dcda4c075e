"""A live instance for the tests of a module: the real web server, daemon and code server over a working directory of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
import psutil
import pytest
import yaml

from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import ProjectState, StatusRow, project_state, read_rows
from padocc_dagster.services.processes import dies_with_parent
from padocc_dagster_tests.make_netcdf import Series, write

PATIENCE = 400.0
"""How many seconds to wait for what takes a tenth of that on a machine with nothing else to do."""
COMMANDS = {
    "daemon": "padocc_dagster.services.daemon",
    "webserver": "padocc_dagster.services.webserver",
    "code-server": "api grpc",
    "fork-server": "local.fork_server",
}


@dataclass
class Live:
    """A running instance and what a test does with it."""

    workdir: Workdir
    sources: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Opened once: to open it takes twenty times as long as to ask it for a run."""
        home = str(self.workdir.root / "dagster")
        with mock.patch.dict(os.environ, DAGSTER_HOME=home):
            return dg.DagsterInstance.from_config(home)

    def series(self, name: str, series: Series = Series(), seed: int = 0) -> str:
        """Write source files and return their pattern."""
        write(self.sources / name, series, seed)
        return f"{self.sources / name}/*.nc"

    def drop(self, group: str, projects: list[dict[str, Any]]) -> None:
        """Put a group config into the inbox, in one step."""
        self.drop_text(f"{group}.yaml", yaml.safe_dump({"group": group, "projects": projects}))

    def drop_text(self, name: str, text: str) -> None:
        beside = self.workdir.inbox / f".{name}"
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text)
        beside.rename(self.workdir.inbox / name)

    def state(self, key: str) -> ProjectState:
        return project_state(self.workdir, Project.parse(key))

    def rows(self, key: str) -> list[StatusRow]:
        return read_rows(self.workdir.status_log(Project.parse(key)))

    def runs(self, **tags: str) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(tags=tags)))

    def wait(self, what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait until the condition holds, and return what it gave."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, f"the instance ended while waiting for {what}"
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
            time.sleep(0.3)
        return found

    def kill(self, name: str) -> None:
        """Kill one of the services without warning."""
        command = COMMANDS[name]
        for child in psutil.Process(self.process.pid).children():
            if command in " ".join(child.cmdline()):
                child.send_signal(signal.SIGKILL)
                psutil.wait_procs([child], 10)  # it stays a zombie while `up` is busy
                return
        raise AssertionError(f"no {name} among the children")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(root: Path, port: int) -> subprocess.Popen[bytes]:
    """Start `padocc-dagster up` and wait for its address."""
    environment = {name: value for name, value in os.environ.items() if name != "WORKDIR"}
    command = [sys.executable, "-m", "padocc_dagster.cli", "up", "-w", str(root), "--port", str(port)]
    orphaned = dies_with_parent()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, start_new_session=True, preexec_fn=orphaned)
    line = process.stdout.readline().decode()
    assert "http://127.0.0.1" in line, line
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # a shell's background jobs, and what they start, pass Ctrl-C over
    process.wait(PATIENCE)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    root = tmp_path_factory.mktemp("live")
    (root / "work").mkdir()
    port = free_port()
    live = Live(Workdir(root / "work"), root / "sources", port, start(root / "work", port))
    try:
        yield live
    finally:
        stop(live.process)
        live.instance.dispose()
