"""Watches the inbox: a group config that is new or has changed initialises its group.

A file that is rejected fails the run `initialise_group` with every problem in it, and is left alone until it changes. Names
that begin with a dot are passed over, so that a file can be written beside and renamed into place; a file still being written is
waited for. One that cannot be read is told in the sensor's log, once, and stops no other.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.automation import LOOK_SECONDS
from padocc_dagster.resources import Padocc

SETTLED_SECONDS = 1.0
REQUESTS_A_TICK = 200  # Dagster ends a tick after 60 s


class Seen(NamedTuple):
    """What was last seen of a file: its times and size, its version (time and content), and why it could not be read."""

    times_and_size: str = ""
    version: str = ""
    problem: str = ""


@dg.sensor(job=initialise_group, minimum_interval_seconds=LOOK_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def inbox(context: dg.SensorEvaluationContext, padocc: Padocc) -> dg.SensorResult | dg.SkipReason:
    folder = padocc.workdir.inbox
    cursor = json.loads(context.cursor or '{"requests": 0, "files": {}}')
    before = {name: Seen(*seen) for name, seen in cursor["files"].items()}
    try:
        names = list(group_configs(folder))
    except OSError as error:
        return dg.SkipReason(f"{folder} cannot be listed ({error.strerror})")
    files: dict[str, Seen] = {}
    requests: list[dg.RunRequest] = []
    for name in names:
        old = before.get(name, Seen())
        new = look(folder / name, old) if len(requests) < REQUESTS_A_TICK else old
        if new.problem and new.problem != old.problem:
            context.log.warning(f"{name!r} in {folder} {new.problem}")
        if new.version != old.version:
            requests.append(_request(folder / name, new.version, cursor["requests"] + len(requests)))
        if new != Seen():
            files[name] = new
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else dg.SkipReason(f"nothing new in {folder}"),
        cursor=json.dumps({"requests": cursor["requests"] + len(requests), "files": files}),
    )


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
        # The time of the last change of the inode tells a copy that kept its time, and a permission that was given.
        times_and_size = f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_size}"
        settled = abs(time.time() - status.st_mtime) > SETTLED_SECONDS
        if times_and_size == old.times_and_size or not settled or not stat.S_ISREG(status.st_mode):
            return old._replace(problem="")
        return Seen(times_and_size, f"{status.st_mtime_ns}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}")
    except UnicodeEncodeError:
        return old._replace(problem="has a name that is not UTF-8: rename it")
    except OSError as error:
        return old._replace(problem=f"cannot be read ({error.strerror}): make it readable for this user, or take it away")


def _request(path: Path, version: str, number: int) -> dg.RunRequest:
    """The number makes the key differ when a file is put back as it was: Dagster starts no second run for a key."""
    return dg.RunRequest(
        run_key=f"{path.name}:{version}:{number}",
        run_config=dg.RunConfig(ops={"initialise_projects": {"config": {"path": str(path)}}}),
        tags={"padocc/group_config": path.name},
    )
