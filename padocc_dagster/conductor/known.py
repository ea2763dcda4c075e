"""The differences between Dagster's view of projects and their files: what is to be reported."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import dagster as dg

from padocc_dagster.dagster_private import check_results, current_passes
from padocc_dagster.partitions import PHASE_ASSETS, PHASE_CHECKS, ROW
from padocc_dagster.pipeline.running.standings import Standing
from padocc_dagster.pipeline.workdir.layout import Project

EVENT = "event"
"""Metadata of an observation: when the step was taken that it shows."""
PROJECT = dg.AssetKey(PHASE_ASSETS["init"])


def unreported(instance: dg.DagsterInstance, standings: Mapping[Project, Standing]) -> dict[Project, list[str]]:
    """The phases of each project whose valid result no materialization shows. Costs two queries a phase."""
    found: dict[Project, list[str]] = {}
    for phase in PHASE_ASSETS:
        rows = {project: standing.passed[phase] for project, standing in standings.items() if phase in standing.passed}
        known = rows_shown(instance, phase, rows)
        for project, row in rows.items():
            if known.get(project) != row:
                found.setdefault(project, []).append(phase)
    return found


def closed(instance: dg.DagsterInstance, standings: Mapping[Project, Standing]) -> dict[Project, list[str]]:
    """The phases of each project whose check passed in Dagster, and of which the last row is a failure of that phase."""
    found: dict[Project, list[str]] = {}
    for phase, check in PHASE_CHECKS.items():
        failed = {str(project): project for project, standing in standings.items() if standing.failed == phase}
        if failed:
            results = check_results(instance, dg.AssetCheckKey(dg.AssetKey(PHASE_ASSETS[phase]), check), failed)
            for key, passed in results.items():
                if passed:
                    found.setdefault(failed[key], []).append(phase)
    return found


def unchecked(instance: dg.DagsterInstance, standings: Mapping[Project, Standing]) -> dict[Project, list[str]]:
    """The phases of each project whose result is valid, and whose check has not passed for their latest materialization. A product that
    nobody compared has no check that could pass."""
    found: dict[Project, list[str]] = {}
    for phase, check in PHASE_CHECKS.items():
        passed = {
            str(each): each
            for each, standing in standings.items()
            if phase in standing.passed and (phase != "compute" or standing.compared)
        }
        current = current_passes(instance, dg.AssetCheckKey(dg.AssetKey(PHASE_ASSETS[phase]), check), passed) if passed else set()
        for key in passed.keys() - current:
            found.setdefault(passed[key], []).append(phase)
    return found


def unshown(instance: dg.DagsterInstance, standings: Mapping[Project, Standing]) -> dict[Project, datetime | None]:
    """The projects with manual steps that no observation shows, and when the newest was taken that one does show; None for none."""
    taken = {project: standing.last_step for project, standing in standings.items() if standing.last_step}
    shown = steps_shown(instance, taken)
    return {project: shown.get(project) for project, when in taken.items() if project not in shown or shown[project] < when}


def rows_shown(instance: dg.DagsterInstance, phase: str, projects: Iterable[Project]) -> dict[Project, int]:
    """The row of the status log that the latest materialization of each project shows."""
    keys = {str(project): project for project in projects}
    records = latest_events(instance, dg.AssetKey(PHASE_ASSETS[phase]), dg.DagsterEventType.ASSET_MATERIALIZATION, keys)
    found: dict[Project, int] = {}
    for record in records:
        shown = record.asset_materialization
        row = shown.metadata.get(ROW) if shown else None
        if isinstance(row, dg.IntMetadataValue) and row.value is not None and record.partition_key:
            found[keys[record.partition_key]] = row.value
    return found


def steps_shown(instance: dg.DagsterInstance, projects: Iterable[Project]) -> dict[Project, datetime]:
    """When the latest manual step was taken that an observation of each project shows."""
    keys = {str(project): project for project in projects}
    found: dict[Project, datetime] = {}
    for record in latest_events(instance, PROJECT, dg.DagsterEventType.ASSET_OBSERVATION, keys):
        observed = record.event_log_entry.asset_observation
        when = observed.metadata.get(EVENT) if observed else None
        if isinstance(when, dg.TextMetadataValue) and when.text and record.partition_key:
            found[keys[record.partition_key]] = datetime.fromisoformat(when.text)
    return found


def latest_events(
    instance: dg.DagsterInstance, asset: dg.AssetKey, kind: dg.DagsterEventType, keys: Collection[str]
) -> Iterable[dg.EventLogRecord]:
    """The latest event of that kind for each partition key."""
    ids = instance.get_latest_storage_id_by_partition(asset, kind, set(keys)) if keys else {}
    if not ids:
        return ()
    wanted = dg.AssetRecordsFilter(asset, storage_ids=list(ids.values()))
    if kind is dg.DagsterEventType.ASSET_OBSERVATION:
        return instance.fetch_observations(wanted, limit=len(ids)).records
    return instance.fetch_materializations(wanted, limit=len(ids)).records
