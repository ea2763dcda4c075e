"""What Dagster has under way for each project: its runs as values. No database is opened here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from padocc_dagster.batch.tags import NOTHING, PENDING, own
from padocc_dagster.runs import CONFIG, PARTITION, PRIORITY

if TYPE_CHECKING:
    from dagster import RunRecord


class Doing(StrEnum):
    """What a run does, the nearest to its end first."""

    CANCELLING = "cancelling"
    RUNNING = "running"
    WAITING = "waiting"
    """In the queue of its cluster."""
    STARTING = "starting"
    QUEUED = "queued"
    """In Dagster's queue."""


OF_STATUS = {"CANCELING": Doing.CANCELLING, "STARTED": Doing.RUNNING, "QUEUED": Doing.QUEUED}
"""All other states of a run that has not ended are those of its start."""
ORDER = tuple(Doing)


@dataclass(frozen=True)
class Activity:
    """A run that works or waits for one project."""

    doing: Doing
    run: str
    """Its id."""
    since: datetime
    """Local time without a zone, as PADOCC writes it."""
    why: str = ""
    """What it waits for; empty while it works."""
    position: int = 0
    """Its place in Dagster's queue, from 1; 0 for a run that is not in it."""
    phase: str = ""
    """The phase at work, where that is known."""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        position = {"position": self.position} if self.position else {}
        return {
            "state": str(self.doing),
            "phase": self.phase,
            "since": self.since.isoformat(),
            "why": self.why,
            "run": self.run,
            **position,
        }


def activities(records: "Iterable[RunRecord]") -> dict[str, Activity]:
    """Project key, or name of a group config, → what the run nearest to its end does. `records` are all runs that have not ended."""
    records = list(records)
    places = _places(records)
    found: dict[str, Activity] = {}
    for record in records:
        run = record.dagster_run
        key = run.tags.get(CONFIG) or run.tags.get(PARTITION, "")
        now = _activity(record, places.get(run.run_id, 0), len(places))
        if key not in found or ORDER.index(now.doing) < ORDER.index(found[key].doing):
            found[key] = now
    return found


def _places(records: "list[RunRecord]") -> dict[str, int]:
    """Run → its place in the queue, in Dagster's order: by priority, then by age (`dagster/_daemon/run_coordinator`)."""
    queued = [record for record in records if record.dagster_run.status.value == "QUEUED"]
    queued.sort(key=lambda record: (-_priority(record), record.storage_id))
    return {record.dagster_run.run_id: place for place, record in enumerate(queued, 1)}


def _priority(record: "RunRecord") -> int:
    try:
        return int(record.dagster_run.tags.get(PRIORITY, "0"))
    except ValueError:
        return 0


def _activity(record: "RunRecord", place: int, queued: int) -> Activity:
    run = record.dagster_run
    launched = own(run.run_id, run.tags)
    doing = OF_STATUS.get(run.status.value, Doing.WAITING if launched else Doing.STARTING)
    began = record.start_time if doing is Doing.RUNNING and record.start_time else record.create_timestamp.timestamp()
    why = {Doing.QUEUED: f"number {place} of {queued} in the queue", Doing.WAITING: _waits_for(run.run_id, run.tags)}.get(doing, "")
    return Activity(doing, run.run_id, datetime.fromtimestamp(began).replace(microsecond=0), why, place)


def obstacle(run_id: str, tags: Mapping[str, str]) -> str:
    """Why the run's job cannot start before somebody acts, and what to do; empty for one that only waits for its turn."""
    name, reason = _pending(own(run_id, tags))
    if not name.startswith("slurm"):
        return reason  # Kubernetes' launcher writes nothing but obstacles
    from padocc_dagster.slurm.scheduler.reasons import pending_problem

    problem = pending_problem(reason.split(",")[0])
    return f"{reason}: {problem.means}. {problem.advice}" if problem else ""


def _waits_for(run_id: str, tags: Mapping[str, str]) -> str:
    """Why a run waits in its cluster, by the tag of its launcher."""
    _, reason = _pending(own(run_id, tags))
    return (
        f"in the cluster's queue: {obstacle(run_id, tags) or reason}"
        if reason
        else "submitted to the cluster, which has not said yet why it waits"
    )


def _pending(tags: Mapping[str, str]) -> tuple[str, str]:
    """The launcher's tag and its text; empty where there is none."""
    return next(((name, tags[name]) for name in PENDING if tags.get(name, NOTHING) != NOTHING), ("", ""))
