"""What whoever serves a working directory should know: group configs that are not accepted, and what keeps runs from starting.

Each sentence is reported once. Projects that stop are not among them: `status` shows those.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.status import project_state
from padocc_dagster.runs import PARTITION
from padocc_dagster.services import network
from padocc_dagster.status.activity import obstacle
from padocc_dagster.status.configs import unused_configs

EVERY_SECONDS = 10.0
QUERY = """{
  instance { daemonHealth { allDaemonStatuses { daemonType lastHeartbeatErrors { message } } } }
  repositoriesOrError { ... on RepositoryConnection { nodes {
    sensors { name sensorState { ticks(limit: 1) { status error { message } } } }
  } } }
  waiting: runsOrError(filter: {statuses: [STARTING]}, limit: 100) { ... on Runs { results { runId tags { key value } } } }
  failed: runsOrError(filter: {statuses: [FAILURE]}, limit: 20) { ... on Runs { results { startTime updateTime tags { key value } } } }
}"""
Ask = Callable[[str], dict[str, Any]]


class News:
    """Looks for what is new since this process began to serve. `ask` sends a GraphQL query to the web server."""

    def __init__(self, workdir: Workdir, ask: Ask) -> None:
        self._workdir, self._ask = workdir, ask
        self._since, self._next = time.time(), 0.0
        self._told: set[str] = set()

    @classmethod
    def of(cls, workdir: Workdir, page: str | Path | None) -> "News":
        """Of the web server at this URL or Unix socket; None for none, so that only group configs are looked at."""
        return cls(workdir, lambda query: network.ask(page, query) if page else {})

    def look(self) -> list[str]:
        """New sentences; none before it is time for another look."""
        if time.monotonic() < self._next:
            return []
        self._next = time.monotonic() + EVERY_SECONDS
        found = dict.fromkeys(self._configs())
        with suppress(AttributeError, KeyError, OSError, TypeError, ValueError):  # the web server is busy, or starts again
            found |= dict.fromkeys(self._deployment(self._ask(QUERY)["data"]))
        new = [sentence for sentence in found if sentence not in self._told]
        self._told.update(new)
        return new

    def _configs(self) -> Iterator[str]:
        for config in unused_configs(self._workdir):
            if config.is_read:
                yield "\n".join(config.lines())

    def _deployment(self, data: dict[str, Any]) -> Iterator[str]:
        """What Dagster reports of itself, from the answer to `QUERY`."""
        for daemon in data["instance"]["daemonHealth"]["allDaemonStatuses"]:
            for error in daemon["lastHeartbeatErrors"] or ():
                yield f"The daemon's part {daemon['daemonType']} failed: {_first_line(error)}. See `padocc-dagster doctor`."
        for sensor in (each for node in data["repositoriesOrError"].get("nodes", ()) for each in node["sensors"]):
            for tick in sensor["sensorState"]["ticks"]:
                if tick["status"] == "FAILURE":
                    yield f"The sensor {sensor['name']} failed: {_first_line(tick['error'])}. It is tried again."
        for run in data["waiting"].get("results", ()):
            if reason := obstacle(run["runId"], _tags(run)):
                yield f"A run waits in the cluster until somebody acts. {reason}."
        for run in data["failed"].get("results", ()):
            yield from self._failed_start(run)

    def _failed_start(self, run: dict[str, Any]) -> Iterator[str]:
        """Why the run's project could not start, without the project: many fail for one reason."""
        key = _tags(run).get(PARTITION, "")
        if ":" in key and run["startTime"] is None and (run["updateTime"] or 0) >= self._since:
            reason = project_state(self._workdir, Project.parse(key)).start_failed
            if reason:
                yield f"A run could not start, and is requested again ({reason}). See `padocc-dagster doctor` and `padocc-dagster status`."


def _tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["tags"]}


def _first_line(error: dict[str, Any] | None) -> str:
    return ((error or {}).get("message") or "no message").strip().splitlines()[0]
