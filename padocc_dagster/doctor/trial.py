"""One tiny job, submitted as the launcher submits a run's: does a compute node see what this host sees?

Random marks are written into the shared folders and into a row of the database; the job (`node.py`) reads them there and writes its
own, which are read here. In any case the marks are removed and no job stays behind.

It is no Dagster run: a run reports through the database, so on a node without Dagster, the database or DAGSTER_HOME it could report
nothing, and it would stay in the instance's history, where the daemon retries it.
"""

import contextlib
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padocc_dagster.dagster_private import write_cursor
from padocc_dagster.doctor import node
from padocc_dagster.doctor.cluster import request
from padocc_dagster.doctor.comparison import compare
from padocc_dagster.doctor.line import Line, ok, wrong
from padocc_dagster.doctor.node import CURSOR, facts_in, gather, mark, text_in
from padocc_dagster.services.settings_file import hide
from padocc_dagster.slurm.folders import last_lines
from padocc_dagster.slurm.request.script import BatchRequest, batch_script
from padocc_dagster.slurm.runs.environment import job_environment
from padocc_dagster.slurm.scheduler.client import Client, NoAnswerError, SlurmError
from padocc_dagster.slurm.scheduler.job import Job
from padocc_dagster.slurm.scheduler.reasons import pending_problem
from padocc_dagster.slurm.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

SUBJECT = "job"
WALL_SECONDS, MEMORY_MIB = 300, 1024
LATE_SECONDS = 10.0
"""NFS may show a file so long after it was written on another host."""
FIRST_POLL_SECONDS, SLOWEST_POLL_SECONDS = 0.5, 15.0
NOT_MADE = "nothing was checked on a node"


@dataclass(frozen=True)
class Trial:
    """What the job is made of. `values` are those of dagster.yaml, whose secrets no line may show."""

    settings: Settings
    client: Client
    folders: Mapping[str, Path]
    """The folders to be shared by what they are called, WORKDIR among them; the log folder is the first."""
    values: Mapping[str, Any]
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def script(self) -> Path:
        return self.settings.log_folder.root / "doctor" / self.token / f"{self.token}.sh"

    @property
    def log(self) -> Path:
        return self.script.with_suffix(".log")

    @property
    def request(self) -> BatchRequest:
        """The smallest job that the default allocation allows."""
        default = self.settings.default
        small = replace(default, wall_seconds=WALL_SECONDS, memory_mib=min(MEMORY_MIB, default.memory_mib or MEMORY_MIB), cpus=1)
        command = (self.settings.python, "-m", node.__name__, self.token, *map(str, self.folders.values()))
        return request(self.settings, small, self.script, command)


def try_node(trial: Trial, instance: "DagsterInstance", seconds: float) -> list[Line]:
    """Run the job, wait for it at most so many seconds, and say what differs on its node."""
    submitted: list[int] = []
    try:
        _prepare(trial, instance)
        submitted += [_submit(trial, instance)]
        job = _waited_for(trial.client, submitted[0], seconds)
        if job and not job.is_over:
            return [wrong(SUBJECT, _unfinished(job, seconds))]
        submitted.clear()
        return _answer(trial, job)
    except (OSError, ValueError, SlurmError) as error:
        return [wrong(SUBJECT, f"{hide(str(error), trial.values)}; {NOT_MADE}")]
    finally:
        _clean(trial, submitted)


def _prepare(trial: Trial, instance: "DagsterInstance") -> None:
    """Write the marks and the script."""
    for folder in trial.folders.values():
        mark(folder, trial.token, "here").write_text(trial.token[::-1])
    write_cursor(instance, CURSOR, trial.token[::-1])
    trial.script.parent.mkdir(parents=True)
    trial.script.write_text(batch_script(trial.request))


def _submit(trial: Trial, instance: "DagsterInstance") -> int:
    """The job's id. Raises SlurmError when there is none."""
    try:
        return trial.client.submit(trial.script, job_environment(instance, trial.settings.environment))
    except NoAnswerError:
        if found := trial.client.find(trial.request.job_name):
            return found[0].job_id
        raise


def _waited_for(client: Client, job_id: int, seconds: float) -> Job | None:
    """The job when it is over or the time is up; None when SLURM has forgotten it. Raises NoAnswerError when SLURM is silent at the end."""
    deadline, pause = time.monotonic() + seconds, FIRST_POLL_SECONDS
    while True:
        left = deadline - time.monotonic()
        try:
            job = client.show(job_id)
            if job is None or job.is_over or left <= 0:
                return job
        except NoAnswerError:
            if left <= 0:
                raise
        time.sleep(max(0.0, min(pause, left)))
        pause = min(2 * pause, SLOWEST_POLL_SECONDS)


def _unfinished(job: Job, seconds: float) -> str:
    again = f"it was cancelled, and {NOT_MADE}: try again with a longer --wait"
    if not job.is_pending:
        return f"SLURM job {job.job_id} has not ended within {seconds:.0f} s (it is {job.state}): {again}"
    problem = pending_problem(job.reason)
    meaning = f", which means: {problem.means}. What to do: {problem.advice}" if problem else ""
    return f"SLURM job {job.job_id} did not start within {seconds:.0f} s, {again}. It waited for {job.reason or 'no reason given'}{meaning}"


def _answer(trial: Trial, job: Job | None) -> list[Line]:
    """The lines of a job that has ended."""
    there, deadline = facts_in(text_in(trial.log)), time.monotonic() + LATE_SECONDS
    while there is None and not text_in(trial.log) and time.monotonic() < deadline:
        time.sleep(FIRST_POLL_SECONDS)
        there = facts_in(text_in(trial.log))
    name = f"SLURM job {job.job_id}" if job else "the job"
    if there is None:
        return [wrong(SUBJECT, f"{name} ended {job.state if job else 'unseen'} without an answer: {_silence(trial)}")]
    shutil.rmtree(trial.script.parent, ignore_errors=True)
    seen = {folder: text_in(mark(folder, trial.token, "there")) for folder in trial.folders.values()}
    ran = ok(SUBJECT, f"{name} ran on the node {there.host}, and this is what it saw there:")
    return [ran, *compare(gather(trial.settings.log_folder.root), there, trial.folders, seen, trial.token[::-1])]


def _silence(trial: Trial) -> str:
    if not trial.log.exists():
        return f"its log {trial.log} is not there, so put log_folder where every node sees it and this user may write"
    end = hide(last_lines(trial.log), trial.values)
    remedy = "correct `python` and `set_up` in the launcher's config, or install padocc-dagster there"
    return f"{remedy}. The end of its log {trial.log}:\n{end or '(it is empty)'}"


def _clean(trial: Trial, submitted: list[int]) -> None:
    """Cancel a job that has not ended, and remove the marks. The script and log of a job that failed are kept for a person."""
    with contextlib.suppress(SlurmError):
        if submitted:
            trial.client.cancel(submitted)
    for folder in trial.folders.values():
        for side in ("here", "there"):
            with contextlib.suppress(OSError):
                mark(folder, trial.token, side).unlink()
    if not trial.log.exists():
        shutil.rmtree(trial.script.parent, ignore_errors=True)
    with contextlib.suppress(OSError):
        trial.script.parent.parent.rmdir()
