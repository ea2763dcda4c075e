"""Manual steps recorded in the events of their projects, under the projects' locks. `events.py` reads them."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice

from padocc_dagster.pipeline.workdir.event_log import events_of, record, record_of_group
from padocc_dagster.pipeline.workdir.events import Step
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.status import read_rows

LOCK_WAIT_SECONDS = 2.0
LOCKED_AT_ONCE = 200
"""Every lock that is held costs a thread."""


def note(workdir: Workdir, steps: Mapping[Project, Step]) -> dict[Project, str]:
    """Record a step for each project. Returns the projects at work, for which nothing is recorded, each with a sentence."""
    left: dict[Project, str] = {}
    for chunk in in_chunks(steps):
        with locked(workdir, chunk) as busy:
            left |= busy
            for project in chunk:
                if project not in busy:
                    write_down(workdir, project, steps[project])
    return left


def write_down(workdir: Workdir, project: Project, step: Step) -> None:
    """Append a step to the project's events, with the number of rows of its status log; the project's lock is held.

    A step of a run is written once, however often the run is repeated. For a project whose folder is gone, its group's lock is taken.
    """
    if not workdir.project_dir(project).is_dir():
        with held(workdir.group_lock(project.group), f"group {project.group}"):
            record_of_group(workdir, project.group, {project.code: step})
    elif not step.run or not any(isinstance(event, type(step)) and event.run == step.run for event in events_of(workdir, project)):
        row = step.row or len(read_rows(workdir.status_log(project)))
        record(workdir, project, step.model_copy(update={"row": row}))


@contextmanager
def locked(workdir: Workdir, projects: Iterable[Project]) -> Iterator[dict[Project, str]]:
    """Hold the locks of these projects for the block. Yields those that are still at work after `LOCK_WAIT_SECONDS` in all, each with
    a sentence."""
    end, busy = time.monotonic() + LOCK_WAIT_SECONDS, {}
    with ExitStack() as stack:
        for project in projects:
            try:
                wait = max(0.0, end - time.monotonic())
                stack.enter_context(held(workdir.project_lock(project), f"project {project}", wait=wait))
            except LockedError as error:
                busy[project] = f"it is at work: {error}"
        yield busy


def in_chunks(projects: Iterable[Project]) -> Iterator[list[Project]]:
    """As many projects as are locked at once."""
    rest = iter(projects)
    while chunk := list(islice(rest, LOCKED_AT_ONCE)):
        yield chunk
