"""What interrupted steps of our own left behind, and the runs that finish it: groups half changed, projects initialised and not told of."""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from padocc_dagster.actions.adding import add_projects
from padocc_dagster.actions.edit import edit_projects
from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.actions.moves import finish_interrupted_steps
from padocc_dagster.actions.telling import tell_initialised
from padocc_dagster.pipeline.layout import Workdir
from padocc_dagster.pipeline.moving.unfinished import unfinished_steps
from padocc_dagster.pipeline.outside import untold
from padocc_dagster.run_tags import COMMAND_LINE

UNFINISHED_SECONDS = 120.0
COMMAND_SECONDS = 3600.0
"""A command that takes longer was killed: nobody tells Dagster so."""
AGAIN_SECONDS = 600.0
TELLERS = (initialise_group, edit_projects, add_projects, tell_initialised)


def left_behind(instance: dg.DagsterInstance, workdir: Workdir, now: int) -> list[dg.RunRequest]:
    """The runs to ask for; `now` is in nanoseconds since the epoch."""
    requests = []
    if _was_interrupted(instance, workdir):
        requests.append(dg.RunRequest(run_key=f"unfinished:{now}", job_name=finish_interrupted_steps.name))
    if (left := untold(workdir)) and not _being_told(instance):
        requests.append(_telling(left))
    return requests


def _was_interrupted(instance: dg.DagsterInstance, workdir: Workdir) -> bool:
    """Whether a step that moves or removes projects lies there unfinished, and nobody is about to finish it."""
    from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

    old = [step for step in unfinished_steps(workdir) if _age(step.when) > UNFINISHED_SECONDS]
    at_work = dg.RunsFilter(job_name=finish_interrupted_steps.name, statuses=NOT_FINISHED_STATUSES)
    return bool(old) and not instance.get_runs(at_work, limit=1)


def _being_told(instance: dg.DagsterInstance) -> bool:
    """Whether a run is under way that may be about to tell of projects that it initialised."""
    from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

    records = [
        record
        for job in TELLERS
        for record in instance.get_run_records(dg.RunsFilter(job_name=job.name, statuses=NOT_FINISHED_STATUSES), limit=100)
    ]
    commands = [record for record in records if COMMAND_LINE.items() <= record.dagster_run.tags.items()]
    return len(commands) < len(records) or any(time.time() - each.create_timestamp.timestamp() < COMMAND_SECONDS for each in commands)


def _telling(left: Mapping[str, list[str]]) -> dg.RunRequest:
    """One run for the same projects in ten minutes, should it fail."""
    key = hashlib.sha256(json.dumps(left, sort_keys=True).encode()).hexdigest()[:16]
    return dg.RunRequest(run_key=f"untold:{time.time() // AGAIN_SECONDS:.0f}:{key}", job_name=tell_initialised.name)


def _age(when: str) -> float:
    return time.time() - datetime.fromisoformat(when).timestamp()
