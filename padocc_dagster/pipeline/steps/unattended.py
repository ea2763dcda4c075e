"""The rules of a group applied to a project that failed."""

from collections.abc import Mapping
from typing import Any

from padocc_dagster.pipeline.joining.record import odd_kept
from padocc_dagster.pipeline.running.due import due_of, is_ignored
from padocc_dagster.pipeline.steps.faultlisting import give_up
from padocc_dagster.pipeline.steps.redo import request_phase
from padocc_dagster.pipeline.workdir.event_log import Histories, events_of
from padocc_dagster.pipeline.workdir.events import Phase, PhaseRequested
from padocc_dagster.pipeline.workdir.files import CorruptFileError, read_json
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import PHASES, Verdict
from padocc_dagster.pipeline.workdir.rules import Rules
from padocc_dagster.pipeline.workdir.spec import AGGREGATORS
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.status import AGGREGATORS_TRIED, StatusRow, project_state, read_rows
from padocc_dagster.pipeline.workdir.step import By, StepResult
from padocc_dagster.pipeline.workdir.tried import aggregators_tried

NOTHING_HELPS = {
    "DifferingCalendarError",
    "DifferingCoordinateError",
    "DifferingDimensionsError",
    "DifferingMeaningError",
    "DifferingPackingError",
    "DifferingVariablesError",
    "EmptySourceError",
    "FileNotFoundError",
    "JobCancelled",
    "LockedError",
    "MemoryError",
    "NoOverwriteError",
    "OSError",
    "PermissionError",
    "SIGKILL",
    "SIGTERM",
    "SourceNotFoundError",
    "SourcesOverlapError",
}
"""Error classes of a computation that neither another aggregator nor a Zarr store avoids."""
ONLY_A_FORMAT_HELPS = {
    "ConcatFatalError",
    "DifferingEncodingError",
    "DifferingTypeError",
    "KerchunkDriverFatalError",
    "NoDriverError",
    "PartialChunksError",
    "PartialDriverError",
    "UnsupportedFilterError",
}
"""Error classes of what kerchunk references cannot hold, with any aggregator."""
FOUND_BY_SCAN = {"DifferingEncodingError", "DifferingTypeError", "PartialChunksError", "UnsupportedFilterError"}
"""Those of them that a scan ends with, after which it is repeated for the next format."""


def who_of(group: str) -> str:
    """The name under which the rules of a group take a step."""
    return f"rules of {group}"


def follow_rules(workdir: Workdir, project: Project, rules: Rules) -> StepResult:
    """Apply the group's rules to a project whose last phase failed: request another computation, or give it up.

    Does nothing where SHEPARD's `.shpignore` lies, where a phase was requested already, or where no rule applies.
    """
    rows = read_rows(workdir.status_log(project))
    if not rows or rows[-1].verdict is not Verdict.FAILED or is_ignored(workdir, project.group):
        return StepResult()
    if project.code in faultlist(workdir, project.group) or due_of(rows, events_of(workdir, project)):
        return StepResult()
    last, failures = rows[-1], _failures(rows)
    if rules.quarantine_after and failures >= rules.quarantine_after:
        why = f"quarantined after {failures} attempts at {last.phase}: {last.status}"
        return give_up(workdir, [project], By(who_of(project.group), why))
    choices = _next(workdir, project, rules, rows, Histories(workdir)) if rules.next_aggregator else {}
    if not choices:
        return StepResult()
    following = " ".join(f"{name} {value}" for name, value in choices.items())
    why = f"{last.phase} ended with {last.status}: next is {following}"
    phase: Phase = "scan" if last.phase == "scan" else "compute"
    return request_phase(workdir, [project], phase, By(who_of(project.group), why), choices)


def _failures(rows: list[StatusRow]) -> int:
    """How often the last phase failed since a phase before it was run."""
    count = 0
    for row in reversed(rows):
        if PHASES.index(row.phase) < PHASES.index(rows[-1].phase):
            break
        count += row.phase == rows[-1].phase and row.verdict is Verdict.FAILED
    return count


def _next(workdir: Workdir, project: Project, rules: Rules, rows: list[StatusRow], histories: Histories) -> dict[str, str]:
    """The next aggregator that was not tried, then the next format; nothing when there is none, or none can help."""
    error_class = project_state(workdir, project).error_class.rpartition(".")[2]
    phase = rows[-1].phase
    if error_class in NOTHING_HELPS or not (phase == "compute" or (phase == "scan" and error_class in FOUND_BY_SCAN)):
        return {}
    try:
        base = read_json(workdir.base_cfg(project))
        configured = spec_of(workdir, project, base).options.aggregator
    except CorruptFileError:
        return {}
    before = _chosen_by_rules(project, rows, histories)
    current = (base.get("override") or {}).get("cloud_type") or "kerchunk"
    if current == "kerchunk" and error_class not in ONLY_A_FORMAT_HELPS:
        tried = _tried(workdir, project, configured, rows[-1].status, before)
        for aggregator in AGGREGATORS:
            if aggregator not in tried:
                return {"aggregator": aggregator}
    helpless = {each for odd in odd_kept(workdir, project) for each in odd.refused_by}
    for cloud_format in rules.formats:
        if cloud_format not in (current, *helpless) and not any(choices.get("cloud_format") == cloud_format for choices in before):
            return {"cloud_format": cloud_format}
    return {}


def _chosen_by_rules(project: Project, rows: list[StatusRow], histories: Histories) -> list[Mapping[str, Any]]:
    """The choices of the rules for the project since it was last initialised."""
    made = max((number for number, row in enumerate(rows) if row.phase == "init"), default=-1)
    requests = [step for step in histories.of(project) if isinstance(step, PhaseRequested) and step.who == who_of(project.group)]
    return [step.choices for step in requests if step.row > made]


def _tried(workdir: Workdir, project: Project, configured: str | None, status: str, before: list[Mapping[str, Any]]) -> set[str]:
    """The aggregators tried by the last computation, and those that the rules came to: they go through them in their order.

    For plain PADOCC's computations the status has them, as in `(V)Failed-ValueError`; else the aggregator of the config counts.
    """
    tried = set(aggregators_tried(workdir, project))
    if not tried:
        named = AGGREGATORS_TRIED.match(status)
        tried = set(named.group()) & set(AGGREGATORS) if named else {configured} if configured else set()
    for choices in before:
        if choices.get("aggregator") in AGGREGATORS:
            tried |= set(AGGREGATORS[: AGGREGATORS.index(choices["aggregator"]) + 1])
    return tried
