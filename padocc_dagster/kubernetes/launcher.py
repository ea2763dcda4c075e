"""The run launcher: dagster-k8s's, with sizes that fit the run, and with ends that are explained. It keeps no state."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import kubernetes
import yaml
from dagster import DagsterRun
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import UserDefinedDagsterK8sConfig, construct_dagster_k8s_job, get_job_name_from_run_id, get_user_defined_k8s_config

from padocc_dagster.batch import tags as batch
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.planning import LaunchRefusedError
from padocc_dagster.dagster_private import (
    CheckRunHealthResult,
    ConfigurableClassData,
    LaunchRunContext,
    WorkerStatus,
    execute_run_command,
    report_canceling,
)
from padocc_dagster.kubernetes.client import Client, NoAnswerError, PatientApiClient, RefusedError
from padocc_dagster.kubernetes.observed import RUN_ID
from padocc_dagster.kubernetes.pod import report as reports
from padocc_dagster.kubernetes.pod.host import NODE, UID
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster.kubernetes.runs.creation import Creation
from padocc_dagster.kubernetes.runs.endings import settle
from padocc_dagster.kubernetes.runs.events import add_event, commands_for
from padocc_dagster.kubernetes.runs.reconcile import Findings, look, reconcile
from padocc_dagster.kubernetes.settings import FIELDS, Settings, literal_passwords, read_settings
from padocc_dagster.kubernetes.sizes import CONFIG, container_resources, pod_spec, requested_tags


class KubernetesRunLauncher(K8sRunLauncher):
    """Every Dagster run a Kubernetes Job with one pod.

    In `dagster.yaml`, with the fields of dagster-k8s's `K8sRunLauncher` and those described in `settings.py`:

        run_launcher:
          module: padocc_dagster.kubernetes
          class: KubernetesRunLauncher
          config: {service_account_name: padocc-dagster-run, instance_config_map: dagster-instance, job_image: padocc-dagster:1}

    A single run gets more by the tags `padocc/time`, `padocc/memory` and `padocc/cpus`, or by `dagster-k8s/config`.
    """

    def __init__(self, settings: Settings, inst_data: ConfigurableClassData | None = None, **config: Any) -> None:
        self.settings = settings
        super().__init__(inst_data=inst_data, **config)
        patient = PatientApiClient(settings.request_timeout_seconds)  # after super() has read how to reach the server
        batch_api, core_api = kubernetes.client.BatchV1Api(patient), kubernetes.client.CoreV1Api(patient)
        self._api_client.batch_api, self._api_client.core_api = batch_api, core_api
        self.client = Client(batch_api, core_api, self.job_namespace)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {**super().config_type(), **FIELDS}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "KubernetesRunLauncher":
        others = {name: value for name, value in config_value.items() if name not in FIELDS}
        return cls(read_settings(config_value), inst_data, **others)

    sizes_runs = True
    """The conductor ends a run where the next allocation can be sized better."""

    @cached_property
    def creation(self) -> Creation:
        return Creation(self._instance, self.settings, self.client, self._requested_tags, self._job_of)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Create the run's Job. A run that cannot become a Job is reported as failed, and says why.

        Nothing is raised: Dagster would fail and retry the run, whose Job may be there. The reconciler finishes what is left.
        """
        run = context.dagster_run
        try:
            self._settle_parent(run)
            self.creation.create(run.run_id)
        except Exception as error:
            sentence = f"The launch was interrupted ({type(error).__name__}: {error}). It is finished with the next look at the pods."
            self._instance.report_engine_event(sentence, run)

    def get_container_context_for_run(self, dagster_run: DagsterRun) -> K8sContainerContext:
        """dagster-k8s's own, with the allocation in the run's tags on top, and with the host around the command."""
        context = super().get_container_context_for_run(dagster_run)
        requested = tags.own(dagster_run.run_id, dagster_run.tags).get(batch.REQUESTED)
        if requested is None:
            return context
        allocation = Allocation.parse(requested)
        own = get_user_defined_k8s_config(dagster_run.tags).container_config.get("resources") or {}
        command = [
            self.settings.python,
            "-m",
            "padocc_dagster.kubernetes.pod.host",
            "--report",
            str(self.settings.report(dagster_run.run_id)),
        ]
        container = {
            "command": [*command, "--"],
            "resources": container_resources(allocation, own),
            "env": [_field(UID, "metadata.uid"), _field(NODE, "spec.nodeName"), {"name": "DAGSTER_DISABLE_TELEMETRY", "value": "1"}],
        }
        ours = UserDefinedDagsterK8sConfig(container_config=container, pod_spec_config=pod_spec(allocation))
        return context.merge(K8sContainerContext(run_k8s_config=ours))

    def terminate(self, run_id: str) -> bool:
        """Cancel a run: its Job is deleted. Where the server does not answer, the run stays CANCELING and the reconciler tries again."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or not report_canceling(self._instance, run):
            return False
        try:
            self.client.delete_job(get_job_name_from_run_id(run_id))
        except (NoAnswerError, RefusedError) as error:
            sentence = f"The Job could not be deleted: {error}. The launcher tries again as soon as the API server answers."
            add_event(self._instance, run, sentence, self.client.namespace)
        return True

    @property
    def supports_resume_run(self) -> bool:
        return False

    @property
    def supports_run_worker_crash_recovery(self) -> bool:
        return False

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Always RUNNING: a run whose pod has ended is brought to its end by the reconciler, with its cause, not by the monitor.

        Dagster fails a run at every other answer, also because the API server was silent for a moment.
        """
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """What a person needs to look further: why the pod waits, commands, the end of the log."""
        own = tags.own(run.run_id, run.tags)
        if tags.STATE not in own:
            return "The run has no Job."
        lines = [f"Requested {own.get(batch.REQUESTED)}, waits for: {own.get(tags.PENDING, batch.NOTHING)}"]
        lines += commands_for(run.run_id, self.client.namespace)
        name = own.get(tags.POD, batch.NOTHING)
        if include_container_logs and name != batch.NOTHING and (end := self.client.last_lines(name)):
            lines.append(f"The end of the log:\n{end}")
        return "\n".join(lines)

    def reconcile(self) -> Findings:
        """Bring runs and pods into agreement."""
        return reconcile(self._instance, self.creation)

    def _settle_parent(self, run: DagsterRun) -> None:
        """Find out what the last attempt died of, where it reported its own end and nobody has looked yet: the retry is sized by that."""
        parent = self._instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
        if parent is None or not parent.is_finished or tags.own(parent.run_id, parent.tags).get(tags.STATE) != tags.CREATED:
            return
        try:
            seen = look([parent.run_id], self.client, {parent.run_id: reports.read(self.settings.report(parent.run_id))})[parent.run_id]
        except (NoAnswerError, OSError):
            return  # the retry then gets what its parent had
        if seen.pod is None or seen.pod.is_over:
            settle(self._instance, parent.run_id, seen.pod, seen.report, self.settings, self.client)

    def _requested_tags(self, run: DagsterRun) -> Mapping[str, str]:
        try:
            own = get_user_defined_k8s_config(run.tags)
        except Exception as error:  # Dagster's own errors, those of its checks, and those of JSON
            raise LaunchRefusedError(f"run tag {CONFIG}: {error}") from None
        return requested_tags(own, run.tags)

    def trial_job(self, name: str, allocation: Allocation, command: Sequence[str]) -> kubernetes.client.V1Job:
        """A Job of that name which is made as those of runs are, but for its command. Raises LaunchRefusedError."""
        run = DagsterRun(job_name="trial", run_id=name, tags={batch.JOB_OF: name, batch.REQUESTED: str(allocation)})
        return self._built(run, name, command, None, {RUN_ID: name})

    def _job_of(self, run: DagsterRun) -> kubernetes.client.V1Job:
        """The run's Job."""
        origin = run.job_code_origin
        assert origin is not None  # as of every run that is launched
        location = run.remote_job_origin.repository_origin.code_location_origin.location_name if run.remote_job_origin else None
        labels = {"dagster/job": origin.job_name, RUN_ID: run.run_id, **({"dagster/code-location": location} if location else {})}
        command = execute_run_command(self.settings.python, run, self._instance)
        return self._built(run, get_job_name_from_run_id(run.run_id), command, origin.repository_origin.container_image, labels)

    def _built(self, run: DagsterRun, name: str, command: Sequence[str], image: str | None, labels: Mapping[str, str]) -> Any:
        """A Job, built by dagster-k8s from the merged configuration."""
        self._refuse_literal_passwords()
        try:
            context = self.get_container_context_for_run(run)
        except Exception as error:  # Dagster's own errors, and those of its checks
            raise LaunchRefusedError(f"the pod's configuration cannot be used: {error}") from None
        return construct_dagster_k8s_job(
            job_config=context.get_k8s_job_config(job_image=image, run_launcher=self),
            args=command,
            job_name=name,
            pod_name=name,
            component="run_worker",
            user_defined_k8s_config=context.run_k8s_config,
            labels=labels,
            env_vars=[{"name": "DAGSTER_RUN_JOB_NAME", "value": run.job_name}],
        )

    def _refuse_literal_passwords(self) -> None:
        texts = [getattr(part, "config_yaml", None) for part in self._instance.get_ref()]
        found = [where for text in texts if text for where in literal_passwords(yaml.safe_load(text))]
        if found:
            raise LaunchRefusedError(
                f"dagster.yaml holds a password itself ({', '.join(found)}): write {{env: NAME}}, and set NAME by a Secret"
            )


def _field(name: str, path: str) -> dict[str, Any]:
    """A variable that Kubernetes sets from the pod itself."""
    return {"name": name, "value_from": {"field_ref": {"field_path": path}}}
