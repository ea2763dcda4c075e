"""Jobs that host many runs, as the launcher sees them: where each run is, which job a run joins, and how such a job is submitted.

The files say which host has a run (`node/host_folder.py`); the runs' tags only repeat it for people. Which of two processes submits a
job when both need one is decided under a lock, so that there is one job and not two. No run depends on that: with two, one ends idle.
"""

import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.batch.amounts import MOST_SECONDS
from padocc_dagster.batch.planning import LaunchRefusedError
from padocc_dagster.slurm.folders import RunFiles
from padocc_dagster.slurm.node.host_folder import Host, HostFolder, Request, folders
from padocc_dagster.slurm.request.script import BatchRequest, batch_script, for_many_runs
from padocc_dagster.slurm.runs.environment import job_environment
from padocc_dagster.slurm.runs.tags import host_comment, host_name
from padocc_dagster.slurm.scheduler.client import Client, RefusedError
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.queue import Queue, read
from padocc_dagster.slurm.settings import Settings
from padocc_dagster.slurm.warm_jobs import Place, choose, job_for

if TYPE_CHECKING:
    from dagster import DagsterInstance

WAITING = ("open", "closed", "returned")
STATES = ("done", "claimed", *WAITING)
"""The folders that a run may be in. Where it is in two, the first counts: a process died before it removed it from the other."""
CLOSE_SECONDS = 60
"""How long before the end of its wall time a host starts no more runs."""
TRIES = 5
LOCK_SECONDS = 30.0


class NoRoomError(Exception):
    """As many jobs host runs as may, and none has time left for the run."""


@dataclass(frozen=True)
class View:
    """A host, with its runs by the folder that they are in."""

    folder: HostFolder
    host: Host
    job_id: int | None
    is_open: bool
    runs: dict[str, list[str]]

    @property
    def files(self) -> RunFiles:
        return files_of_host(self.host)

    @cached_property
    def band(self) -> Allocation:
        return Allocation.parse(self.host.band)

    def is_of(self, job: Job) -> bool:
        """Whether a job found by its id is this one's."""
        return job.name == host_name(self.host.host_id) or job.comment.endswith(f":host-{self.host.host_id}")


def files_of_host(host: Host) -> RunFiles:
    log = Path(host.log)
    return RunFiles(log.with_suffix(".sh"), log)


def views(hosts: Path) -> list[View]:
    """All hosts that are not settled, those that were made first come first."""
    found = []
    for folder in folders(hosts):
        is_open = folder.is_open
        runs = {state: folder.runs(state) for state in STATES}
        if host := folder.host():
            found.append(View(folder, host, folder.job_id(), is_open, runs))
    return sorted(found, key=lambda view: view.host.made_at)


def located(seen: Iterable[View]) -> dict[str, tuple[View, str]]:
    """Where each run is: its host, and the folder there."""
    found: dict[str, tuple[View, str]] = {}
    for view in seen:
        for state in STATES:
            for run_id in view.runs[state]:
                if run_id not in found or STATES.index(state) < STATES.index(found[run_id][1]):
                    found[run_id] = (view, state)
    return found


def place_of(view: View, queue: Queue) -> Place | None:
    """What a run finds that joins the host; None when it has closed, or its job is over."""
    job = queue.jobs.get(view.job_id) if view.job_id else None
    if not view.is_open or (job is not None and view.is_of(job) and job.is_over):
        return None
    began = job is not None and view.is_of(job) and not job.is_pending and job.elapsed_seconds is not None
    elapsed = max(1.0, job.elapsed_seconds + time.time() - queue.taken_at) if began and job and job.elapsed_seconds is not None else 0.0
    waiting, at_work = len(view.runs["open"]), len(view.runs["claimed"])
    return Place(view.folder, view.host, elapsed, waiting, at_work, view.folder.pace().mean)


