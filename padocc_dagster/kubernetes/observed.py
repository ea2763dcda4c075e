"""A pod, a Job and an event as the API describes them, reduced to what decides. Read from plain JSON, of which newer versions have more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

RUN_ID = "dagster/run-id"
"""The label by which dagster-k8s marks what belongs to a run."""


@dataclass(frozen=True)
class Pod:
    """One pod of a run."""

    name: str
    uid: str
    run_id: str
    phase: str
    """Pending, Running, Succeeded, Failed, or Unknown."""
    created: datetime
    node: str = ""
    deletion: datetime | None = None
    """When it was to be gone at the latest, for a pod that is being deleted."""
    reason: str = ""
    """Of the pod as a whole: DeadlineExceeded, Evicted, NodeLost, …"""
    message: str = ""
    disruption: str = ""
    """The reason of the condition DisruptionTarget, which Kubernetes has since 1.26."""
    unscheduled: str = ""
    """Why the scheduler finds no node for it."""
    waiting: tuple[str, str] = ("", "")
    """Reason and message of the container that does not start."""
    ended: tuple[str, str] = ("", "")
    """Reason and message of the worker's container that has ended: OOMKilled, Error, StartError, Completed, …"""
    exit_status: int | None = None
    elapsed_seconds: int | None = None
    works: bool = False
    """Whether the worker's container is said to run. It may, for a moment, in a pod that is over: one at its deadline."""
    deadline: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True)
class Job:
    """The Job of a run."""

    name: str
    run_id: str
    has_failed: bool
    """Whether it makes no more pods, because it has failed."""
    message: str = ""
    deletion: bool = False


@dataclass(frozen=True)
class Event:
    """What a component of Kubernetes noted about a pod or a Job."""

    reason: str
    message: str


def pod(item: Mapping[str, Any]) -> Pod:
    """One pod of `GET …/pods`."""
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    worker = (status.get("containerStatuses") or [{}])[0]
    starting = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waiting = [state for each in starting if (state := (each.get("state") or {}).get("waiting"))]
    ended = (worker.get("state") or {}).get("terminated") or {}
    scheduled = conditions.get("PodScheduled", {})
    disrupted = conditions.get("DisruptionTarget", {})
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        run_id=(meta.get("labels") or {}).get(RUN_ID, ""),
        phase=status.get("phase", "Unknown"),
        created=_moment(meta["creationTimestamp"]),
        node=spec.get("nodeName") or "",
        deletion=_moment(meta["deletionTimestamp"]) if meta.get("deletionTimestamp") else None,
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        disruption=disrupted.get("reason", "") if disrupted.get("status") == "True" else "",
        unscheduled=scheduled.get("message", "") if scheduled.get("status") == "False" else "",
        waiting=(waiting[0].get("reason") or "", waiting[0].get("message") or "") if waiting else ("", ""),
        ended=(ended.get("reason") or "", ended.get("message") or ""),
        exit_status=ended.get("exitCode"),
        elapsed_seconds=_elapsed(ended),
        works="running" in (worker.get("state") or {}),
        deadline=_deadline(status.get("startTime"), spec.get("activeDeadlineSeconds")),
    )


def job(item: Mapping[str, Any]) -> Job:
    """One Job of `GET …/jobs`."""
    meta, status = item["metadata"], item.get("status") or {}
    failed = [each for each in status.get("conditions") or () if each["type"] == "Failed" and each["status"] == "True"]
    message = failed[0].get("message") or failed[0].get("reason") or "" if failed else ""
    labels = meta.get("labels") or {}
    return Job(meta["name"], labels.get(RUN_ID, ""), bool(failed), message, bool(meta.get("deletionTimestamp")))


def event(item: Mapping[str, Any]) -> Event:
    """One event of `GET …/events`."""
    return Event(item.get("reason") or "", item.get("message") or "")


def _elapsed(ended: Mapping[str, Any]) -> int | None:
    """Seconds that a container ran; None for one that never started, which begins in 1970."""
    if not ended.get("startedAt") or not ended.get("finishedAt"):
        return None
    began = _moment(ended["startedAt"])
    return int((_moment(ended["finishedAt"]) - began).total_seconds()) if began.year > 1970 else None


def _deadline(started: str | None, seconds: int | None) -> datetime | None:
    return _moment(started) + timedelta(seconds=seconds) if started and seconds else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
