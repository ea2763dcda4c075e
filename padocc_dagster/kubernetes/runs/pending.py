"""What a waiting run shows: why its pod does not start, and what to do; and that it is given up when nobody does it."""

from typing import TYPE_CHECKING

from padocc_dagster.batch import tags as batch
from padocc_dagster.kubernetes.client import Client
from padocc_dagster.kubernetes.observed import Pod
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster.kubernetes.runs.events import add_event, commands_for
from padocc_dagster.kubernetes.settings import Settings
from padocc_dagster.kubernetes.waiting import CORRECTABLE, Obstacle, obstacle

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

SLOW_SECONDS = 15.0
"""A pod that is about to start for so long may lack something that only its events say."""


def report_pending(instance: "DagsterInstance", run: "DagsterRun", pod: Pod | None, age: float, settings: Settings, client: Client) -> bool:
    """Keep the run's tags at what its pod is doing; add an event when a person must act. Returns whether the pod waits.

    `pod` is None when the Job, which was created `age` seconds ago, has none yet.
    """
    before = run.tags.get(tags.PENDING, batch.NOTHING)
    if pod and run.tags.get(tags.POD) != pod.name:
        batch.write(instance, run.run_id, {tags.POD: pod.name})
    if pod and pod.phase != "Pending":
        if before != batch.NOTHING:
            batch.write(instance, run.run_id, {tags.PENDING: batch.NOTHING})
        return False
    found = obstacle(pod, [])
    if found is None and age > SLOW_SECONDS:
        found = obstacle(pod, client.events("Pod", pod.name) if pod else client.events("Job", f"dagster-run-{run.run_id}"))
    if found is None:
        return True
    if before != str(found):
        batch.write(instance, run.run_id, {tags.PENDING: str(found)})
    if before == batch.NOTHING or Obstacle(before.partition(":")[0], "").advice != found.advice:  # they alternate
        sentence = f"The pod does not start: {found}. What to do: {found.advice}. The run waits until then."
        add_event(instance, run, sentence, client.namespace, pod.name if pod else "")
    if found.reason in CORRECTABLE and age > settings.give_up_seconds:
        _give_up(instance, run.run_id, found, age, client)
    return True


def _give_up(instance: "DagsterInstance", run_id: str, found: Obstacle, age: float, client: Client) -> None:
    from dagster import DagsterRunStatus

    client.delete_job(f"dagster-run-{run_id}")
    run = instance.get_run_by_id(run_id)
    if run is None or run.status is not DagsterRunStatus.STARTING:  # its pod started meanwhile, and is judged by its end
        return
    batch.write(instance, run_id, {batch.MAX_RETRIES: "0", batch.STOPPED: "yes"})
    commands = "\n".join(commands_for(run_id, client.namespace))
    sentence = f"The pod did not start within {age / 60:.0f} minutes: {found}. What to do: {found.advice}. Then run it again."
    instance.report_run_failed(run, f"{sentence}\nTo see more:\n{commands}")
    batch.write(instance, run_id, {tags.STATE: tags.ENDED})
