"""From what Kubernetes and the pod's own report say to the cause of a pod's end, and the end as a paragraph.

Kubernetes decides where it knows the cause: OOMKilled, DeadlineExceeded, an eviction. A pod that is gone has only its report.
"""

import signal
from dataclasses import replace
from datetime import timedelta

from padocc_dagster.batch import causes as batch
from padocc_dagster.batch.causes import Cause
from padocc_dagster.kubernetes.observed import Pod
from padocc_dagster.kubernetes.pod.report import Report

RESPONSES = {
    **batch.RESPONSES,
    Cause.OUT_OF_MEMORY: replace(batch.RESPONSES[Cause.OUT_OF_MEMORY], means="the pod needed more memory than its limit"),
    Cause.TIMEOUT: replace(batch.RESPONSES[Cause.TIMEOUT], means="the pod was still running at its deadline"),
    Cause.NODE_FAIL: replace(
        batch.RESPONSES[Cause.NODE_FAIL],
        means="the node failed under the pod, or had too little memory or disk left and evicted it",
        advice="Run it again; look at the node with `kubectl describe node` when it is always the same one.",
    ),
    Cause.BOOT_FAIL: replace(
        batch.RESPONSES[Cause.BOOT_FAIL],
        means="the node did not admit the pod",
        advice="Run it again; look at the node with `kubectl describe node` when it is always the same one.",
    ),
    Cause.PREEMPTED: replace(batch.RESPONSES[Cause.PREEMPTED], means="a pod of higher priority took its place"),
    Cause.REQUEUED: replace(
        batch.RESPONSES[Cause.REQUEUED],
        means="the pod was deleted while it worked, as when a node is drained",
        advice="Run it again. To stop a run for good, terminate it in Dagster.",
    ),
    Cause.LAUNCH_FAILED: replace(
        batch.RESPONSES[Cause.LAUNCH_FAILED],
        means="the container ended before the worker began: the image lacks this package, or the pod cannot write to report_folder",
    ),
    Cause.VANISHED: replace(batch.RESPONSES[Cause.VANISHED], advice="Run it again; if this happens often, find out what deletes the pods."),
}
"""Those of `batch.causes`, in the words of Kubernetes where it has its own."""
OF_DISRUPTIONS = {
    "PreemptionByScheduler": Cause.PREEMPTED,
    "PreemptionByKubeScheduler": Cause.PREEMPTED,  # in 1.26
    "DeletionByTaintManager": Cause.NODE_FAIL,
    "EvictionByEvictionAPI": Cause.REQUEUED,
    "DeletionByPodGC": Cause.NODE_FAIL,
    "TerminationByKubelet": Cause.NODE_FAIL,
}
"""kubernetes.io/docs/concepts/workloads/pods/disruptions"""
OF_PODS = {
    "DeadlineExceeded": Cause.TIMEOUT,
    "Evicted": Cause.NODE_FAIL,
    "NodeLost": Cause.NODE_FAIL,
    "NodeShutdown": Cause.NODE_FAIL,
    "Shutdown": Cause.NODE_FAIL,
    "Terminated": Cause.NODE_FAIL,
    "Preempting": Cause.PREEMPTED,
}
NEVER_STARTED = ("StartError", "ContainerCannotRun", "ContainerStatusUnknown")
NOT_FOUND = (126, 127)
"""Exit statuses of a program that cannot be started."""


def judge(pod: Pod | None, report: Report | None) -> Cause:
    """Why a pod that is over, or gone (None), has ended. `report` is None when the worker never began."""
    if pod and pod.ended[0] == "OOMKilled":
        return Cause.OUT_OF_MEMORY
    if pod and pod.reason in OF_PODS:
        return OF_PODS[pod.reason]
    if pod and pod.disruption in OF_DISRUPTIONS:
        return OF_DISRUPTIONS[pod.disruption]
    if pod and pod.deletion and not pod.is_over:  # its node does not confirm that it has ended
        return Cause.NODE_FAIL
    if report is None:
        return _never_began(pod)
    if report.exit_status in NOT_FOUND:
        return Cause.LAUNCH_FAILED
    if report.stopped:
        return Cause.REQUEUED
    if report.exit_status == 0 or (pod and pod.phase == "Succeeded"):
        return Cause.COMPLETED
    return Cause.VANISHED if pod is None and report.ended is None else Cause.FAILED


def _never_began(pod: Pod | None) -> Cause:
    if pod is None:
        return Cause.VANISHED
    if pod.phase == "Failed" and not pod.ended[0] and pod.reason:  # kubelet refused it: OutOfmemory, UnexpectedAdmissionError, …
        return Cause.BOOT_FAIL
    return Cause.LAUNCH_FAILED


def story(cause: Cause, pod: Pod | None, report: Report | None, requested: str) -> str:
    """The end of a pod in one paragraph: which end, where, and what it used of what it had requested (`requested`, as text)."""
    where = node(pod, report)
    said = [f"{cause}{f' on {where}' if where else ''}."]
    if pod is None:
        said.append("The pod is gone.")
    elif words := [word for word in (pod.reason, pod.disruption, pod.ended[0]) if word]:
        said.append(f"Kubernetes calls it {', '.join(words)}.")
    if pod and (message := pod.message or pod.ended[1]):
        said.append(f"It says: {' '.join(message.split())}")
    status = report.exit_status if report else pod.exit_status if pod else None
    if report and report.signal and not report.stopped:
        said.append(f"Signal {_signal_name(report.signal)} ended the worker.")
    elif status:
        said.append(f"The exit status was {status}.")
    elapsed, peak = elapsed_seconds(pod, report), report.peak_memory_mib if report else None
    ran = f"It ran {timedelta(seconds=elapsed)}" if elapsed is not None else "How long it ran is not known"
    memory = f"its largest process had {peak} MiB" if peak else "its memory use is not known"
    return " ".join([*said, f"{ran}, and {memory}; it had requested {requested}."])


def elapsed_seconds(pod: Pod | None, report: Report | None) -> int | None:
    """How long the container ran, from Kubernetes or, where that is silent, from the pod's own report; None when neither says."""
    if pod and pod.elapsed_seconds is not None:
        return pod.elapsed_seconds
    return int((report.ended - report.began).total_seconds()) if report and report.ended else None


def node(pod: Pod | None, report: Report | None) -> str:
    """The node that the pod had; empty when nobody knows."""
    return (pod.node if pod else "") or (report.node if report else "")


def _signal_name(number: int) -> str:
    return f"{number} ({signal.Signals(number).name})" if number in set(signal.Signals) else str(number)
