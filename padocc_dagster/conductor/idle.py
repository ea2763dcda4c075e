"""Whether anything is left to do: found by the conductor at the end of each tick, kept in its cursor, read by `up --until-idle`."""

import json
import os
import stat
from collections.abc import Iterator

import dagster as dg

from padocc_dagster.conductor.inbox import Files, Seen, group_configs
from padocc_dagster.conductor.memory import Memory
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.readings import read_before
from padocc_dagster.pipeline.workdir.unfinished import unfinished_steps

SENSOR, IDLE_SINCE = "conductor", "idle_since"
"""The sensor's name, and the entry of its cursor: when the tick began that found nothing to do, in seconds since the epoch, else 0."""


def is_idle(memory: Memory, files: Files) -> bool:
    """Whether no phase may be started now or later without a person, all is reported to Dagster, and no group config waits in the inbox.

    A phase whose start failed, and which is tried again, is left to do. A phase at work is due until it has ended.
    """
    standings = memory.standings
    return (
        standings.is_complete
        and not memory.to_compare
        and not memory.has_more_to_rule
        and not memory.dirty & standings.groups.keys()
        and not any(standing.due and standings.is_operable(project) for project, standing in standings.projects.items())
        and not unfinished_steps(standings.workdir)
        and not any(waiting(standings.workdir, files))
    )


def waiting(workdir: Workdir, files: Files) -> Iterator[str]:
    """Names of the group configs that are still being written, or whose version was not read yet. One that cannot be read is left to a
    person."""
    try:
        names = list(group_configs(workdir.inbox))
    except OSError:
        return
    for name in names:
        seen = files.get(name, Seen())
        if not seen.problem and (read_before(workdir, name) != seen.version or not seen.version) and _is_file(workdir, name):
            yield name


def _is_file(workdir: Workdir, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(workdir.inbox / name).st_mode)
    except OSError:
        return False


def idle_since(instance: dg.DagsterInstance) -> float:
    """When the conductor's last tick began, in seconds since the epoch, if that found nothing left to do; 0 otherwise."""
    cursors = [getattr(state.instigator_data, "cursor", None) for state in instance.all_instigator_state() if state.name == SENSOR]
    return max((float(json.loads(cursor).get(IDLE_SINCE, 0)) for cursor in cursors if cursor), default=0.0)
