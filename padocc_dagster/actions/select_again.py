"""Select a group's records from their catalogue again: new ones become projects or files of one, changed ones are initialised again, and
withdrawn ones are reported and left, for a person to act on. A project that was edited keeps its edits; one taken out of the group stays
out.
"""

from collections.abc import Iterator

from pydantic import Field

from padocc_dagster.actions.step import ManualStep, StepConfig
from padocc_dagster.pipeline.running.call import WorkerError, follow
from padocc_dagster.pipeline.running.phases import initialise_group
from padocc_dagster.pipeline.workdir.events import ItemsWithdrawn, SelectedAgain, in_json
from padocc_dagster.pipeline.workdir.files import CorruptFileError
from padocc_dagster.pipeline.workdir.history import note
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.names import name_problem, nearest
from padocc_dagster.pipeline.workdir.selections import as_edited, keep_selection, kept_selection, records_by_project, selected_groups
from padocc_dagster.pipeline.workdir.step import StepRefused, StepResult
from padocc_dagster.selection import CatalogueUnreachable, ConfigRejected, GroupConfig, select_again
from padocc_dagster.selection.stac.manifest import Manifest
from padocc_dagster.selection.stac.plan import Plan, plan

LOCK_WAIT_SECONDS = 900.0  # of a night all groups are selected at once
SHOWN = 20


class SelectAgainConfig(StepConfig):
    """Which group, and what becomes of withdrawn records."""

    group: str = Field(description="A group that was made from a selection", json_schema_extra={"argument": True}, examples=["GROUP"])
    take_out: bool = Field(False, description="Make projects without those of their items that the catalogue has withdrawn")


def search_again(workdir: Workdir, config: SelectAgainConfig) -> StepResult:
    group = config.group
    before, found = _search(workdir, group)
    assert found.selection is not None and found.manifest is not None  # as of every group that is selected
    try:
        with held(workdir.edits_lock, "what projects are made from", LOCK_WAIT_SECONDS):
            if kept_selection(workdir, group) != before:
                raise StepRefused([f"group {group} was selected meanwhile: select again"])
            planned = plan(before, found.selection, records_by_project(workdir, group), config.take_out, found.faulty)
            result = StepResult({Project(group, code): what for code, what in planned.make.items()})
            if not config.dry_run:
                _make(workdir, found, planned, result, config)
                news = planned.news(before).items()  # recorded before the selection is kept: killed in between, twice and not never
                withdrawn = {Project(group, code): ItemsWithdrawn(items=items, **config.by._asdict()) for code, items in news}
                result.not_done |= note(workdir, withdrawn)
                keep_selection(workdir, group, planned.kept(before, found.manifest))
    except LockedError as locked:
        raise StepRefused([str(locked)]) from None
    result.notes = [*_notes(group, found, planned), *(f"{name}: {value}" for name, value in found.manifest["summary"].items())]
    return result


SELECT_AGAIN = ManualStep(
    "select_groups_again", SelectAgainConfig, search_again, __doc__ or "", "Scans of new and changed projects follow, and the rest."
)


def _search(workdir: Workdir, group: str) -> tuple[Manifest, GroupConfig]:
    """Search the catalogue by the group's config: what was selected before, and now. Raises StepRefused with every reason why
    nothing can be selected."""
    known = selected_groups(workdir)
    if group not in known:
        unknown = f"group {group!r} was not made from a selection: {nearest(group, known)}"
        raise StepRefused([name_problem("group", group) or unknown])
    try:
        before = kept_selection(workdir, group)
        if not before or not {"config", "file", "projects"} <= before.keys():
            raise CorruptFileError(f"{workdir.selection(group)} holds no selection: drop the group's config into the inbox again")
        return before, select_again(before)
    except (CatalogueUnreachable, CorruptFileError) as error:
        raise StepRefused([str(error)]) from None
    except ConfigRejected as rejected:
        raise StepRefused([problem.text for problem in rejected.problems]) from None


def _make(workdir: Workdir, found: GroupConfig, planned: Plan, result: StepResult, config: SelectAgainConfig) -> None:
    """Initialise the projects that are new or have changed, and record it. Those that are there keep everything but their files."""
    if not planned.make:
        return
    steps = {code: SelectedAgain(changes=what, **config.by._asdict()) for code, what in planned.make.items()}
    specs = as_edited(workdir, found.group, [spec for spec in found.projects if spec.code in planned.make])
    try:
        done = initialise_group(workdir, found.group, specs, whole=False, steps=in_json(steps))
    except WorkerError as failed:
        follow(failed.status)
        raise StepRefused([f"group {found.group}: {failed.error_class}: {failed}; select again"]) from failed
    for code in done["locked"]:
        project = Project(found.group, code)
        result.not_done[project] = f"{result.done.pop(project)}; it is at work: select again when that run has ended"


def _notes(group: str, found: GroupConfig, planned: Plan) -> Iterator[str]:
    """A sentence for each project that was left or has withdrawn items, with what to do."""
    shown = {
        "left": planned.left,
        "withdrawn": {code: ", ".join(f"{name} ({why})" for name, why in items.items()) for code, items in planned.withdrawn.items()},
    }
    for word, codes in shown.items():
        for code, why in list(codes.items())[:SHOWN]:
            yield f"{Project(group, code)}: {word}: {why}"
        if len(codes) > SHOWN:
            yield f"and {len(codes) - SHOWN} more {word}"
    assert found.manifest is not None
    gone = [str(Project(group, code)) for code in planned.withdrawn if code not in found.manifest["projects"]]
    if gone:
        command = f"padocc-dagster remove {' '.join(gone[:SHOWN])} --why 'withdrawn from the catalogue'"
        yield f"to take withdrawn projects out: {command}"
