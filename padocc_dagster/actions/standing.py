"""Telling Dagster what stands in PADOCC's files: materialisations and checks for work that no run of this instance did.

Logged from inside a real run, some at a time. A project's product counts as equal to its sources only by this package's own comparison,
never by PADOCC's word: where there is none that holds, the check `product_matches_source` stays open, and what follows waits for it.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import dagster as dg

from padocc_dagster.phase_assets import PHASE_ASSETS, PHASE_CHECKS
from padocc_dagster.pipeline.comparison import Comparison
from padocc_dagster.pipeline.files import CorruptFileError, read_json
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.status import StatusRow, passed_phases, read_rows
from padocc_dagster.pipeline.verify import comparison_problem

CHUNK = 200


def announce_standing(
    context: dg.OpExecutionContext,
    workdir: Workdir,
    projects: Iterable[Project],
    only: Mapping[Project, Collection[str]] | None = None,
    source: str = "PADOCC's status log",
) -> None:
    """Log, for each project, a materialisation of every asset whose phase stands, and the checks that the files vouch for.

    The projects are partitions already.

    `only` names the phases to tell of, for projects of which Dagster knows the others. The run should carry the tag `FOLLOWED`: what it
    logs is no correction that anything has to follow.
    """
    for chunk in _chunks(projects):
        standing = {project: _standing(workdir, project) for project in chunk}
        for phase in PHASE_ASSETS:
            wanted = [each for each in chunk if phase in standing[each] and (only is None or phase in only.get(each, ()))]
            for project in wanted:
                context.log_event(_materialization(workdir, project, phase, standing[project][phase], source))
            if phase in PHASE_CHECKS:
                _log_checks(context, workdir, phase, {project: standing[project][phase] for project in wanted})


def untold(instance: dg.DagsterInstance, workdir: Workdir, projects: Collection[Project]) -> dict[Project, set[str]]:
    """The phases that stand in PADOCC and that Dagster has no materialisation of, or no passed check of PADOCC's verdict.

    A comparison that is missing is no reason to tell of a product again: it is made, and tells of itself.
    """
    standing = {project: passed_phases(read_rows(workdir.status_log(project))) for project in projects}
    found: dict[Project, set[str]] = {}
    for phase, asset in PHASE_ASSETS.items():
        known = _materialized(instance, asset, projects)
        if phase in PHASE_CHECKS and phase != "compute":
            known &= _passed(instance, dg.AssetCheckKey(dg.AssetKey(asset), PHASE_CHECKS[phase]))
        for project in projects:
            if phase in standing[project] and str(project) not in known:
                found.setdefault(project, set()).add(phase)
    return found


def _materialized(instance: dg.DagsterInstance, asset: str, projects: Collection[Project]) -> set[str]:
    keys = {str(project) for project in projects}
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    return set(instance.get_latest_storage_id_by_partition(dg.AssetKey(asset), kind, keys)) if keys else set()


def _passed(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> set[str]:
    """Partitions whose latest result of the check passed, whichever materialisation it was for."""
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

    infos = instance.event_log_storage.get_asset_check_partition_info([check])
    passed = AssetCheckExecutionRecordStatus.SUCCEEDED
    return {info.partition_key for info in infos if info.partition_key and info.latest_execution_status == passed}


def _standing(workdir: Workdir, project: Project) -> dict[str, StatusRow]:
    """The phases whose result stands, each with its newest row."""
    rows = read_rows(workdir.status_log(project))
    return {phase: next(row for row in reversed(rows) if row.phase == phase) for phase in passed_phases(rows)}


def _materialization(workdir: Workdir, project: Project, phase: str, row: StatusRow, source: str) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        PHASE_ASSETS[phase],
        partition=str(project),
        description=f"{phase} stands: {row.status}",
        metadata={
            "where from": source,
            "status": row.status,
            "ended": str(row.time or "not recorded"),
            "project folder": dg.MetadataValue.path(str(workdir.project_dir(project))),
        },
    )


def _log_checks(context: dg.OpExecutionContext, workdir: Workdir, phase: str, rows: Mapping[Project, StatusRow]) -> None:
    """Log what vouches for these materialisations, bound to them: a result that names none does not count as current."""
    if not rows:
        return
    asset = dg.AssetKey(PHASE_ASSETS[phase])
    keys = {str(project) for project in rows}
    latest = context.instance.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION, keys)
    for project, row in rows.items():
        if phase == "compute":
            found = _own_comparison(workdir, project)
        else:
            found = {"metadata": {"status": row.status}, "description": row.status, "severity": _severity(row)}
        if found:
            context.log_event(
                dg.AssetCheckEvaluation(  # type: ignore[arg-type]  # it takes checks too
                    asset_key=asset,
                    check_name=PHASE_CHECKS[phase],
                    passed=True,
                    partition=str(project),
                    blocking=True,
                    target_materialization_data=bound_to(context, latest[str(project)]),
                    **found,
                )
            )


def bound_to(context: dg.OpExecutionContext, storage_id: int) -> Any:
    """What binds a result of a check to the materialisation of this storage id; Dagster has no public name for it."""
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

    return AssetCheckEvaluationTargetMaterializationData(storage_id=storage_id, run_id=context.run_id, timestamp=time.time())


def _severity(row: StatusRow) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.WARN if "Warn" in row.status else dg.AssetCheckSeverity.ERROR


def _own_comparison(workdir: Workdir, project: Project) -> dict[str, Any] | None:
    """What this package's own comparison says of the product; None when there is none that holds for these very bytes."""
    try:
        if comparison_problem(workdir, project):
            return None
        comparison = Comparison.from_dict(read_json(workdir.comparison(project)))
    except (CorruptFileError, OSError):
        return None
    return {"description": comparison.sampling, "metadata": {"product fingerprint": comparison.product_fingerprint}}


def _chunks(projects: Iterable[Project]) -> Iterator[list[Project]]:
    left = iter(projects)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
