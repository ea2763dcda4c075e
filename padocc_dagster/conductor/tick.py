"""One tick of the conductor: look at the files, bring Dagster's partitions and view up to date, request what is due."""

import hashlib
import json
import time
from collections.abc import Iterator
from itertools import islice, takewhile

import dagster as dg

from padocc_dagster.actions.jobs import finish_interrupted_steps
from padocc_dagster.conductor.jobs import refresh_group
from padocc_dagster.conductor.known import closed, unchecked, unreported, unshown
from padocc_dagster.conductor.memory import Memory
from padocc_dagster.conductor.partition_keys import sync_partitions
from padocc_dagster.conductor.requests import busy_groups, requests
from padocc_dagster.conductor.starts import report_lost_starts
from padocc_dagster.conductor.sync import materialization, report_from_files, report_request
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.steps.unattended import follow_rules
from padocc_dagster.pipeline.workdir.groups import last_refresh, refreshed_seconds_ago
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.rules import Rules
from padocc_dagster.pipeline.workdir.unfinished import unfinished_steps
from padocc_dagster.runs import unfinished

LOOK_SECONDS = 10.0
"""Most seconds of a tick for the files: Dagster ends a tick after 60 s."""
COMPARED = 500
"""Projects compared with what Dagster knows in a tick, and reported by one run."""
RUNLESS_SECONDS = 2.0
"""How long a tick reports projects that were only initialised, 2 ms each: a run would take a place in the queue."""
REFRESH_SECONDS = 30.0
"""Between two refreshes of a group whose projects are under way."""
REFRESH_ATTEMPTS = 3
RULED = 20
"""Projects for which rules are followed in a tick: one that is at work is waited for."""
UNFINISHED_SECONDS = 120.0
WRITER, CHANGE = "padocc/group_writer", "padocc/group_change"


def tick(context: dg.SensorEvaluationContext, memory: Memory, since: float) -> tuple[list[dg.RunRequest], float]:
    """Carry out one tick. Returns the runs to request, and until when all changes are reported, in seconds since the epoch.

    `since` is what the last tick returned: after a restart, only projects that changed later are compared with what Dagster knows.
    """
    standings, began = memory.standings, time.time()
    changed = standings.look(LOOK_SECONDS)
    for project in changed:
        memory.dirty.add(project.group)
        if standings.projects[project].changed > since:
            memory.to_compare[project] = None
    _follow_rules(context, memory)
    idle = not (memory.to_compare or memory.dirty or any(standings.is_operable(project) for project in _due(standings)))
    if idle and not memory.keys_are_old() and not unfinished_steps(standings.workdir):
        return [], since
    instance = context.instance
    sync_partitions(context, memory)
    under_way = unfinished(instance)
    if lost := report_lost_starts(instance, under_way):
        context.log.warning(f"launches that were interrupted, and are made again: {', '.join(lost)}")
    found = [
        *_report(instance, memory, under_way),
        *requests(instance, standings, under_way, context.log),
        *_refresh(instance, memory, under_way),
        *_finish_interrupted(standings.workdir, under_way),
    ]
    left = [standings.projects[project].changed for project in memory.to_compare if project in standings.projects]
    return found, min([began - LOOK_SECONDS, *(when - 1 for when in left)]) if standings.is_complete else since


def _due(standings: Standings) -> Iterator[Project]:
    return (project for project, standing in standings.projects.items() if standing.due)


def _follow_rules(context: dg.SensorEvaluationContext, memory: Memory) -> None:
    """Apply the rules of groups to projects that failed. A file of rules that cannot be read is reported once."""
    standings = memory.standings
    for standing in standings.groups.values():
        if standing.problem and standing.problem not in memory.warned:
            memory.warned.add(standing.problem)
            context.log.error(standing.problem)
    found = list(islice(_to_rule(memory), RULED))
    memory.has_more_to_rule = len(found) == RULED
    for project, rows, rules in found:
        result = follow_rules(standings.workdir, project, rules)
        if not result.not_done:
            memory.ruled[project] = rows, rules
        for what in (*result.done.values(), *result.not_done.values()):
            context.log.info(f"{project}, by its group's rules: {what}")


