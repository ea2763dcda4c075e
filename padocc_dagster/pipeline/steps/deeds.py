"""What a group's rules ask for now, read from PADOCC's files. Nothing is done here."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from padocc_dagster.pipeline.due import is_ignored
from padocc_dagster.pipeline.events import Histories, PhaseRequested
from padocc_dagster.pipeline.files import CorruptFileError, read_json
from padocc_dagster.pipeline.groups import faultlist, project_codes
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import PHASES, Verdict
from padocc_dagster.pipeline.product import options_of
from padocc_dagster.pipeline.spec import AGGREGATORS
from padocc_dagster.pipeline.status import AGGREGATORS_TRIED, StatusRow, project_state, read_rows
from padocc_dagster.pipeline.steps.rules import Rules
from padocc_dagster.pipeline.tried import aggregators_tried

NOTHING_HELPS = {
    "DifferingCoordinateError",
    "DifferingPackingError",
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
"""How a computation ends for reasons that another aggregator, or a Zarr store, does not change."""
ONLY_A_FORMAT_HELPS = {
    "ConcatFatalError",
    "DifferingEncodingError",
    "KerchunkDriverFatalError",
    "NoDriverError",
    "PartialChunksError",
    "PartialDriverError",
    "UnsupportedFilterError",
}
"""What kerchunk references cannot hold, whichever aggregator makes them."""


class Deed(NamedTuple):
    """One thing to do. `rows` is how many rows the status log has: for the same end of a phase, a deed is done once."""

    project: Project
    rows: int
    choices: dict[str, str]
    """For a computation; empty: the project is given up."""
    why: str

    @property
    def key(self) -> str:
        return f"{self.project}:{self.rows}"


def who_of(group: str) -> str:
    """Who a deed is by, in histories."""
    return f"rules of {group}"


def deeds(workdir: Workdir, group: str, rules: Rules) -> Iterator[Deed]:
    """What the rules ask for in the group; nothing where SHEPARD's `.shpignore` lies."""
    if is_ignored(workdir, group) or not (rules.next_aggregator or rules.quarantine_after):
        return
    listed, histories = faultlist(workdir, group), Histories(workdir)
    for code in project_codes(workdir, group):
        project = Project(group, code)
        rows = [] if code in listed else read_rows(workdir.status_log(project))
        if rows and rows[-1].verdict is Verdict.FAILED:
            deed = _deed(workdir, project, rows, rules, histories)
            if deed:
                yield deed


def _deed(workdir: Workdir, project: Project, rows: list[StatusRow], rules: Rules, histories: Histories) -> Deed | None:
    last, failures = rows[-1], _failures(rows)
    if rules.quarantine_after and failures >= rules.quarantine_after:
        return Deed(project, len(rows), {}, f"quarantined after {failures} attempts at {last.phase}: {last.status}")
    if rules.next_aggregator and last.phase == "compute":
        choices = _next(workdir, project, rules, rows, histories)
        if choices:
            told = " ".join(f"{name} {value}" for name, value in choices.items())
            return Deed(project, len(rows), choices, f"compute ended with {last.status}: next is {told}")
    return None


def _failures(rows: list[StatusRow]) -> int:
    """How often the last phase failed since a phase before it was made."""
    count = 0
    for row in reversed(rows):
        if PHASES.index(row.phase) < PHASES.index(rows[-1].phase):
            break
        count += row.phase == rows[-1].phase and row.verdict is Verdict.FAILED
    return count


def _next(workdir: Workdir, project: Project, rules: Rules, rows: list[StatusRow], histories: Histories) -> dict[str, str]:
    """The next aggregator that was not tried, then the next format; nothing when there is none, or none can help."""
    error_class = project_state(workdir, project).error_class.rpartition(".")[2]
    if error_class in NOTHING_HELPS:
        return {}
    try:
        base = read_json(workdir.base_cfg(project))
    except CorruptFileError:
        return {}
    before = _chosen_by_rules(project, rows, histories)
    current = (base.get("override") or {}).get("cloud_type") or "kerchunk"
    if current == "kerchunk" and error_class not in ONLY_A_FORMAT_HELPS:
        tried = _tried(workdir, project, base, rows[-1].status, before)
        for aggregator in AGGREGATORS:
            if aggregator not in tried:
                return {"aggregator": aggregator}
    for cloud_format in rules.formats:
        if cloud_format != current and not any(choices.get("cloud_format") == cloud_format for choices in before):
            return {"cloud_format": cloud_format}
    return {}


def _chosen_by_rules(project: Project, rows: list[StatusRow], histories: Histories) -> list[Mapping[str, Any]]:
    """What the rules chose for the project since it was last initialised."""
    made = max((number for number, row in enumerate(rows) if row.phase == "init"), default=-1)
    requests = [step for step in histories.of(project) if isinstance(step, PhaseRequested) and step.who == who_of(project.group)]
    return [step.choices for step in requests if step.row > made]


def _tried(workdir: Workdir, project: Project, base: dict[str, Any], status: str, before: list[Mapping[str, Any]]) -> set[str]:
    """The aggregators tried by the last computation, and those that the rules came to: they go through them in their order.

    Of plain PADOCC's computations the status says it, as in `(V)Failed-ValueError`; else the aggregator that the config asks for counts.
    """
    tried = set(aggregators_tried(workdir, project))
    if not tried:
        named, asked = AGGREGATORS_TRIED.match(status), options_of(base).get("aggregator")
        tried = set(named.group()) & set(AGGREGATORS) if named else {str(asked)} if asked else set()
    for choices in before:
        if choices.get("aggregator") in AGGREGATORS:
            tried |= set(AGGREGATORS[: AGGREGATORS.index(choices["aggregator"]) + 1])
    return tried
