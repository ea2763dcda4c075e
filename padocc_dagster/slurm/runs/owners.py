"""What a job was submitted for: one run, or a host of many."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from padocc_dagster.slurm.node.report import Report, read
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.hosts import View
from padocc_dagster.slurm.runs.tags import host_name, is_of, report_of
from padocc_dagster.slurm.scheduler.job import Job

if TYPE_CHECKING:
    from dagster import DagsterRun


class Owner(Protocol):
    def owns(self, job: Job) -> bool:
        """Whether a job found by its id is the one. Ids are given again after a reset of SLURM."""

    def report(self) -> Report | None:
        """What the job's main process says. None when it says nothing, or the file system does not answer."""


@dataclass(frozen=True)
class RunOwner:
    run: "DagsterRun"

    def owns(self, job: Job) -> bool:
        host_id = tags.own(self.run.run_id, self.run.tags).get(tags.HOST, tags.NOTHING)
        return is_of(job, self.run) or (host_id != tags.NOTHING and job.name.startswith(host_name("")))

    def report(self) -> Report | None:
        return report_of(self.run)


@dataclass(frozen=True)
class HostOwner:
    view: View

    def owns(self, job: Job) -> bool:
        return self.view.is_of(job)

    def report(self) -> Report | None:
        try:
            return read(self.view.files.report)
        except OSError:
            return None