def _to_rule(memory: Memory) -> Iterator[tuple[Project, int, Rules]]:
    """Failed projects of groups with rules that were not followed yet, with their number of rows and the rules."""
    for group, standing in memory.standings.groups.items():
        if standing.rules is None or standing.rules == Rules():
            continue
        for project in (Project(group, code) for code in standing.codes):
            now = memory.standings.projects.get(project)
            if now and now.failed and memory.ruled.get(project) != (now.rows, standing.rules):
                yield project, now.rows, standing.rules


def _report(instance: dg.DagsterInstance, memory: Memory, under_way: list[dg.RunRecord]) -> Iterator[dg.RunRequest]:
    """One run at a time reports what Dagster does not know. A project with a run under way is left to that run."""
    standings, busy = memory.standings, {record.dagster_run.tags.get("dagster/partition") for record in under_way}
    if any(record.dagster_run.job_name == report_from_files.name for record in under_way):
        return
    ready = [project for project in memory.to_compare if str(project) not in busy][:COMPARED]
    found = {project: standings.projects[project] for project in ready if project in standings.projects}
    news: dict[Project, object] = {**unreported(instance, found), **unchecked(instance, found), **closed(instance, found)}
    news |= unshown(instance, found)
    for project in ready:
        if project not in news:
            memory.to_compare.pop(project)
    initialised, end = [project for project, phases in news.items() if phases == ["init"]], time.monotonic() + RUNLESS_SECONDS
    for project in takewhile(lambda _: time.monotonic() < end, initialised):
        instance.report_runless_asset_event(materialization(standings.workdir, project, "init", found[project].passed["init"]))
        memory.to_compare.pop(project)
    if projects := sorted(news.keys() - set(initialised), key=str):
        rows = [(str(project), found[project].rows) for project in projects]
        digest = hashlib.sha256(json.dumps([rows, round(time.time() // 60)]).encode()).hexdigest()[:16]
        yield report_request(projects, f"report/{digest}")


def _refresh(instance: dg.DagsterInstance, memory: Memory, under_way: list[dg.RunRecord]) -> Iterator[dg.RunRequest]:
    """Request a refresh of the subsets of changed groups: at once where no run is under way, else every `REFRESH_SECONDS`."""
    standings, busy = memory.standings, busy_groups(under_way)
    writing = {record.dagster_run.tags.get(WRITER) for record in under_way}
    for group in sorted(memory.dirty):
        if group not in standings.groups or group not in _known_groups(memory):
            continue
        word = standings.word(group)
        if word == last_refresh(standings.workdir, group):
            memory.dirty.discard(group)
        elif group not in writing and (group not in busy or refreshed_seconds_ago(standings.workdir, group) > REFRESH_SECONDS):
            tries = len(instance.get_run_ids(dg.RunsFilter(tags={WRITER: group, CHANGE: word}), limit=REFRESH_ATTEMPTS))
            if tries == REFRESH_ATTEMPTS:
                memory.dirty.discard(group)  # it has failed that often: read the runs' failures; the next change tries again
                continue
            tags = {WRITER: group, CHANGE: word}
            yield dg.RunRequest(f"refresh/{group}/{word}/{tries}", job_name=refresh_group.name, partition_key=group, tags=tags)


def _known_groups(memory: Memory) -> set[str]:
    return {key.partition(":")[0] for key in memory.keys}


def _finish_interrupted(workdir: Workdir, under_way: list[dg.RunRecord]) -> Iterator[dg.RunRequest]:
    """Request the job that finishes an interrupted step which moves or removes projects."""
    from datetime import datetime

    now = time.time()
    old = [step.when for step in unfinished_steps(workdir) if now - datetime.fromisoformat(step.when).timestamp() > UNFINISHED_SECONDS]
    if old and not any(record.dagster_run.job_name == finish_interrupted_steps.name for record in under_way):
        yield dg.RunRequest(f"unfinished/{old[0]}/{now // UNFINISHED_SECONDS:.0f}", job_name=finish_interrupted_steps.name)
