"""Which runs to request now: for projects with a phase that is due, the closest to completion first, and no more than can start soon."""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import dagster as dg

from padocc_dagster.conductor.jobs import advance_project, compare_products
from padocc_dagster.conductor.splitting import phases_together
from padocc_dagster.conductor.starts import PROBLEM_AFTER, Decision, Verdict, decide, runs_by_project, why
from padocc_dagster.dagster_private import most_concurrent_runs
from padocc_dagster.partitions import PHASE_ASSETS
from padocc_dagster.pipeline.running.due import COMPARE, ORDER, Due
from padocc_dagster.pipeline.running.lost import record_failed_start, record_lost_attempt
from padocc_dagster.pipeline.running.phases import CANCELLED
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.workdir.events import StartFailed
from padocc_dagster.pipeline.workdir.layout import Project
from padocc_dagster.runs import DUE, PARTITION, PRIORITY, first_attempt

AHEAD = 10
"""Runs that wait in the queue, beyond those that may work at once."""
UNLIMITED = 500
"""Runs at once where the instance sets no limit."""
A_TICK = 50
"""Requests in one tick: the daemon makes ten runs a second of them on a quiet machine, and looks for a tick every five seconds."""
CANDIDATES = 4 * A_TICK
"""Projects looked into in one tick: some of them wait for their next try."""
WORKER_DIED = "WorkerDiedError"
BECAUSE = "padocc/because"
"""The manual step that a run follows, by which the runs of one step are found together."""
LONGEST_TAG = 200


def requests(
    instance: dg.DagsterInstance, standings: Standings, under_way: list[dg.RunRecord], log: logging.Logger
) -> Iterator[dg.RunRequest]:
    """The runs to request now. Runs that ended without a result are recorded in the files on the way."""
    ours = sum(DUE in record.dagster_run.tags for record in under_way)
    room = min(A_TICK, (most_concurrent_runs(instance) or UNLIMITED) + AHEAD - ours)
    busy = {record.dagster_run.tags.get(PARTITION) for record in under_way}
    candidates = _closest_first(standings, busy, room)
    tried = runs_by_project(instance, [str(project) for project, _ in candidates])
    for project, due in candidates:
        if room <= 0:
            return
        standing, records = standings.read(project), tried[str(project)]
        if standing.due != due or not standings.is_operable(project):
            continue  # it moved on while the runs were looked up
        wrote = bool(records) and not due.request and standing.last_run == first_attempt(instance, records[0].dagster_run)
        decision = decide(records, due.key(project), wrote)
        if decision.failed_starts:
            _record_failed_start(instance, standings, project, due, decision, log)
        if decision.verdict in (Verdict.CANCELLED, Verdict.DIED) and decision.run:
            _record_lost_attempt(instance, standings, project, due, decision)
        if decision.verdict is Verdict.REQUEST:
            room -= 1
            yield _request(instance, standings, project, due, decision.tries)


def _closest_first(standings: Standings, busy: set[str | None], room: int) -> list[tuple[Project, Due]]:
    """Projects with a phase due and no run under way, the closest to completion first. A project whose run failed to start is left out
    until its next try."""
    if room <= 0:
        return []
    now = now_utc()
    found = [
        (project, standing.due)
        for project, standing in standings.projects.items()
        if standing.due
        and not (standing.start_failed and standing.start_failed.retry_at > now)
        and str(project) not in busy
        and standings.is_operable(project)
    ]
    found.sort(key=lambda each: (standings.projects[each[0]].start_failed is not None, -ORDER.index(each[1].phase)))
    return found[:CANDIDATES]


def _request(instance: dg.DagsterInstance, standings: Standings, project: Project, due: Due, tries: int) -> dg.RunRequest:
    """The tags of a person's request hold for all phases of the run. The run key makes a repeated request harmless."""
    tags = {DUE: due.key(project), PRIORITY: str(ORDER.index(due.phase)), **(due.request.tags if due.request else {})}
    if step := standings.projects[project].step:
        tags[BECAUSE] = step[:LONGEST_TAG]
    run_key = f"{due.key(project)}/{tries}"
    if due.phase == COMPARE:  # Dagster 1.13 knows no partitions of a job that has nothing but checks
        return dg.RunRequest(run_key, job_name=compare_products.name, tags={**tags, PARTITION: str(project)})
    assets = [dg.AssetKey(PHASE_ASSETS[phase]) for phase in phases_together(standings.workdir, project, due.phase, instance)]
    return dg.RunRequest(run_key, job_name=advance_project.name, asset_selection=assets, partition_key=str(project), tags=tags)


def _record_failed_start(
    instance: dg.DagsterInstance, standings: Standings, project: Project, due: Due, decision: Decision, log: logging.Logger
) -> None:
    known = standings.projects[project].start_failed
    if decision.run is None or decision.retry_at is None or (known and known.run == decision.run.run_id):
        return
    reason = why(instance, decision.run)
    failed = StartFailed(
        phase=due.phase, run=decision.run.run_id, reason=reason, count=decision.failed_starts, retry_at=decision.retry_at, row=due.row
    )
    record_failed_start(standings.workdir, project, failed)
    sentence = f"{project}: {due.phase} did not start ({reason}); next try at {decision.retry_at:%H:%M:%S} UTC"
    if decision.failed_starts < PROBLEM_AFTER:
        log.warning(sentence)
    else:
        log.error(f"{sentence}. {decision.failed_starts} starts failed in a row: try `padocc-dagster doctor`")


def _record_lost_attempt(instance: dg.DagsterInstance, standings: Standings, project: Project, due: Due, decision: Decision) -> None:
    assert decision.run
    if decision.verdict is Verdict.CANCELLED:
        error_class, message = CANCELLED, "the run was cancelled before the phase began"
    else:
        error_class, message = WORKER_DIED, f"the run ended without a result: {why(instance, decision.run)}"
    record_lost_attempt(standings.workdir, project, due, error_class, message, decision.run.run_id)


def now_utc() -> datetime:
    return datetime.now(UTC)


def busy_groups(under_way: Iterable[dg.RunRecord]) -> set[str]:
    """Groups with a run of a project under way."""
    return {key.partition(":")[0] for record in under_way if (key := record.dagster_run.tags.get(PARTITION))}
