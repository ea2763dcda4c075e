"""How runs that were requested for work which is still due have ended, and what follows: another request, when, or none.

A run that ended before its first step is a failed start and no attempt: it is requested again, with growing pauses. So is one that found
its project locked. A run whose worker died is retried by Dagster and, where Dagster cannot or has missed it, requested again. A run that a
person cancelled, or the last of `ATTEMPTS` that died, leaves a row in the status log.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from itertools import takewhile
from typing import NamedTuple

import dagster as dg

from padocc_dagster.batch.causes import Cause
from padocc_dagster.batch.tags import CAUSE, STOPPED, own
from padocc_dagster.dagster_private import has_worker
from padocc_dagster.runs import DUE, FAILURE_REASON, PARTITION, RETRIED_BY, STEP_FAILURE, WILL_RETRY

PAUSES = (15, 60, 120, 300, 600, 1800)
"""Seconds from a failed start to the next request: the first, the second, …; the last for all that follow."""
ATTEMPTS = 3
"""Runs that may die of the same work before it is given up."""
PROBLEM_AFTER = 5
"""So many failed starts of one project in a row are a problem of the deployment."""
MOST = 10
"""Runs looked up for each project, on average."""
LAUNCH_SECONDS = 45.0
"""So long the daemon may take to launch a run."""
MISSED_SECONDS = 60.0
"""How long Dagster may take to retry a run. It misses some for ever (https://github.com/dagster-io/dagster/issues/33741)."""


class Verdict(Enum):
    """What to do about a piece of work."""

    REQUEST = "request a run"
    WAIT = "wait"
    CANCELLED = "a person cancelled it"
    DIED = "the worker died"


class Decision(NamedTuple):
    """What to do about a piece of work, and the run that decided it."""

    verdict: Verdict
    tries: int
    """How many runs were requested before."""
    run: dg.DagsterRun | None = None
    failed_starts: int = 0
    """How many of the latest runs in a row failed to start."""
    retry_at: datetime | None = None


def runs_by_project(instance: dg.DagsterInstance, keys: Iterable[str]) -> dict[str, list[dg.RunRecord]]:
    """The runs that the conductor requested for these projects, newest first. One query."""
    found: dict[str, list[dg.RunRecord]] = {key: [] for key in keys}
    for record in instance.get_run_records(dg.RunsFilter(tags={PARTITION: list(found)}), limit=MOST * len(found)) if found else ():
        if DUE in record.dagster_run.tags:
            found[record.dagster_run.tags[PARTITION]].append(record)
    return found


def decide(records: list[dg.RunRecord], key: str, wrote_last_row: bool, now: float | None = None) -> Decision:
    """What to do about work that is due.

    `records` are the runs requested for the project, newest first; `key` is that of the work. A run that was requested for other work
    was to do this as well when it wrote the last row of the status log (`wrote_last_row`, of the newest run).
    """
    now = time.time() if now is None else now
    tries = sum(record.dagster_run.tags[DUE] == key for record in records)
    if not records:
        return Decision(Verdict.REQUEST, tries)
    last = records[0]
    run, ended = last.dagster_run, _ended(last)
    if not run.is_finished:
        return Decision(Verdict.WAIT, tries, run)
    if run.tags.get(WILL_RETRY) == "true" and RETRIED_BY not in run.tags:
        return Decision(Verdict.WAIT if now - ended < MISSED_SECONDS else Verdict.REQUEST, tries, run)
    if run.tags[DUE] != key and (run.is_success or not wrote_last_row):
        return Decision(Verdict.REQUEST, tries, run)
    cause = own(run.run_id, run.tags).get(CAUSE)
    if run.status is dg.DagsterRunStatus.CANCELED or cause == Cause.CANCELLED:
        return Decision(Verdict.CANCELLED, tries, run)
    failed_starts = len(list(takewhile(_failed_to_start, records)))
    died = len(list(takewhile(_died, records)))
    stopped = own(run.run_id, run.tags).get(STOPPED) == "yes"  # the launcher found that another attempt is pointless
    if not failed_starts and (stopped or died not in range(1, ATTEMPTS)):
        return Decision(Verdict.DIED, tries, run)
    retry_at = ended + _pause(failed_starts + died)
    verdict = Verdict.REQUEST if now >= retry_at else Verdict.WAIT
    return Decision(verdict, tries, run, failed_starts, datetime.fromtimestamp(retry_at, UTC))


def pause_is_over(last: dg.RunRecord, tries: int) -> bool:
    """Whether it is time for another try after so many, the last of which was this run."""
    return time.time() >= _ended(last) + _pause(tries)


def _ended(record: dg.RunRecord) -> float:
    return record.end_time or record.update_timestamp.timestamp()


def _pause(tries: int) -> int:
    return PAUSES[min(max(tries, 1), len(PAUSES)) - 1]


def _died(record: dg.RunRecord) -> bool:
    """Whether the run began, and its worker ended without a reason."""
    return record.dagster_run.status is dg.DagsterRunStatus.FAILURE and not _failed_to_start(record)


def _failed_to_start(record: dg.RunRecord) -> bool:
    """Whether the run ended before its first step, or its step ended without an attempt."""
    run = record.dagster_run
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return False
    return record.start_time is None or run.tags.get(FAILURE_REASON) == STEP_FAILURE


def report_lost_starts(instance: dg.DagsterInstance, under_way: Iterable[dg.RunRecord], now: float | None = None) -> list[str]:
    """Report runs as failed whose launch was interrupted: the daemon died in it, and no worker is about to begin. Returns their ids."""
    now, lost = time.time() if now is None else now, []
    for record in under_way:
        run = record.dagster_run
        if run.status is not dg.DagsterRunStatus.STARTING or now - record.update_timestamp.timestamp() < LAUNCH_SECONDS:
            continue
        if has_worker(instance, run):
            continue
        instance.report_run_failed(run, "The launch of the run was interrupted: no process works for it.")
        lost.append(run.run_id)
    return lost


def why(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Why the run failed, in one line: the failure of its step, or else the message of its last event of failure."""
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED}
    events = [entry.dagster_event for entry in reversed(instance.all_logs(run.run_id, of_type=kinds)) if entry.dagster_event]
    steps = [event.step_failure_data.user_failure_data for event in events if event.is_step_failure]
    reasons = [data.description for data in steps if data and data.description]
    reasons += [event.message for event in events if not event.is_step_failure and event.message]
    return reasons[0].splitlines()[0] if reasons else "Dagster gives no reason"
