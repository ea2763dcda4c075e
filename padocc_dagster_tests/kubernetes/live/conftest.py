"""A live instance on a real Kubernetes: a private cluster, the three services on this machine, and `load.py` as the definitions."""

import contextlib
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from padocc_dagster.batch.tags import own
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services import network
from padocc_dagster.services.home import Home
from padocc_dagster.services.serving import serving
from padocc_dagster.services.supervisor import Services
from padocc_dagster_tests.slurm.live.conftest import LEDGER, LOAD, ROOT, LiveSlurm, environment
from tools.kubernetes_cluster.cluster import Cluster
from tools.kubernetes_cluster.instance import NAMESPACE, settings

SIZES = {"default_allocation": {"time": "20", "memory": "300M"}, "largest_allocation": {"memory": "4G"}, "allocation_policy": ""}

NOT_READY = "node.kubernetes.io/"


class LiveKubernetes(LiveSlurm):
    """A running instance on a running cluster, and what a test does with them."""

    cluster: Cluster

    def pods(self, run_id: str) -> list[dict[str, Any]]:
        return self._items("/api/v1/namespaces/{}/pods", run_id)

    def jobs(self, run_id: str) -> list[dict[str, Any]]:
        return self._items("/apis/batch/v1/namespaces/{}/jobs", run_id)

    def _items(self, path: str, run_id: str) -> list[dict[str, Any]]:
        return self.cluster.request("GET", f"{path.format(NAMESPACE)}?labelSelector=dagster/run-id={run_id}")["items"]

    def at_work(self, run_id: str) -> str:
        """The name of the run's pod, once it runs."""

        def found() -> str | None:
            return next((pod["metadata"]["name"] for pod in self.pods(run_id) if pod["status"]["phase"] == "Running"), None)

        return self.wait(f"a pod of {run_id} to run", found)

    def own(self, run_id: str) -> dict[str, str]:
        return dict(own(run_id, self.run(run_id).tags))

    def recorded(self, run_id: str) -> dict[str, str]:
        """The run's tags, once the end of its pod is among them."""
        self.wait(f"the end of the pod of {run_id} to be recorded", lambda: self.own(run_id).get(tags.STATE) == tags.ENDED)
        return self.own(run_id)

    def gate(self, piece: str) -> Path:
        """The file that a piece with `until` waits for."""
        return self.ledger.with_name(f"go on, {piece}")

    def launch_and_begin(self, piece: str, run_tags: dict[str, str] | None = None) -> str:
        """A run that works until its gate opens."""
        run_id = self.launch(piece, run_tags, until=str(self.gate(piece)))
        self.began(piece)
        return run_id

    def twice_or_lost(self, pieces: list[str]) -> list[str]:
        """What ended more than once, or never, of these pieces; and runs whose pod began more than once."""
        ends = {piece: self.events(piece)["ended"] for piece in pieces}
        begun = Counter(line for line in self.lines() if line[0] == "began")
        return [f"{piece} ended {count} times" for piece, count in ends.items() if count != 1] + [
            f"run {run} of {piece} began {count} times" for (_, piece, run), count in begun.items() if count > 1
        ]

    def lines(self) -> list[tuple[str, str, str]]:
        """The ledger: event, piece, run."""
        read = map(yaml.safe_load, self.ledger.read_text().splitlines())
        return [(line["event"], line["piece"], line["run"]) for line in read]


@contextlib.contextmanager
def serve(folder: Path, cluster: Cluster, module: str, **launcher: Any) -> Iterator[LiveKubernetes]:
    """The services over a fresh working directory, on a cluster that runs."""
    home, ledger = Home(Workdir(folder / "work")), folder / "ledger"
    home.root.mkdir(parents=True)
    values = settings(cluster, [folder], launcher)
    config = values["run_launcher"]["config"]
    config["env_vars"] = [*config["env_vars"], LEDGER]
    values["run_queue"]["dequeue_interval_seconds"] = 1
    values["concurrency"]["runs"]["max_concurrent_runs"] = 8
    home.settings.write_text(yaml.safe_dump(values))
    with environment({LEDGER: str(ledger), "PYTHONPATH": str(ROOT)}):
        services = Services(home.workdir, network.free_port(), module=module)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        with serving(services):
            for number, handler in handlers.items():  # these signals end pytest, not only the services
                signal.signal(number, handler)
            watching = threading.Thread(target=services.watch, daemon=True)
            watching.start()
            live = LiveKubernetes(cluster, None, None, services, ledger)
            yield live
            live.instance.dispose()
            services.stopping.set()
            watching.join(10)


@pytest.fixture(scope="session")
def live(kubernetes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKubernetes]:
    """One instance for all tests: another would take half a minute to start."""
    with serve(tmp_path_factory.mktemp("kubernetes"), kubernetes, LOAD, **SIZES) as served:
        yield served
