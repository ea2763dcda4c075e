"""A Dagster instance with real runs, and a pretended SLURM beside it: what the tests of the launcher's rooms work with."""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.launcher import RunLauncher
from dagster._serdes import ConfigurableClassData

from padocc_dagster.slurm.node.report import Report, claim, write
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.reconcile import Findings, reconcile
from padocc_dagster.slurm.runs.submission import submit
from padocc_dagster.slurm.runs.tags import files_of, job_comment, job_name
from padocc_dagster.slurm.scheduler.client import Client
from padocc_dagster.slurm.settings import Settings
from padocc_dagster_tests.batch.runs import JOB, make_run
from padocc_dagster_tests.slurm.pretended import Pretended, forget_look

INSTANCE = {"telemetry": {"enabled": False}, "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}}


def configured(**config: Any) -> Settings:
    """The settings as Dagster reads them from the launcher's config in dagster.yaml."""
    data = ConfigurableClassData("padocc_dagster.slurm", "SlurmRunLauncher", json.dumps(config))
    return data.rehydrate(as_type=RunLauncher).settings


@dataclasses.dataclass
class Desk:
    instance: dg.DagsterInstance
    slurm: Pretended
    settings: Settings
    client: Client

    def run(self, more: dict[str, str] | None = None, status: str = "STARTING", parent: dg.DagsterRun | None = None) -> dg.DagsterRun:
        """A run, as it is when Dagster hands it to the launcher; with a parent, one that was made of it with its tags."""
        return make_run(self.instance, more, status, parent)

    def submit(self, run: dg.DagsterRun) -> int | None:
        """Launch it, and return the job's id when that is known."""
        submit(self.instance, run.run_id, self.settings, self.client)
        return self.job(run)

    def at_work(self, more: dict[str, str] | None = None, parent: dg.DagsterRun | None = None) -> tuple[dg.DagsterRun, int]:
        """A run that has started in its job, and the job's id."""
        run = self.run(more, parent=parent)
        job_id = self.submit(run)
        self.slurm.start(job_id)
        self.begin(run, job_id)
        return self.now(run), job_id

    def begin(self, run: dg.DagsterRun, job_id: int) -> None:
        """The job's main process claims the run, and the run starts."""
        path = files_of(self.now(run)).report
        path.parent.mkdir(parents=True, exist_ok=True)
        claim(path, Report(job_id, "n1", datetime(2026, 11, 23, 3, 7, tzinfo=UTC)))
        self.event(run, DagsterEventType.RUN_START)

    def report(self, run: dg.DagsterRun, job_id: int, **more: Any) -> None:
        """What the job says of itself."""
        began, ended = datetime(2026, 11, 23, 3, 7, tzinfo=UTC), datetime(2026, 11, 23, 3, 7, 31, tzinfo=UTC)
        assert write(files_of(self.now(run)).report, Report(job_id, "n1", began, **{"ended": ended, **more}))

    def event(self, run: dg.DagsterRun, kind: DagsterEventType) -> None:
        self.instance.report_dagster_event(DagsterEvent(kind.value, JOB.name), run.run_id)

    def succeed(self, run: dg.DagsterRun) -> None:
        self.event(run, DagsterEventType.RUN_SUCCESS)

    def now(self, run: dg.DagsterRun) -> dg.DagsterRun:
        return self.instance.get_run_by_id(run.run_id)

    def status(self, run: dg.DagsterRun) -> str:
        return self.now(run).status.value

    def own(self, run: dg.DagsterRun) -> dict[str, str]:
        return dict(tags.own(run.run_id, self.now(run).tags))

    def job(self, run: dg.DagsterRun) -> int | None:
        found = self.own(run).get(tags.JOB_ID, "")
        return int(found) if found.isdigit() else None

    def events_text(self, run: dg.DagsterRun) -> str:
        return "\n".join(record.user_message or record.message for record in self.instance.all_logs(run.run_id))

    def add(self, job_id: int, run: dg.DagsterRun, **more: Any) -> int:
        """A job of this run that nobody here has submitted."""
        return self.slurm.add(job_id, job_name(run), job_comment(self.settings.log_folder.instance_id(), run.run_id), **more)

    def look(self, seconds: float = 10_000) -> Findings:
        """One pass, so many seconds after the last one."""
        if self.settings.log_folder.queue.exists():
            forget_look(self.settings.log_folder.queue, seconds)
        return reconcile(self.instance, self.settings, self.client) or Findings()

    def pass_again(self) -> Findings | None:
        """Another within the poll interval, which finds nothing to do."""
        return reconcile(self.instance, self.settings, self.client)

    def with_settings(self, **config: Any) -> "Desk":
        return dataclasses.replace(self, settings=configured(**{"log_folder": str(self.settings.log_folder.root), "warm": False, **config}))

    def clear(self) -> None:
        for run in self.instance.get_runs():
            self.instance.delete_run(run.run_id)


def desk_in(folder: Path, instance: dg.DagsterInstance) -> Desk:
    slurm = Pretended(folder / "programs")
    return Desk(instance, slurm, configured(log_folder=str(folder / "logs"), warm=False), Client(10))
