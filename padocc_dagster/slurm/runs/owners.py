"""What a job was submitted for: one run, or a host of many.

A job is known by its name or its comment. People may change both, and ids are given again after a reset of SLURM; so a job with another
name and comment is the one that the owner's own report names, if it started when the report began.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from padocc_dagster.slurm.node.report import Report, read
from padocc_dagster.slurm.runs import tags
from padocc_dagster.slurm.runs.hosts import View
from padocc_dagster.slurm.runs.tags import host_name, is_of, report_of
from padocc_dagster.slurm.scheduler.job import Job

if TYPE_CHECKING:
    from dagster import DagsterRun


CLOCKS_DIFFER = timedelta(minutes=10)
"""More than the clocks of a node and the controller can differ: munge accepts no message that is five minutes old."""


class Owner(Protocol):
    def owns(self, job: Job) -> bool:
        """Whether a job found by its id is the one."""

    def report(self) -> Report | None:
        """What the job's main process says. None when it says nothing, or the file system does not answer."""


@dataclass(frozen=True)
class RunOwner:
    run: "DagsterRun"

    def owns(self, job: Job) -> bool:
        host_id = tags.own(self.run.run_id, self.run.tags).get(tags.HOST, tags.NOTHING)
        is_named = is_of(job, self.run) or (host_id != tags.NOTHING and job.name.startswith(host_name("")))
        return is_named or _is_reported(job, self.report())

    def report(self) -> Report | None:
        return report_of(self.run)


@dataclass(frozen=True)
class HostOwner:
    view: View

    def owns(self, job: Job) -> bool:
        return self.view.is_of(job) or _is_reported(job, self.report())

    def report(self) -> Report | None:
        try:
            return read(self.view.files.report)
        except OSError:
            return None


def _is_reported(job: Job, report: Report | None) -> bool:
    """Whether the job is the one that the report is of."""
    if report is None or job.started is None or job.is_pending:
        return False
    return job.job_id == report.job_id and abs(job.started - report.began) < CLOCKS_DIFFER
