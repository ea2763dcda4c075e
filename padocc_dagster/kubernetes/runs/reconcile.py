"""Brings runs and pods into agreement: the one place that watches Kubernetes.

In every pass two requests serve all open runs: those whose pod has ended are settled (`endings.py`), runs whose pod does not start say
why, those without a Job get one (`creation.py`), and Jobs whose run is over are deleted. The sensor `kubernetes_pods` makes the passes.
It keeps nothing in memory, so it may die at any point. A server that does not answer is no dead run: the pass ends, and nothing is changed.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from padocc_dagster.batch import tags as batch
from padocc_dagster.kubernetes.client import Client, NoAnswerError
from padocc_dagster.kubernetes.observed import Job, Pod
from padocc_dagster.kubernetes.pod import report as reports
from padocc_dagster.kubernetes.pod.report import Report
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster.kubernetes.runs.creation import Creation
from padocc_dagster.kubernetes.runs.endings import settle
from padocc_dagster.kubernetes.runs.pending import report_pending

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, RunRecord

LATE_SECONDS = 30.0
"""A run without a Job is left to the process that launches it for so long."""
GONE_SECONDS = 20.0
"""A Job that was created is in the lists of the API server after so long."""
UNCONFIRMED_SECONDS = 60.0
"""How long after its time a deleted pod may be there: its node does not answer."""
LAST_WORDS_SECONDS = 60.0
"""How long a pod whose run has ended may take to end."""
AT_ONCE = 50


@dataclass
class Findings:
    """What one pass saw and did, for a log."""

    open: int = 0
    waiting: int = 0
    ended: dict[str, str] = field(default_factory=dict)
    """Causes, by run."""
    created: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    silence: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    """What went wrong here, by run: the others were handled all the same."""

    def __str__(self) -> str:
        if self.silence:
            return f"{self.open} runs open; the API server does not answer: {self.silence}"
        did = f"{len(self.ended)} ended, {len(self.created)} created late, {len(self.deleted)} Jobs deleted"
        wrong = "".join(f"; run {run_id}: {error}" for run_id, error in self.errors.items())
        return f"{self.open} runs open, {self.waiting} of them waiting for their pods; {did}{wrong}"


@dataclass(frozen=True)
class Seen:
    """What Kubernetes and the report say of one run."""

    pods: tuple[Pod, ...]
    job: Job | None
    report: Report | None

    @property
    def pod(self) -> Pod | None:
        """The run's pod: the one that has claimed it, or the newest. None when that is gone, or has never been."""
        if self.report and self.report.pod:
            return next((pod for pod in self.pods if pod.uid == self.report.pod), None)
        return max(self.pods, key=lambda pod: pod.created, default=None)


def reconcile(instance: "DagsterInstance", creation: Creation) -> Findings:
    """One pass over all open runs. Raises RefusedError when the server refuses to list pods or Jobs."""
    return _Round(instance, creation).run()


def open_runs(instance: "DagsterInstance") -> dict[str, "RunRecord"]:
    """The runs that have a Job or wait for one, and those whose pod's end is not recorded yet."""
    from dagster import DagsterRunStatus, RunsFilter

    tagged = instance.get_run_records(RunsFilter(tags={tags.STATE: [tags.CREATING, tags.CREATED]}))
    starting = instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.STARTING]))
    found = {record.dagster_run.run_id: record for record in starting}
    for record in tagged:
        run = record.dagster_run
        if tags.own(run.run_id, run.tags):  # a retry that still waits in Dagster has the tags of its parent
            found[run.run_id] = record
    return found


def look(run_ids: Iterable[str], client: Client, read: "Mapping[str, Report | None]") -> dict[str, Seen]:
    """What there is of each run. Raises NoAnswerError and RefusedError."""
    ids = list(run_ids)
    jobs = {job.run_id: job for job in client.jobs(ids)}  # before the pods: a Job that is seen without one may get it in between
    pods: dict[str, list[Pod]] = defaultdict(list)
    for pod in client.pods(ids):
        pods[pod.run_id].append(pod)
    return {run_id: Seen(tuple(pods[run_id]), jobs.get(run_id), read.get(run_id)) for run_id in ids}


