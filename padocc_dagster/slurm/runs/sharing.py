"""A run shares a job with others of its band: it joins one, or is the first in a new one."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.amounts import MOST_SECONDS
from padocc_dagster.batch.planning import LaunchRefusedError, Plan, plan
from padocc_dagster.dagster_private import definitions_module
from padocc_dagster.slurm.folders import RunFiles
from padocc_dagster.slurm.node.host_folder import Host, HostFolder, Request
from padocc_dagster.slurm.runs.hosts import Hosts, files_of_host
from padocc_dagster.slurm.scheduler.client import Client, NoAnswerError
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.warm_jobs import band_of

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


@dataclass(frozen=True)
class Joined:
    """The host that a run waits in."""

    host: Host
    job_id: int | None
    """None while it is not known."""
    script: RunFiles
    """Of the host's job."""
    planned: Plan
    """What the run requested in the end."""

    def files(self, of_run: RunFiles) -> RunFiles:
        """The run's own files, with the script of the job that it is in."""
        return RunFiles(self.script.script, of_run.log)


@dataclass(frozen=True)
class Sharing:
    """A run that may share a job, with what it requests."""

    hosts: Hosts
    run: "DagsterRun"
    planned: Plan
    band: Allocation

    @classmethod
    def of(cls, instance: "DagsterInstance", run: "DagsterRun", settings: Settings, client: Client) -> Self | None:
        """None for a run that gets a job of its own. Raises LaunchRefusedError as `plan` does."""
        if settings.warm is None:
            return None
        planned = plan(instance, run, settings)
        band = band_of(planned.allocation, settings.warm, settings.largest_for(planned.allocation))
        return cls(Hosts(instance, settings, client), run, planned, band) if band else None

    def join(self, files: RunFiles, handed_on: int = 0) -> Joined:
        """Let the run wait in a host, whose job is submitted when it is new.

        Raises NoRoomError, and LaunchRefusedError when SLURM takes no such job. A submission of which it is not known whether it was
        accepted is looked up by the reconciler.
        """
        try:
            return self._join(files, handed_on)
        except LaunchRefusedError:
            if not self.band.exclude:
                raise
            nodes = ", ".join(self.band.exclude)
            note = f"SLURM has no other nodes for the job than {nodes}, which failed before: it may run there again"
            allocation, notes = replace(self.planned.allocation, exclude=()), (*self.planned.notes, note)
            return replace(self, planned=Plan(allocation, notes), band=replace(self.band, exclude=())).join(files, handed_on)

    def _join(self, files: RunFiles, handed_on: int) -> Joined:
        wall = self.planned.allocation.wall_seconds or MOST_SECONDS
        request = Request(self.run.run_id, str(files.report), str(files.log), wall, handed_on)
        folder, made = self.hosts.join(request, self.band, definitions_module(self.run))
        host = folder.host()
        if host is None:
            raise OSError(f"{folder.path} was removed in the moment that the run joined it")
        job_id = folder.job_id()
        if made:
            job_id = self._submit(folder)
        return Joined(host, job_id, files_of_host(host), self.planned)

    def _submit(self, folder: HostFolder) -> int | None:
        try:
            return self.hosts.submit(folder)
        except NoAnswerError:
            return None
        except LaunchRefusedError:
            folder.close()  # what has joined meanwhile goes to another host, and is refused there if it must be
            for state in ("closed", "returned"):
                folder.remove(self.run.run_id, state)
            raise
