"""Internal: the conductor requests its runs. The job that reports to Dagster what the files say and no run of this instance has reported:
work of plain PADOCC, projects initialised, results whose run died before it could report them, manual steps.

Logged from inside a real run, because a check result that is reported without one can be stored only once for each partition. A product
counts as equal to its sources only by this package's own comparison, never by PADOCC's verdict.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.watch import results_of
from padocc_dagster.assets.attempt import figures_of
from padocc_dagster.assets.project import project_metadata
from padocc_dagster.conductor.known import EVENT, PROJECT, closed, unchecked, unreported, unshown
from padocc_dagster.dagster_private import bound_to
from padocc_dagster.partitions import PHASE_ASSETS, PHASE_CHECKS, ROW
from padocc_dagster.pipeline.comparison import Comparison
from padocc_dagster.pipeline.running.standings import read_standing
from padocc_dagster.pipeline.watch.rounds import watch_project
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import Compared, PhaseEnded, ProductWithdrawn, SourcesAccepted, Step
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json, read_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.specs import known_spec
from padocc_dagster.pipeline.workdir.status import read_rows
from padocc_dagster.resources import Padocc

CHUNK = 200
Logged = dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.AssetObservation


class Reported(dg.Config):
    """Which projects to look at."""

    projects: list[str] = Field(description="Project keys, 'group:project'")


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def report_files(context: dg.OpExecutionContext, config: Reported, padocc: Padocc) -> None:
    workdir = padocc.workdir
    left = iter(config.projects)
    while keys := list(islice(left, CHUNK)):
        for event in to_report(context.instance, workdir, [Project.parse(key) for key in keys], context.run_id):
            context.log_event(event)  # type: ignore[arg-type]  # it takes checks too


@dg.job(description=__doc__)
def report_from_files() -> None:
    report_files()


def report_request(projects: Sequence[Project], run_key: str) -> dg.RunRequest:
    config = Reported(projects=[str(project) for project in projects])
    return dg.RunRequest(run_key, job_name=report_from_files.name, run_config=dg.RunConfig(ops={report_files.name: config}))


def to_report(instance: dg.DagsterInstance, workdir: Workdir, projects: Sequence[Project], run_id: str) -> Iterator[Logged]:
    """The events that bring Dagster's view of these projects up to date. The caller logs each before it takes the next."""
    standings = {project: read_standing(workdir, project) for project in projects}
    for project, phases in unreported(instance, standings).items():
        for phase in phases:
            yield materialization(workdir, project, phase, standings[project].passed[phase])
    for project, phases in unchecked(instance, standings).items():
        for phase in phases:
            yield _result(instance, project, phase, run_id, **_passed(workdir, project, phase, standings[project].passed[phase]))
    for project, phases in closed(instance, standings).items():
        for phase in phases:
            last = read_rows(workdir.status_log(project))[-1]
            metadata = {"status": last.status, ROW: standings[project].rows}
            yield _result(instance, project, phase, run_id, passed=False, description=last.status, metadata=metadata)
    for project, shown in unshown(instance, standings).items():
        steps = [event for event in events_of(workdir, project) if isinstance(event, Step) and (shown is None or event.when > shown)]
        if any(isinstance(step, SourcesAccepted | ProductWithdrawn) for step in steps):
            yield from results_of(instance, workdir, [watch_project(workdir, project)], run_id)
        for step in sorted(steps, key=lambda step: step.when):
            yield observation(project, step)


def observation(project: Project, step: Step) -> dg.AssetObservation:
    """What a manual step did to the project."""
    metadata = {"who": step.who, "why": step.why, "what": str(step), EVENT: step.when.isoformat()}
    return dg.AssetObservation(PROJECT, partition=str(project), description=f"{step} ({step.who}: {step.why})", metadata=metadata)


def materialization(workdir: Workdir, project: Project, phase: str, number: int) -> dg.AssetMaterialization:
    """The materialization that shows this row of the status log, counted from 1, as the result of the phase."""
    row, events = read_rows(workdir.status_log(project))[number - 1], events_of(workdir, project)
    ended = next((each for each in reversed(events) if isinstance(each, PhaseEnded) and (each.row, each.phase) == (number, phase)), None)
    by = f"run {ended.run}" if ended and ended.run else "padocc-dagster" if phase == "init" else "plain PADOCC"
    return dg.AssetMaterialization(
        PHASE_ASSETS[phase],
        partition=str(project),
        description=f"{phase}: {row.status}",
        metadata={
            "by": by,
            "status": row.status,
            "ended": str(row.time or "not recorded"),
            "project folder": dg.MetadataValue.path(str(workdir.project_dir(project))),
            ROW: number,
            **(figures_of(ended.used) if ended and ended.used else {}),
            **(_spec_metadata(workdir, project) if phase == "init" else {}),
        },
    )


def _spec_metadata(workdir: Workdir, project: Project) -> Mapping[str, Any]:
    """Metadata of the project's spec; empty where its files cannot be read now."""
    from dataclasses import replace

    try:
        return project_metadata(replace(known_spec(workdir, project), files=tuple(read_lines(workdir.allfiles(project)))))
    except (CorruptFileError, OSError, IndexError, KeyError, TypeError, ValueError):
        return {}


def _passed(workdir: Workdir, project: Project, phase: str, number: int) -> dict[str, Any]:
    """The result of the phase's blocking check, of the phase that ended in the row of this number, from 1."""
    if phase != "compute":
        status = read_rows(workdir.status_log(project))[number - 1].status
        severity = dg.AssetCheckSeverity.WARN if "Warn" in status else dg.AssetCheckSeverity.ERROR
        return {"passed": True, "description": status, "severity": severity, "metadata": {"status": status, ROW: number}}
    compared = [event for event in events_of(workdir, project) if isinstance(event, Compared)]
    try:
        how = Comparison.from_dict(read_json(workdir.comparison(project))).sampling
    except (CorruptFileError, KeyError, TypeError, ValueError):
        how = "compared with its sources, without a report that can be read"
    return {"passed": True, "description": how, "metadata": {"product fingerprint": compared[-1].product, ROW: number}}


def _result(instance: dg.DagsterInstance, project: Project, phase: str, run_id: str, **result: Any) -> dg.AssetCheckEvaluation:
    """A check result bound to the latest materialization: one that names none does not count as current."""
    asset, key = dg.AssetKey(PHASE_ASSETS[phase]), str(project)
    latest = instance.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION, {key})
    target = bound_to(latest[key], run_id) if key in latest else None
    return dg.AssetCheckEvaluation(
        asset_key=asset, check_name=PHASE_CHECKS[phase], partition=key, blocking=True, target_materialization_data=target, **result
    )
