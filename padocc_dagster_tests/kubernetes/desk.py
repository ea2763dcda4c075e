"""A Dagster instance with real runs, and a pretended API server beside it."""

import dataclasses
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._serdes import ConfigurableClassData

from padocc_dagster.kubernetes.launcher import KubernetesRunLauncher
from padocc_dagster.kubernetes.pod.report import Report, claim, write
from padocc_dagster.kubernetes.runs import reconcile, tags
from padocc_dagster_tests.batch.runs import JOB, make_run
from padocc_dagster_tests.kubernetes.pretended import NAMESPACE, Pretended, kubeconfig

BEGAN, ENDED = datetime(2026, 11, 23, 3, 7, tzinfo=UTC), datetime(2026, 11, 23, 3, 7, 31, tzinfo=UTC)


def configured(instance: dg.DagsterInstance, folder: Path, url: str, **config: Any) -> KubernetesRunLauncher:
    """The launcher as Dagster makes it from dagster.yaml."""
    names = {"service_account_name": "padocc-dagster-run", "instance_config_map": "dagster-instance", "job_namespace": NAMESPACE}
    reach = {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig(folder / "kubeconfig", url))}
    own = {"job_image": "an-image:1", "report_folder": str(folder / "reports"), "request_timeout_seconds": 1}
    data = ConfigurableClassData("padocc_dagster.kubernetes", "KubernetesRunLauncher", json.dumps({**names, **reach, **own, **config}))
    launcher = data.rehydrate(as_type=RunLauncher)
    launcher.register_instance(instance)
    return launcher


@dataclasses.dataclass
class Desk:
    instance: dg.DagsterInstance
    api: Pretended
    launcher: KubernetesRunLauncher
    folder: Path

    def run(self, more: dict[str, str] | None = None, status: str = "STARTING", parent: dg.DagsterRun | None = None) -> dg.DagsterRun:
        """A run, as it is when Dagster hands it to the launcher; with a parent, one that was made of it with its tags."""
        return make_run(self.instance, more, status, parent)

    def launch(self, more: dict[str, str] | None = None, parent: dg.DagsterRun | None = None) -> dg.DagsterRun:
        run = self.run(more, parent=parent)
        self.launcher.launch_run(LaunchRunContext(run, workspace=None))
        return self.now(run)

    def at_work(self, more: dict[str, str] | None = None, parent: dg.DagsterRun | None = None) -> dg.DagsterRun:
        """A run that has started in its pod."""
        run = self.launch(more, parent)
        uid = self.api.add_pod(
            run.run_id, phase="Running", containerStatuses=[{"state": {"running": {"startedAt": "2026-11-23T03:07:00Z"}}}]
        )
        claim(self.launcher.settings.report(run.run_id), Report(uid, "n1", BEGAN))
        self.event(run, DagsterEventType.RUN_START)
        return self.now(run)

    def report(self, run: dg.DagsterRun, **more: Any) -> None:
        """What the run's pod says of its end."""
        uid = next(pod["metadata"]["uid"] for pod in self.api.pods.values() if pod["metadata"]["labels"]["dagster/run-id"] == run.run_id)
        assert write(self.launcher.settings.report(run.run_id), Report(uid, "n1", BEGAN, **{"ended": ENDED, **more}))

    def end(
        self, run: dg.DagsterRun, phase: str = "Failed", reason: str = "Error", status: int = 137, pod_reason: str = "", **more: Any
    ) -> None:
        """The run's pod is over."""
        (name,) = [key for key, pod in self.api.pods.items() if pod["metadata"]["labels"]["dagster/run-id"] == run.run_id]
        ended = {"reason": reason, "exitCode": status, "startedAt": "2026-11-23T03:07:00Z", "finishedAt": "2026-11-23T03:07:31Z"}
        statuses = [{"state": {"terminated": ended}}] if reason else []
        self.api.change_pod(name, phase=phase, containerStatuses=statuses, **({"reason": pod_reason} if pod_reason else {}), **more)

    def event(self, run: dg.DagsterRun, kind: DagsterEventType) -> None:
        self.instance.report_dagster_event(DagsterEvent(kind.value, JOB.name), run.run_id)

    def now(self, run: dg.DagsterRun) -> dg.DagsterRun:
        return self.instance.get_run_by_id(run.run_id)

    def status(self, run: dg.DagsterRun) -> str:
        return self.now(run).status.value

    def own(self, run: dg.DagsterRun) -> dict[str, str]:
        return dict(tags.own(run.run_id, self.now(run).tags))

    def events_text(self, run: dg.DagsterRun) -> str:
        return "\n".join(record.user_message or record.message for record in self.instance.all_logs(run.run_id))

    def later(self, run: dg.DagsterRun, seconds: float) -> None:
        """Let so much time have passed since the Job was created."""
        self.instance.add_run_tags(run.run_id, {tags.CREATED_AT: str(time.time() - seconds)})

    def look(self) -> reconcile.Findings:
        """One pass."""
        return self.launcher.reconcile()

    def with_settings(self, **config: Any) -> "Desk":
        return dataclasses.replace(self, launcher=configured(self.instance, self.folder, self.api.url, **config))

    def spec(self, run: dg.DagsterRun) -> dict[str, Any]:
        """The spec of the pods of the run's Job."""
        return self.api.jobs[f"dagster-run-{run.run_id}"]["spec"]["template"]["spec"]

    def clear(self) -> None:
        for run in self.instance.get_runs():
            self.instance.delete_run(run.run_id)