@dataclass
class _Round:
    """One pass."""

    instance: "DagsterInstance"
    creation: Creation
    found: Findings = field(default_factory=Findings)

    @property
    def client(self) -> Client:
        return self.creation.client

    def run(self) -> Findings:
        records = open_runs(self.instance)
        self.found.open = len(records)
        created = [run_id for run_id, record in records.items() if record.dagster_run.tags.get(tags.STATE) == tags.CREATED]
        try:
            seen = look(created, self.client, {})
        except NoAnswerError as error:
            self.found.silence = str(error)
            return self.found
        for run_id, record in records.items():
            try:
                self._attend(record, seen.get(run_id))
            except NoAnswerError as error:
                self.found.silence = str(error)
                return self.found
            except Exception as error:  # a run with a fault must not keep the others from their ends
                self.found.errors[run_id] = f"{type(error).__name__}: {error}"
        return self.found

    def _attend(self, record: "RunRecord", seen: Seen | None) -> None:
        run = record.dagster_run
        own = tags.own(run.run_id, run.tags)
        if seen is None or own.get(tags.STATE) != tags.CREATED:
            self._create_late(record)
            return
        seen = self._with_report(run.run_id, seen)
        age = time.time() - float(own[tags.CREATED_AT])
        if self._is_unwanted(record, seen):
            self._delete(run)
        elif self._has_ended(seen, age):
            cause = settle(self.instance, run.run_id, seen.pod, seen.report, self.creation.settings, self.client)
            self.found.ended[run.run_id] = str(cause)
        elif not run.is_finished and report_pending(self.instance, run, seen.pod, age, self.creation.settings, self.client):
            self.found.waiting += 1

    def _with_report(self, run_id: str, seen: Seen) -> Seen:
        """With what the pod says of itself, read after the pods were: one that is over has written its last.

        A pod that was not there yet may have claimed the run meanwhile. Then a look after that decides whether it is gone.
        """
        report = reports.read(self.creation.settings.report(run_id))
        seen = Seen(seen.pods, seen.job, report)
        return Seen(tuple(self.client.pods([run_id])), seen.job, report) if report and seen.pod is None else seen

    def _create_late(self, record: "RunRecord") -> None:
        """Create the Job of a run that has none: its launcher died, or the server did not answer it."""
        from dagster import DagsterRunStatus

        run = record.dagster_run
        if run.status is DagsterRunStatus.CANCELING:
            self.client.delete_job(f"dagster-run-{run.run_id}")
            self.instance.report_run_canceled(run, "The run was cancelled before its pod was known to run.")
        if run.is_finished or run.status is DagsterRunStatus.CANCELING:
            batch.write(self.instance, run.run_id, {tags.STATE: tags.ENDED})
            return
        late = time.time() - _aware(record.update_timestamp).timestamp() > LATE_SECONDS
        if late and len(self.found.created) < AT_ONCE and self.creation.create(run.run_id):
            self.found.created.append(run.run_id)

    def _is_unwanted(self, record: "RunRecord", seen: Seen) -> bool:
        """Whether the run is cancelled, or over for a while, and its Job is there all the same."""
        from dagster import DagsterRunStatus

        if seen.job is None or seen.job.deletion or all(pod.is_over or pod.deletion for pod in seen.pods) and seen.pods:
            return False
        works = any(pod.phase != "Pending" for pod in seen.pods)
        over = record.dagster_run.is_finished and (not works or time.time() - (record.end_time or 0) > LAST_WORDS_SECONDS)
        return record.dagster_run.status is DagsterRunStatus.CANCELING or over

    def _delete(self, run: "DagsterRun") -> None:
        self.client.delete_job(f"dagster-run-{run.run_id}")
        self.found.deleted.append(run.run_id)

    def _has_ended(self, seen: Seen, age: float) -> bool:
        """Whether the run's pod has certainly ended."""
        pod = seen.pod
        if pod is None:
            if seen.report is not None and seen.report.pod or (seen.job and seen.job.has_failed):
                return True
            return seen.job is None and not seen.pods and age > GONE_SECONDS
        if pod.is_over:
            if not (pod.works and pod.deadline and seen.report and not seen.report.ended):
                return True
            return time.time() - pod.deadline.timestamp() > UNCONFIRMED_SECONDS  # its worker has a moment to end
        unconfirmed = pod.deletion and time.time() - pod.deletion.timestamp() > UNCONFIRMED_SECONDS
        return bool(unconfirmed) or pod.reason == "NodeLost"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
