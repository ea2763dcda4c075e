"""Keeps runs and pods in agreement, where the instance runs on Kubernetes.

Runs whose pod does not start show why and what to do, runs whose pod has ended show how, runs without a Job get one, Jobs whose run is over
are deleted.
"""

import os

import dagster as dg

from padocc_dagster.sensors.launchers import is_launcher

MODULE, LAUNCHER = "padocc_dagster.kubernetes", "KubernetesRunLauncher"


def is_used() -> bool:
    """Whether this process is in a pod, or its dagster.yaml names the launcher."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) or is_launcher(MODULE)


@dg.sensor(minimum_interval_seconds=9, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def kubernetes_pods(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    launcher = context.instance_ref.run_launcher_data if context.instance_ref else None
    if launcher is None or launcher.class_name != LAUNCHER:  # seen without opening the instance, which takes longer than all else
        return dg.SkipReason("The instance does not run on Kubernetes.")
    findings = context.instance.run_launcher.reconcile()  # type: ignore[attr-defined]  # a KubernetesRunLauncher
    for run_id, error in findings.errors.items():
        context.log.error(f"run {run_id}: {error}")
    return dg.SkipReason(str(findings))
