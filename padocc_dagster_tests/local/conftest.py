"""An instance with the launcher of one machine, and one fork server for all tests of a module."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import yaml
from dagster._core.definitions.reconstruct import ReconstructableRepository

from padocc_dagster.dagster_private import LaunchRunContext
from padocc_dagster.local import LocalRunLauncher, fork_server
from padocc_dagster.local.records import Records
from padocc_dagster.pipeline.running.environment import clean_environment
from padocc_dagster.pipeline.running.forked import ForkedWorker
from padocc_dagster_tests.conftest import fork_server_at
from padocc_dagster_tests.local import jobs

SETTINGS = {
    "event_log_storage": {
        "module": "dagster._core.storage.event_log",
        "class": "ConsolidatedSqliteEventLogStorage",
        "config": {"base_dir": {"env": "DAGSTER_HOME"}},
    },
    "telemetry": {"enabled": False},
    "run_launcher": {"module": "padocc_dagster.local", "class": "LocalRunLauncher"},
    "compute_logs": {"module": "padocc_dagster.local", "class": "FileComputeLogManager"},
}
ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def wait_for(what: str, get: Callable[[], Any], seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := get()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.02)
    return found


@dataclass
class Launched:
    """The instance, and what tests do with its runs."""

    instance: dg.DagsterInstance
    folder: Path

    @property
    def launcher(self) -> LocalRunLauncher:
        launcher = self.instance.run_launcher
        assert isinstance(launcher, LocalRunLauncher)
        return launcher

    @property
    def records(self) -> Records:
        return Records(Path(self.instance.root_directory))

    def create(self, **tags: str) -> dg.DagsterRun:
        repository = ReconstructableRepository.for_module(jobs.__name__, "defs", working_directory=str(Path(__file__).parents[2]))
        origin = repository.get_reconstructable_job("job").get_python_origin()
        return self.instance.create_run_for_job(jobs.job, tags=tags, job_code_origin=origin, status=dg.DagsterRunStatus.STARTING)

    def launch(self, **tags: str) -> str:
        run = self.create(**tags)
        self.launcher.launch_run(LaunchRunContext(run, workspace=None))
        return run.run_id

    def waiting(self) -> tuple[str, Path]:
        """A run in the middle of its step, and the file that it waits for."""
        path = self.folder / f"waits{time.monotonic_ns()}"
        run_id = self.launch(wait=str(path))
        wait_for("the step", path.exists)
        return run_id, path.with_name(f"{path.name}.go")

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found
        return found

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        return self.run(run_id).status

    def end(self, run_id: str) -> dg.DagsterRunStatus:
        """Wait until the run has ended and its keeper is gone."""
        wait_for("the run's end", lambda: self.status(run_id) in ENDED)
        wait_for("the keeper's end", lambda: self.records.keeper(run_id) is None)
        return self.status(run_id)

    def keeper(self, run_id: str) -> psutil.Process:
        return psutil.Process(self.records.keeper(run_id))

    def process(self, run_id: str) -> psutil.Process:
        [child] = self.keeper(run_id).children()
        return child

    def messages(self, run_id: str) -> str:
        return "\n".join(entry.message for entry in self.instance.all_logs(run_id))

    def events(self, run_id: str, kind: dg.DagsterEventType) -> int:
        return len(self.instance.all_logs(run_id, of_type=kind))


@contextmanager
def loaded_server(address: Path) -> Iterator[psutil.Process]:
    """A fork server that has imported everything: a launcher waits for that for less long than a worker does."""
    with fork_server_at(address, fork_server.__name__) as process:
        with ForkedWorker(str(address), clean_environment()) as worker:
            worker.kill()
        yield psutil.Process(process.pid)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psutil.Process]:
    with loaded_server(tmp_path_factory.mktemp("local") / "socket") as process:
        yield process


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(yaml.safe_dump(SETTINGS))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance


@pytest.fixture
def launched(instance: dg.DagsterInstance, server: psutil.Process, tmp_path: Path) -> Iterator[Launched]:
    launched = Launched(instance, tmp_path)
    yield launched
    for pid in launched.records.keepers().values():
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
