"""Watches the inbox: a group config that is new or has changed initialises its group.

A file that is rejected fails the run `initialise_group` with every problem in it, and is left alone until it changes. A run that was lost
before it could read its file is requested again. Names that begin with a dot are skipped, so that a file can be written beside and renamed
into place; a file still being written is waited for. One that cannot be read is reported in the sensor's log, once, and stops no other.
"""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.conductor.starts import PROBLEM_AFTER, Verdict, decide, pause_is_over, why
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.readings import read_before, version_of
from padocc_dagster.runs import CONFIG, DUE

SETTLED_SECONDS = 1.0
REQUESTS_A_TICK = 50  # Dagster ends a tick after 60 s


class Seen(NamedTuple):
    """What was last seen of a file: its times and size, its version (time and content), and why it could not be read."""

    times_and_size: str = ""
    version: str = ""
    problem: str = ""


Files = dict[str, Seen]


def look_at_inbox(context: dg.SensorEvaluationContext, workdir: Workdir, before: Files) -> tuple[list[dg.RunRequest], Files]:
    """The runs to request for group configs, and what was seen of each file, to be given back at the next look."""
    folder = workdir.inbox
    try:
        names = list(group_configs(folder))
    except OSError as error:
        problem = f"cannot be listed ({error.strerror})"
        if before.get("", Seen()).problem != problem:
            context.log.warning(f"{folder} {problem}")
        return [], {**before, "": Seen(problem=problem)}
    files: Files = {}
    requests: list[dg.RunRequest] = []
    for name in names:
        old = before.get(name, Seen())
        new = look(folder / name, old)
        if new.problem and new.problem != old.problem:
            context.log.warning(f"{name!r} in {folder} {new.problem}")
        if new != Seen():
            files[name] = new
        if new.version and len(requests) < REQUESTS_A_TICK and read_before(workdir, name) != new.version:
            requests += _requests(context, folder / name, new.version)
    return requests, files


def group_configs(folder: Path) -> Iterator[str]:
    """Names of what may be group configs in the folder. Raises OSError when it cannot be listed."""
    from padocc_dagster.selection import SUFFIXES

    for name in sorted(os.listdir(folder)):
        if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
            yield name


def look(path: Path, old: Seen) -> Seen:
    """What is seen of the file now. Its content is read only when its times or its size have changed."""
    try:
        path.name.encode()
        status = path.stat()
        # The inode's time of change also changes for a copy that kept its time, and for a new permission.
        times_and_size = f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_size}"
        settled = abs(time.time() - status.st_mtime) > SETTLED_SECONDS
        if times_and_size == old.times_and_size or not settled or not stat.S_ISREG(status.st_mode):
            return old._replace(problem="")
        return Seen(times_and_size, version_of(path))
    except UnicodeEncodeError:
        return old._replace(problem="has a name that is not UTF-8: rename it")
    except OSError as error:
        return old._replace(problem=f"cannot be read ({error.strerror}): make it readable for this user, or remove it")


def _requests(context: dg.SensorEvaluationContext, path: Path, version: str) -> Iterator[dg.RunRequest]:
    """A run for a version that was not read yet, unless one is under way or the pause after a failed one is not over."""
    key = f"{path.name}/{version}"
    runs = context.instance.get_run_records(dg.RunsFilter(job_name=initialise_group.name, tags={DUE: key}), limit=100)
    decision = decide(list(runs), key, wrote_last_row=False)
    if decision.failed_starts >= PROBLEM_AFTER and decision.run:
        context.log.error(f"{path.name}: {decision.failed_starts} starts failed in a row ({why(context.instance, decision.run)})")
    ended_well = bool(runs) and runs[0].dagster_run.is_success  # and another version was read since
    died = decision.verdict is Verdict.DIED and (ended_well or pause_is_over(runs[0], decision.tries))
    if decision.verdict is Verdict.REQUEST or died:
        yield dg.RunRequest(
            run_key=f"{key}/{decision.tries}",
            job_name=initialise_group.name,
            run_config=dg.RunConfig(ops={"initialise_projects": {"config": {"path": str(path)}}}),
            tags={CONFIG: path.name, DUE: key},
        )
