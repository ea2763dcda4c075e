"""A pod has ended: its run's events get what happened, with figures and the end of the log, and what happens next."""

from typing import TYPE_CHECKING

from padocc_dagster.batch import tags as batch
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.causes import Cause
from padocc_dagster.batch.history import print_used
from padocc_dagster.batch.planning import what_next
from padocc_dagster.dagster_private import report_canceled, report_worker_lost
from padocc_dagster.kubernetes.causes import RESPONSES, elapsed_seconds, judge, node, story
from padocc_dagster.kubernetes.client import Client
from padocc_dagster.kubernetes.observed import Pod
from padocc_dagster.kubernetes.pod.report import Report
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster.kubernetes.runs.events import add_event, commands_for
from padocc_dagster.kubernetes.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


def settle(
    instance: "DagsterInstance", run_id: str, pod: Pod | None, report: Report | None, settings: Settings, client: Client
) -> Cause | None:
    """Bring the run of a pod that has ended to its own end, and record what the pod used.

    `pod` is None when it is gone. Returns the cause; None when there is no such run.
    """
    from dagster import DagsterRunStatus

    run = instance.get_run_by_id(run_id)  # read after the pod's end was seen: all that the pod wrote is in it
    if run is None:
        return None
    cause = _cause(run, pod, report)
    requested = Allocation.parse(run.tags[batch.REQUESTED])
    used = print_used(elapsed_seconds(pod, report), report.peak_memory_mib if report else None)
    nodes = node(pod, report)
    batch.write(
        instance,
        run_id,
        {
            batch.CAUSE: str(cause),
            batch.USED: used,
            batch.NODES: nodes or batch.NOTHING,
            tags.PENDING: batch.NOTHING,
        },
    )
    name = pod.name if pod else run.tags.get(tags.POD, "")
    called = f"Pod {name}" if name and name != batch.NOTHING else "The pod"
    if run.status is DagsterRunStatus.CANCELING:
        report_canceled(instance, run, f"{called} has ended, as requested.")
    elif not run.is_finished:
        said = story(cause, pod, report, str(requested))
        following = what_next(instance, run, RESPONSES[cause], requested, (nodes,) if nodes else (), settings)
        lines = [f"{called}: {said}", f"It means: {RESPONSES[cause].means}", f"Next: {following.sentence}"]
        if pod and (end := client.last_lines(pod.name)):
            lines.append(f"The end of its log:\n{end}")
        lines.append("To see more:\n" + "\n".join(commands_for(run_id, client.namespace, pod.name if pod else "")))
        if not following.retried:
            batch.write(instance, run_id, {batch.MAX_RETRIES: "0", batch.STOPPED: "yes"})
        report_worker_lost(instance, run, "\n".join(lines))
    elif cause is not Cause.COMPLETED:
        add_event(instance, run, f"{called} is over: {story(cause, pod, report, str(requested))}", client.namespace, name)
    else:
        add_event(instance, run, f"{called} is over. Requested: {requested}. Used: {used}", client.namespace, name)
    batch.write(instance, run_id, {tags.STATE: tags.ENDED})
    return cause


def _cause(run: "DagsterRun", pod: Pod | None, report: Report | None) -> Cause:
    from dagster import DagsterRunStatus

    cause = judge(pod, report)
    if run.status in (DagsterRunStatus.CANCELING, DagsterRunStatus.CANCELED):
        return Cause.CANCELLED
    if run.is_finished and pod and pod.phase == "Succeeded":
        return Cause.COMPLETED
    if cause is Cause.LAUNCH_FAILED and run.status is DagsterRunStatus.STARTED:
        return Cause.FAILED  # the worker did begin: its report is lost, or not seen yet from here
    return cause
