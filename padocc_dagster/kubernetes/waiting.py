"""Why a pod does not start, what that means, and what a person can do."""

from collections.abc import Iterable
from dataclasses import dataclass

from padocc_dagster.kubernetes.observed import Event, Pod

NORMAL = ("ContainerCreating", "PodInitializing")
IMAGE = "correct job_image in the launcher's config, or image_pull_secrets if the registry wants a login"
CONFIG = "make the Secret or ConfigMap that the message names, or correct env_secrets, env_config_maps and volumes in the launcher's config"
OF_REASONS = {
    "ErrImagePull": IMAGE,
    "ImagePullBackOff": IMAGE,
    "ErrImageNeverPull": IMAGE,
    "InvalidImageName": IMAGE,
    "ImageInspectError": IMAGE,
    "RegistryUnavailable": "see whether the registry answers",
    "CreateContainerConfigError": CONFIG,
    "CreateContainerError": CONFIG,
    "RunContainerError": CONFIG,
    "FailedMount": "make the volume, Secret or ConfigMap that the message names, or correct volumes in the launcher's config",
    "FailedAttachVolume": "see with `kubectl describe pvc` why the volume cannot be attached",
    "FailedCreatePodSandBox": "see with `kubectl describe node` whether the node's network and containers work",
    "FailedCreate": "correct what the message names: the service account, a quota, or an admission rule of the namespace",
    "Unschedulable": "request less (run tags padocc/memory and padocc/cpus, largest_allocation in the launcher's config), or add a node "
    "with room. Where the cluster adds nodes by demand, wait",
}
"""What to do, by the word that Kubernetes uses."""
CORRECTABLE = tuple(reason for reason in OF_REASONS if reason != "Unschedulable")
"""Reasons that only a person ends, so that a run is given up in the end."""


@dataclass(frozen=True)
class Obstacle:
    """What keeps a pod from starting."""

    reason: str
    message: str

    @property
    def advice(self) -> str:
        return OF_REASONS.get(self.reason, "see `kubectl describe pod`")

    def __str__(self) -> str:
        return f"{self.reason}{f': {text}' if (text := ' '.join(self.message.split())) else ''}"


def obstacle(pod: Pod | None, events: Iterable[Event]) -> Obstacle | None:
    """What keeps the pod from starting; None when it starts as usual. `events` are those of the pod, or of the Job without a pod."""
    if pod and pod.unscheduled:
        return Obstacle("Unschedulable", pod.unscheduled)
    if pod and pod.waiting[0] and pod.waiting[0] not in NORMAL:
        return Obstacle(*pod.waiting)
    noted = [event for event in events if event.reason in OF_REASONS]
    return Obstacle(noted[-1].reason, noted[-1].message) if noted else None
