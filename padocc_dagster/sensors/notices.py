"""Sends messages about groups: one has finished, projects stopped, a published product went wrong. At most one a group and hour.

Off until it is started. `PADOCC_DAGSTER_NOTICES` in the environment of `up` says where to: addresses as apprise has them (`mailtos://…`,
`jsons://host/path` for a webhook, and a hundred services), the path of apprise's own config file, or the path of a program, which gets the
title as its argument and the message on standard input; with blanks between them. What was so before the first look is not sent.
"""

import json
import os
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import dagster as dg

from padocc_dagster.pipeline.board.news import Seen, look
from padocc_dagster.pipeline.workdir.groups import list_groups
from padocc_dagster.pipeline.workdir.managed import is_managed
from padocc_dagster.resources import served_workdir

WHERE = "PADOCC_DAGSTER_NOTICES"
PROGRAM_SECONDS = 10.0
SECONDS = 20.0
"""Most seconds of a tick: Dagster ends it after 60 s."""


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.STOPPED, description=__doc__)
def notices(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    where = os.environ.get(WHERE, "").split()
    if not where:
        return dg.SkipReason(f"No messages are sent: {WHERE} is not set in the environment of `up`.")
    if find_spec("apprise") is None:
        return dg.SkipReason("No messages are sent, because apprise is not installed: pip install 'padocc-dagster[notices]'")
    workdir, end = served_workdir(), time.monotonic() + SECONDS
    before = {group: Seen.model_validate(seen) for group, seen in json.loads(context.cursor or "{}").items()}
    seen: dict[str, Seen] = {}
    sent: list[str] = []
    for group in (group for group in list_groups(workdir) if is_managed(workdir, group)):
        known = before.get(group)
        if time.monotonic() > end:
            seen |= {group: known} if known else {}
            continue
        message, found = look(workdir, group, known, time.time())
        if message and not send(where, f"PADOCC group {group}", message):
            context.log.error(f"The message about {group} was not delivered to all of {WHERE}; it is sent again at the next look.")
            found = known or found
        elif message:
            sent.append(group)
        seen[group] = found
    reason = f"Messages sent about {', '.join(sent)}." if sent else "No news."
    return dg.SensorResult(skip_reason=reason, cursor=json.dumps({group: each.model_dump(mode="json") for group, each in seen.items()}))


def send(where: list[str], title: str, message: str) -> bool:
    """Send a message to all of these places; whether all took it."""
    from apprise import Apprise, AppriseConfig, NotifyFormat

    programs = [place for place in where if Path(place).is_file() and os.access(place, os.X_OK)]
    places, configs, taken = Apprise(), AppriseConfig(), [_called(program, title, message) for program in programs]
    for place in where:
        if place not in programs:
            taken.append(bool(configs.add(place) if Path(place).is_file() else places.add(place)))
    places.add(configs)
    return all(taken) and (not len(places) or bool(places.notify(message, title, body_format=NotifyFormat.TEXT)))


def _called(program: str, title: str, message: str) -> bool:
    """Call a program with the message; whether it ended well, and in time."""
    try:
        return subprocess.run([program, title], input=message, text=True, timeout=PROGRAM_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
