"""A live instance on a real SLURM: a private cluster, a real Postgres, the three services, and `load.py` as the definitions."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import yaml

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.runs import RETRIED_BY, WILL_RETRY
from padocc_dagster.services import network, processes
from padocc_dagster.services.home import Home
from padocc_dagster.services.serving import serving
from padocc_dagster.services.supervisor import Services
from padocc_dagster.slurm.runs import tags
from padocc_dagster_tests.live.conftest import PATIENCE
from padocc_dagster_tests.slurm.live.shims import Shims
from padocc_dagster_tests.slurm.postgres import Postgres
from tools.private.process import wait_until
from tools.slurm_cluster.cluster import Cluster

ROOT = Path(__file__).parents[3]
LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
TERMINATE = """mutation ($id: String!, $policy: TerminateRunPolicy) { terminateRun(runId: $id, terminatePolicy: $policy) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""
QUICK = {"poll_interval_seconds": 2, "terminate_grace_seconds": 5, "command_timeout_seconds": 5, "unreachable_warning_seconds": 3}
FORGOTTEN_SECONDS = 60
LEDGER, LOAD = "LOAD_LEDGER", "padocc_dagster_tests.slurm.load"
SIZES = {"default_allocation": {"time": "20", "memory": "1G", "cpus": 1}, "largest_allocation": {"memory": "4G"}}
ALLOCATION = {**SIZES, "allocation_policy": ""}


@dataclass
class LiveSlurm:
    """A running instance on a running cluster, and what a test does with them."""

    cluster: Cluster
    postgres: Postgres
    shims: Shims
    services: Services
    ledger: Path

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Opened once: to open it takes twenty times as long as to ask it for a run."""
        return dg.DagsterInstance.from_config(str(self.services.home.root))

    def launch(self, piece: str, run_tags: dict[str, str] | None = None, **config: Any) -> str:
        """Start a run of the asset `load` for a new partition, as the UI does, and return its id."""
        self.instance.add_dynamic_partitions("pieces", [piece])
        selector = {"repositoryLocationName": "padocc_dagster", "repositoryName": "__repository__", "pipelineName": "__ASSET_JOB"}
        named = {tags.PARTITION: piece, **(run_tags or {})}
        params = {
            "selector": {**selector, "assetSelection": [{"path": ["load"]}], "assetCheckSelection": []},
            "runConfigData": json.dumps({"ops": {"load": {"config": config}}}),
            "mode": "default",
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in named.items()]},
        }
        answer = self.ask(LAUNCH, {"params": params})["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def terminate(self, run_id: str, force: bool = False) -> dict[str, Any]:
        """Press Terminate in the UI."""
        policy = "MARK_AS_CANCELED_IMMEDIATELY" if force else "SAFE_TERMINATE"
        return self.ask(TERMINATE, {"id": run_id, "policy": policy})["terminateRun"]

    def ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        return network.ask(self.services.url, query, 30, variables)["data"]

    def run(self, run_id: str) -> dg.DagsterRun:
        return self.instance.get_run_by_id(run_id)

    def family(self, run_id: str) -> list[dg.DagsterRun]:
        """The run and its retries, oldest first."""
        _, runs = self.instance.get_run_group(run_id)
        return sorted(runs, key=lambda run: int(run.tags.get(tags.RETRY_NUMBER, 0)))

    def events_text(self, run_id: str) -> str:
        """Everything that the run's events say, one after the other."""
        return "\n".join(record.message or record.user_message for record in self.instance.all_logs(run_id))

    def job(self, run_id: str) -> int | None:
        found = tags.own(run_id, self.run(run_id).tags).get(tags.JOB_ID, "")
        return int(found) if found.isdigit() else None

    def wait(self, what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait until the condition holds, and return what it gave."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
            time.sleep(0.2)
        return found

    def wait_for(self, run_id: str, *states: str, seconds: float = PATIENCE) -> dg.DagsterRun:
        """Wait until the run is in one of the states."""
        return self.wait(f"run {run_id} to be {' or '.join(states)}", lambda: self._in(run_id, states), seconds)

    def _in(self, run_id: str, states: tuple[str, ...]) -> dg.DagsterRun | None:
        run = self.run(run_id)
        return run if run.status.value in states else None

    def wait_for_last(self, run_id: str, *states: str, seconds: float = PATIENCE) -> list[dg.DagsterRun]:
        """Wait until the last retry of the run is in one of the states, and no other follows; return all attempts."""

        def ended() -> list[dg.DagsterRun] | None:
            runs = self.family(run_id)
            repeats = runs[-1].tags.get(WILL_RETRY) == "true"
            if repeats and RETRIED_BY not in runs[-1].tags:
                self._repeat_failure(runs[-1].run_id)
            return runs if runs[-1].status.value in states and not repeats else None

        return self.wait(f"the last attempt of {run_id} to be {' or '.join(states)}", ended, seconds)

    def _repeat_failure(self, run_id: str) -> None:
        """Write a failure again whose retry Dagster has forgotten.

        Its daemon does so when it reads the event before the run's status is written (`should_retry`, auto_run_reexecution.py). The
        conductor requests such work again; these runs have no conductor.
        """
        record = self.instance.get_run_record_by_id(run_id)
        if record and record.end_time and time.time() - record.end_time > FORGOTTEN_SECONDS:
            events = self.instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
            if len(events) == 1:
                self.instance.handle_new_event(events[0].event_log_entry)

    def events(self, piece: str) -> Counter[str]:
        """How often each event stands in the ledger for a piece."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return Counter(line["event"] for line in map(json.loads, lines) if line["piece"] == piece)

    def began(self, piece: str, times: int = 1) -> None:
        self.wait(f"{piece} to begin", lambda: self.events(piece)["began"] >= times)

    def kill(self, name: str) -> None:
        """Kill a service without warning; the supervisor starts it again."""
        service = next(service for service in self.services.all if service.name == name)
        process = psutil.Process(service.process.pid)
        process.send_signal(signal.SIGKILL)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(5)

    def ready(self) -> None:
        """Wait until the services are up again after one was killed."""

        def is_up() -> bool:
            pids = {service.process.pid for service in self.services.all if service.process}
            alive = [process for process in psutil.process_iter() if process.pid in pids and processes.is_alive(process)]
            return len(alive) == len(self.services.all) and network.location_is_loaded(self.services.url)

        self.wait("the services to be up again", is_up)

    @contextlib.contextmanager
    def halted(self, name: str) -> Iterator[None]:
        """Let a service do nothing within the block."""
        self.ready()
        service = next(service for service in self.services.all if service.name == name)
        process = psutil.Process(service.process.pid)
        process.suspend()
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Stop the instance, its database excepted, and start it again after the block."""
        self.services.stop()
        yield
        self.services.stopping.clear()
        self.services.start()
        threading.Thread(target=self.services.watch, daemon=True).start()

    def submissions(self, run_id: str) -> int:
        """How often sbatch was called for the run."""
        return sum(argv[-1].endswith(f"/{run_id}.sh") for argv in self.shims.calls("sbatch"))

    def lookups(self, run_id: str) -> int:
        """How often the queue was asked for the run's job by name."""
        return sum(f"--name=dagster-{run_id}" in word for argv in self.shims.calls("squeue") for word in argv)


def settings(workdir: Path, port: int, **launcher: Any) -> str:
    """deploy/slurm/dagster.yaml with quick polls and the database's port."""
    shipped = yaml.safe_load((ROOT / "deploy" / "slurm" / "dagster.yaml").read_text())
    shipped["storage"]["postgres"]["postgres_db"]["port"] = port
    shipped["run_launcher"]["config"] |= {**QUICK, "warm": False, "environment": ["WORKDIR", LEDGER], **launcher}
    shipped["run_monitoring"]["poll_interval_seconds"] = 2
    shipped["run_queue"]["dequeue_interval_seconds"] = 1
    return yaml.safe_dump(shipped)


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def serve(folder: Path, cluster: Cluster, module: str, **launcher: Any) -> Iterator[LiveSlurm]:
    """Postgres, the shims and the services over a fresh working directory, on a cluster that runs."""
    database = Path(tempfile.mkdtemp(prefix="padocc-dagster-postgres-"))
    database.chmod(0o755)  # pytest's own folders are closed to the user `postgres`
    postgres = Postgres(database / "server", cluster.address)
    postgres.create()
    home = Home(Workdir(folder / "work"))
    home.root.mkdir(parents=True)
    home.settings.write_text(settings(folder, postgres.port, **launcher))
    wait_until("the node takes jobs", lambda: cluster.node_state() in ("idle", "mixed", "allocated"))
    shims, ledger = Shims(folder / "shims"), folder / "ledger"
    path = f"{shims.folder}{os.pathsep}{os.environ['PATH']}"
    variables = {**cluster.environment(), **postgres.environment(), "PATH": path, LEDGER: str(ledger), "PYTHONPATH": str(ROOT)}
    with environment(variables):
        services = Services(home.workdir, network.free_port(), module=module)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            with serving(services):
                for number, handler in handlers.items():  # these signals end pytest, not only the services
                    signal.signal(number, handler)
                watching = threading.Thread(target=services.watch, daemon=True)
                watching.start()
                live = LiveSlurm(cluster, postgres, shims, services, ledger)
                yield live
                live.instance.dispose()
                services.stopping.set()
                watching.join(10)
        finally:
            postgres.stop()
            shutil.rmtree(database)


@pytest.fixture(scope="module")
def live(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSlurm]:
    with serve(tmp_path_factory.mktemp("slurm"), cluster, LOAD, **ALLOCATION) as served:
        yield served
