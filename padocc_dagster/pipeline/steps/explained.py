"""All that is known of one project, read for a person: its state and why, what was done to it, and what can be done."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from padocc_dagster.pipeline.depiction import other_revisions, published_revisions
from padocc_dagster.pipeline.joining.record import odd_kept
from padocc_dagster.pipeline.making.validate import read_findings
from padocc_dagster.pipeline.publishing.tick import tick_of
from padocc_dagster.pipeline.remedies import commands_for, remedy_for
from padocc_dagster.pipeline.watch.findings import Result
from padocc_dagster.pipeline.watch.last import last_found
from padocc_dagster.pipeline.workdir.event_log import history_of
from padocc_dagster.pipeline.workdir.files import CorruptFileError, last_lines, read_json
from padocc_dagster.pipeline.workdir.groups import faultlist
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.published import published_of
from padocc_dagster.pipeline.workdir.specs import spec_of
from padocc_dagster.pipeline.workdir.status import ProjectState, StatusRow, project_state, read_rows

LOG_LINES = 20


class Event(NamedTuple):
    """Something that happened to the project: the end of a phase, or what a person did."""

    when: datetime | None
    """Local time with its zone; None where PADOCC's log has none."""
    what: str
    who: str = ""
    why: str = ""


@dataclass(frozen=True)
class Explained:
    """One project, explained."""

    project: str
    phase: str
    outcome: str
    status: str
    since: datetime | None
    why: str
    meaning: str
    """What the failure or the warning means; empty where there is nothing to explain."""
    remedies: tuple[tuple[str, str], ...]
    """What can be tried: a sentence, and the command to paste."""
    history: tuple[Event, ...]
    """Oldest first."""
    log_path: str
    log_tail: tuple[str, ...]
    problems: tuple[str, ...]
    """Of the last comparison of the product with its sources."""
    findings: tuple[str, ...]
    """Of PADOCC's validation."""
    odd_files: tuple[str, ...]
    """Source files that are not like the others, as the last scan found them, with what that means for the product's format."""
    published: tuple[str, ...]
    other_versions: tuple[str, ...]
    watch: tuple[str, ...]
    """What was found last of published products whose sources are not as they should be."""
    faultlisted: str | None
    """The reason on the faultlist; None when it is not there."""
    tick: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON holds it, times in ISO 8601."""
        value = asdict(self)
        value["since"] = self.since.isoformat() if self.since else None
        value["remedies"] = [{"what": sentence, "command": command} for sentence, command in self.remedies]
        value["history"] = [{**event._asdict(), "when": event.when.isoformat() if event.when else None} for event in self.history]
        return value


def explained(workdir: Workdir, project: Project) -> Explained:
    """Read everything about the project. It must be one of its group's."""
    state = project_state(workdir, project)
    reason = faultlist(workdir, project.group).get(project.code)
    watch = tuple(_watched(workdir, project))
    failure = _failure(state, reason) or ("SourceChangedError" if watch else "")
    explanation = remedy_for(failure) if failure else None
    log = workdir.phase_log(project, state.phase)
    return Explained(
        project=str(project),
        phase=state.phase,
        outcome="skipped" if reason is not None else state.outcome,
        status=state.status,
        since=state.since,
        why=f"on the faultlist: {reason or 'no reason given'}" if reason is not None else state.why,
        meaning=explanation.meaning if explanation else "",
        remedies=tuple(commands_for(workdir, project, explanation, state.phase, failure)) if explanation else (),
        history=_history(workdir, project),
        log_path=str(log) if log.exists() else "",
        log_tail=last_lines(log, LOG_LINES),
        problems=_problems(workdir, project),
        findings=tuple(f"{row['part']} {row['kind']} {row['name']}: {row['found']}" for row in read_findings(workdir, project)),
        odd_files=_odd(workdir, project),
        published=tuple(str(each.product.path) for each in published_revisions(workdir, project)),
        other_versions=tuple(f"{each}: {each.product.path}" for each in other_revisions(workdir, project)),
        watch=watch,
        faultlisted=reason,
        tick=tick.as_dict() if (tick := tick_of(workdir, project)) else None,
    )


def _failure(state: ProjectState, reason: str | None) -> str:
    """The status or error class by which remedies are looked up; empty where nothing is wrong."""
    if reason is not None:
        return "Faultlisted"
    if state.verdict in (None, Verdict.OK):
        return ""
    return state.error_class or state.status


def _history(workdir: Workdir, project: Project) -> tuple[Event, ...]:
    """The ends of phases and the steps, in the order in which they happened: a step knows how many rows there were then."""
    rows = read_rows(workdir.status_log(project))
    events = [((number, 0), _end(row)) for number, row in enumerate(rows)]
    events += [((step.row - 1, 1), Event(step.when.astimezone(), str(step), step.who, step.why)) for step in history_of(workdir, project)]
    return tuple(event for _, event in sorted(events, key=lambda pair: pair[0]))


def _end(row: StatusRow) -> Event:
    return Event(row.time.astimezone() if row.time else None, f"{row.phase}: {row.status}")


def _watched(workdir: Workdir, project: Project) -> Iterator[str]:
    for each in published_of(workdir, project):
        last = last_found(workdir, each.group).get(each.name)
        if last and last.result not in ("", Result.UNCHANGED):
            when = datetime.fromtimestamp(last.looked).astimezone()
            found = "; ".join(last.problems[:2]) or last.sampling or "run `padocc-dagster audit` for more"
            yield f"{each.name} on {when:%Y-%m-%d %H:%M}: {last.result}: {found}"


def _odd(workdir: Workdir, project: Project) -> tuple[str, ...]:
    try:
        cloud_format = spec_of(workdir, project).options.cloud_format
    except CorruptFileError:
        return ()
    return tuple(f"{odd.kind}: {odd.sentence}. {odd.meaning_for(cloud_format)}" for odd in odd_kept(workdir, project))


def _problems(workdir: Workdir, project: Project) -> tuple[str, ...]:
    try:
        return tuple(map(str, read_json(workdir.comparison(project)).get("problems") or ()))
    except CorruptFileError:
        return ()
