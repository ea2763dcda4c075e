"""Watches the inbox: a group config that is new or has changed initialises its group.

A file that is rejected fails the run `initialise_group` with every problem in it, and is left alone until it changes. Names that begin
with a dot are passed over, so that a file can be written beside and renamed into place; a file still being written is waited for.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from padocc_dagster.actions.initialise import initialise_group
from padocc_dagster.resources import Padocc

SETTLED_SECONDS = 1.0
SUFFIXES = (".csv", ".yaml", ".yml")


@dg.sensor(job=initialise_group, minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING, description=__doc__)
def inbox(context: dg.SensorEvaluationContext, padocc: Padocc) -> dg.SensorResult | dg.SkipReason:
    folder = padocc.workdir.inbox
    seen: dict[str, str] = json.loads(context.cursor or "{}")
    versions = dict(group_configs(folder))
    fresh = {name: version for name, version in versions.items() if seen.get(name) != version}
    if not fresh:
        return dg.SkipReason(f"nothing new in {folder}")
    return dg.SensorResult(
        run_requests=[_request(folder / name, version) for name, version in sorted(fresh.items())],
        cursor=json.dumps(versions),
    )


def group_configs(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and version (time and content) of every group config in the folder that is not being written any more."""
    for path in sorted(folder.glob("*")):
        if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        changed = path.stat().st_mtime_ns
        if abs(time.time() - changed / 1e9) > SETTLED_SECONDS:
            yield path.name, f"{changed}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def _request(path: Path, version: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{path.name}:{version}",
        run_config=dg.RunConfig(ops={"initialise_projects": {"config": {"path": str(path)}}}),
        tags={"padocc/group_config": path.name},
    )
