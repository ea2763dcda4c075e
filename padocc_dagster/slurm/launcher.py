"""The run launcher: Dagster's calls, each passed to the module that does it. It keeps no state: it lives in many processes at once."""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from dagster import DagsterRun

from padocc_dagster.dagster_private import (
    CheckRunHealthResult,
    ConfigurableClass,
    ConfigurableClassData,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
)
from padocc_dagster.slurm.folders import last_lines
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.cancelling import terminate
from padocc_dagster.slurm.runs.events import commands_for
from padocc_dagster.slurm.runs.reconcile import Findings, reconcile
from padocc_dagster.slurm.runs.submission import submit
from padocc_dagster.slurm.runs.tags import files_of
from padocc_dagster.slurm.scheduler.client import Client
from padocc_dagster.slurm.scheduler.queue import is_due
from padocc_dagster.slurm.settings import FIELDS, Settings, read_settings


class SlurmRunLauncher(RunLauncher, ConfigurableClass):
    """Every Dagster run a SLURM job.

    In `dagster.yaml`, with fields as described in `settings.py`:

        run_launcher:
          module: padocc_dagster.slurm
          class: SlurmRunLauncher
          config: {partition: standard, qos: standard, account: my_project}

    A single run gets more by tags: `slurm/time: 02:00:00`, `slurm/memory: 16G`, `slurm/cpus`, `slurm/partition`, `slurm/qos`,
    `slurm/account`. Its sizes may also be in `padocc/time`, `padocc/memory` and `padocc/cpus`, which every launcher reads.
    """

    def __init__(self, settings: Settings, inst_data: ConfigurableClassData | None = None) -> None:
        self.settings, self._inst_data = settings, inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return FIELDS

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "SlurmRunLauncher":
        return cls(read_settings(config_value), inst_data)

    @cached_property
    def client(self) -> Client:
        return Client(self.settings.command_timeout_seconds, self.settings.command_prefix)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Submit the run's job. A run that cannot become a job is reported as failed, and says why.

        Nothing is raised: Dagster would fail and retry the run, whose job may be in the queue. The reconciler finishes what is left.
        """
        run = context.dagster_run
        try:
            submit(self._instance, run.run_id, self.settings, self.client)
        except Exception as error:
            sentence = f"The launch was interrupted ({type(error).__name__}: {error}). It is finished with the next look at the queue."
            self._instance.report_engine_event(sentence, run)

    sizes_runs = True
    """The conductor ends a run where the next allocation can be sized better."""

    def terminate(self, run_id: str) -> bool:
        """Cancel a run whose job waits or works. True when there was something to cancel."""
        return terminate(self._instance, run_id, self.settings, self.client)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Always RUNNING: a run whose job has ended is brought to its end by the reconciler, with its cause, not by the monitor."""
        if is_due(self.settings.log_folder.queue, self.settings.poll_interval_seconds):
            self.reconcile()
        return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=tags.own(run.run_id, run.tags).get(tags.JOB_ID))

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """What a person needs to look further: SLURM's reason, commands, the end of the log."""
        own, files = tags.own(run.run_id, run.tags), files_of(run)
        if files is None:
            return "The run has no SLURM job."
        lines = [f"SLURM job {own.get(tags.JOB_ID)}, requested {own.get(tags.REQUESTED)}, waits for: {own.get(tags.PENDING, tags.NOTHING)}"]
        if own.get(tags.JOB_ID, "").isdigit():
            lines += commands_for(files, int(own[tags.JOB_ID]))
        if include_container_logs and (end := last_lines(files.log)):
            lines.append(f"The end of the log:\n{end}")
        return "\n".join(lines)

    def remove_files(self, before: float, kept: Collection[str]) -> None:
        """Remove what jobs left in the log folder before that time, but for those files: paths without suffixes."""
        self.settings.log_folder.remove(before, kept)

    def reconcile(self) -> Findings | None:
        """Bring runs and jobs into agreement; None when another process is doing so."""
        return reconcile(self._instance, self.settings, self.client)
