"""Dagster runs as Kubernetes pods. In dagster.yaml: `run_launcher: {module: padocc_dagster.kubernetes, class: KubernetesRunLauncher}`.

    launcher.py    dagster-k8s's launcher, with sizes that fit the run
    settings.py    its settings in dagster.yaml
    client.py      requests to the API server, each with a time limit
    observed.py    a pod, a Job and an event as the API describes them
    sizes.py       allocations as Kubernetes writes them, and the person's own `dagster-k8s/config`
    causes.py      why a pod ended
    waiting.py     why a pod does not start
    pod/           what runs in a pod
    runs/          runs and their pods, from the creation to the end

This file loads none of them: `padocc_dagster.kubernetes.pod.host` starts in every pod and has to be quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padocc_dagster.kubernetes.launcher import KubernetesRunLauncher

__all__ = ["KubernetesRunLauncher"]


def __getattr__(name: str) -> Any:
    if name == "KubernetesRunLauncher":
        from padocc_dagster.kubernetes.launcher import KubernetesRunLauncher

        return KubernetesRunLauncher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
