"""The run launcher of one machine. It keeps no state: it lives in many processes at once."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM
from typing import Any

from dagster import DagsterRun, DagsterRunStatus

from padocc_dagster.dagster_private import (
    CheckRunHealthResult,
    ConfigurableClass,
    ConfigurableClassData,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
    report_canceling,
)
from padocc_dagster.local.keeper import Launch
from padocc_dagster.local.records import Records
from padocc_dagster.pipeline.running.forked import FORK_SERVER

PATIENCE_SECONDS = 30.0
"""The conductor believes a launch lost after 45 s (`conductor/starts.py`). A fork server that imports for longer is not waited for."""


class LocalRunLauncher(RunLauncher, ConfigurableClass):
    """Every Dagster run a process of this machine, forked from one that is warm.

    In `dagster.yaml`, without any fields:

        run_launcher:
          module: padocc_dagster.local
          class: LocalRunLauncher

    A run depends on none of Dagster's services: each of them may end and be started again.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "LocalRunLauncher":
        return cls(inst_data)

    @property
    def records(self) -> Records:
        return Records(Path(self._instance.root_directory))

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run's keeper, which outlives this process. Raises ConnectionError when it ends before it has the run."""
        home = self._instance.root_directory
        launch = Launch(context.dagster_run.run_id, {**os.environ, "DAGSTER_HOME": home}, home)
        if not _forked(launch):
            _fresh(launch)

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run. True when there was something to interrupt."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or not report_canceling(self._instance, run):
            return False
        keeper = self.records.keeper(run_id)
        if keeper is None:
            self._instance.report_run_canceled(run, "No process worked for the run any more.")
            return True
        with suppress(ProcessLookupError):
            os.kill(keeper, SIGTERM)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """FAILED for a run whose keeper was killed: a living one reports its run itself."""
        if self.has_worker(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "the run's process is gone, and so is the one that waited for its end")

    def has_worker(self, run: DagsterRun) -> bool:
        """Whether a process works for the run. A run at work of which there is no record was started by other means than this launcher."""
        records = self.records
        if records.keeper(run.run_id):
            return True
        return run.status is DagsterRunStatus.STARTED and not records.has(run.run_id)

    def forget_finished(self) -> None:
        """Remove the records of finished runs whose keepers were killed."""
        for run_id in self.records.abandoned():
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                self.records.forget(run_id)

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """What a person needs to look further."""
        keeper = self.records.keeper(run.run_id)
        return f"Process {keeper} waits for the end of the run's process." if keeper else "No process works for the run."


def _forked(launch: Launch) -> bool:
    """Request a keeper from the fork server. Returns whether the run has one; when not, nothing was started."""
    address = os.environ.get(FORK_SERVER)
    if not address:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PATIENCE_SECONDS)
            connection.connect(address)
            connection.sendall(b"\0" + launch.line())
            return _is_kept(connection)
    except OSError:
        return False


def _fresh(launch: Launch) -> None:
    """Start a keeper that is a fresh interpreter."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            command = [sys.executable, "-P", "-m", "padocc_dagster.local.keeper"]
            subprocess.Popen(command, stdin=theirs.fileno(), cwd=launch.home, start_new_session=True)
        ours.settimeout(PATIENCE_SECONDS)
        ours.sendall(launch.line())
        if not _is_kept(ours):
            raise ConnectionError("the process that was to start the run ended at once: see the log of the daemon")


def _is_kept(connection: socket.socket) -> bool:
    """Whether the run has a keeper; False when the other process ended before it had claimed it, and with it all that it forked."""
    with connection.makefile("rb") as lines:
        line = lines.readline()
    return line.endswith(b"\n") and "keeper" in json.loads(line)