@dataclass(frozen=True)
class Hosts:
    """The jobs that host runs of this instance."""

    instance: "DagsterInstance"
    settings: Settings
    client: Client

    @property
    def root(self) -> Path:
        return self.settings.log_folder.hosts

    def views(self) -> list[View]:
        return views(self.root)

    def is_there(self, run_id: str) -> bool:
        """Whether a host has the run."""
        return run_id in located(self.views())

    def join(self, request: Request, band: Allocation, definitions: str) -> tuple[HostFolder, bool]:
        """Let a run wait in a host, and return which, and whether it was made for it. A run that waits or works in one stays there.

        Raises NoRoomError.
        """
        for _ in range(TRIES):
            with self._alone():
                seen = self.views()
                there = located(seen).get(request.run_id)
                if there and there[1] not in ("closed", "returned"):
                    return there[0].folder, False
                folder = self._place(seen, band, request.wall_seconds)
                made = folder is None
                folder = folder or self.make(seen, band, request.wall_seconds, definitions)
            if folder.join(request):
                return folder, made
        raise NoRoomError("the jobs that host runs close faster than this run can join one")

    def _place(self, seen: list[View], band: Allocation, wall_seconds: int) -> HostFolder | None:
        places = self.places(seen, band, read(self.settings.log_folder.queue))
        chosen = choose(places, wall_seconds, self.settings.warm, self.may_add(seen, band)) if self.settings.warm else None
        return chosen.folder if chosen else None

    def places(self, seen: list[View], band: Allocation, queue: Queue) -> list[Place]:
        """The open hosts of a band."""
        return [place for view in seen if view.band == band and (place := place_of(view, queue))]

    def may_add(self, seen: list[View], band: Allocation) -> bool:
        """Whether there may be another host."""
        return sum(view.is_open for view in seen) < self.settings.most_jobs(band)

    def make(self, seen: list[View], band: Allocation, wall_seconds: int, definitions: str) -> HostFolder:
        """Make a host, whose job is not submitted yet. Raises NoRoomError when there may be no more."""
        warm = self.settings.warm
        if warm is None or not self.may_add(seen, band):
            raise NoRoomError(f"{self.settings.most_jobs(band)} jobs host runs, the most that may, and none has time left for this one")
        requested, at_once = job_for(band, wall_seconds, warm, self.settings.largest_for(band))
        host_id, made_at = uuid.uuid4().hex, time.time()
        host = Host(
            host_id=host_id,
            band=str(band),
            requested=str(requested),
            log=str(self.settings.log_folder.files(host_id, made_at).log),
            wall_seconds=requested.wall_seconds or MOST_SECONDS,
            memory_mib=band.memory_mib or 0,
            at_once=at_once,
            idle_seconds=warm.idle_seconds,
            grace_seconds=self.settings.terminate_grace_seconds,
            definitions=definitions,
            made_at=made_at,
        )
        return HostFolder.make(self.root, host)

    def submit(self, folder: HostFolder) -> int:
        """Submit a host's job, and return its id. Raises LaunchRefusedError and, when it may have been accepted, NoAnswerError."""
        host = folder.host()
        assert host is not None
        files = files_of_host(host)
        files.script.parent.mkdir(parents=True, exist_ok=True)
        try:
            files.script.write_text(batch_script(self._request(folder, host, files)))
        except ValueError as error:
            raise LaunchRefusedError(str(error)) from None
        try:
            job_id = self.client.submit(files.script, job_environment(self.instance, self.settings.environment))
        except RefusedError as error:
            raise LaunchRefusedError(f"SLURM does not take the job: {error}\nIts script: {files.script}") from None
        folder.set_job_id(job_id)
        return job_id

    def _request(self, folder: HostFolder, host: Host, files: RunFiles) -> BatchRequest:
        early = min(CLOSE_SECONDS, host.wall_seconds // 4)
        return BatchRequest(
            job_name=host_name(host.host_id),
            comment=host_comment(self.settings.log_folder.instance_id(), host.host_id),
            allocation=Allocation.parse(host.requested),
            log=files.log,
            folder=files.log.parent,
            set_up=self.settings.set_up,
            python=self.settings.python,
            main=for_many_runs(folder.path, files.report),
            options=(("signal", f"B:USR2@{early}"), *self.settings.sbatch_options),
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(self.settings.log_folder.lock("hosts"), timeout=LOCK_SECONDS)
        with suppress(OSError, Timeout):
            os.makedirs(Path(lock.lock_file).parent, exist_ok=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
