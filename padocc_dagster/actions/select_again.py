"""Select a group's records from their catalogue again: new ones become projects or files of one, changed ones are initialised again, and
withdrawn ones are told of and left, for a person to act on. A project that was edited keeps its edits; one taken out of the group stays
out.
"""

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.step import DRY_RUN, RUN_ASKED, StepConfig, carry_out, record, report, table
from padocc_dagster.actions.telling import tell
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.events import ItemsWithdrawn, SelectedAgain, in_json
from padocc_dagster.pipeline.files import CorruptFileError
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import LockedError, held
from padocc_dagster.pipeline.names import name_problem, nearest
from padocc_dagster.pipeline.phases import initialise_group
from padocc_dagster.pipeline.selections import as_edited, keep_selection, kept_selection, records_by_project, selected_groups
from padocc_dagster.pipeline.steps.history import note
from padocc_dagster.pipeline.steps.step import StepRefused, StepResult
from padocc_dagster.pipeline.workers.call import WorkerError, follow
from padocc_dagster.repeats import asking_run
from padocc_dagster.resources import Padocc
from padocc_dagster.selection import CatalogueUnreachable, ConfigRejected, GroupConfig, select_again
from padocc_dagster.selection.stac.manifest import Manifest
from padocc_dagster.selection.stac.plan import Plan, plan

LOCK_WAIT_SECONDS = 900.0  # of a night all groups are selected at once
SHOWN = 20


class SelectAgainConfig(StepConfig):
    """Which group, and what becomes of withdrawn records."""

    group: str = Field(description="A group that was made from a selection")
    take_out: bool = Field(default=False, description="Make projects without those of their items that the catalogue has withdrawn")


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def search_again(context: dg.OpExecutionContext, config: SelectAgainConfig, padocc: Padocc) -> None:
    workdir, group = padocc.workdir, config.group
    found: list[tuple[Manifest, GroupConfig]] = []
    carry_out(context, lambda: _search(workdir, group, found))
    ((before, asked),) = found
    assert asked.selection is not None and asked.manifest is not None  # as of every group that is selected
    try:
        with held(workdir.edits_lock, "what projects are made from", LOCK_WAIT_SECONDS):
            if kept_selection(workdir, group) != before:
                raise dg.Failure(f"Nothing was changed.\ngroup {group} was selected meanwhile: select again", allow_retries=False)
            planned = plan(before, asked.selection, records_by_project(workdir, group), config.take_out, asked.faulty)
            result = StepResult({Project(group, code): what for code, what in planned.make.items()})
            if not config.dry_run:
                _make(workdir, asked, planned, result, config, asking_run(context.instance, context.run))
                _write_down(context, workdir, config, result, planned.news(before))
                keep_selection(workdir, group, planned.kept(before, asked.manifest))
    except LockedError as locked:
        raise dg.Failure(f"Nothing was changed.\n{locked}", allow_retries=False) from None
    if not config.dry_run:
        _tell(context, workdir, config, result)
    _report(context, config, asked, planned, result)


@dg.job(tags=RUN_ASKED, description=__doc__)
def select_groups_again() -> None:
    search_again()


def _search(workdir: Workdir, group: str, found: list[tuple[Manifest, GroupConfig]]) -> StepResult:
    """Search the catalogue as the group's config asks for: what was selected before, and now. Raises StepRefused with every reason why
    nothing can be selected."""
    known = selected_groups(workdir)
    if group not in known:
        unknown = f"group {group!r} was not made from a selection: {nearest(group, known)}"
        raise StepRefused([name_problem("group", group) or unknown])
    try:
        before = kept_selection(workdir, group)
        if not before or not {"config", "file", "projects"} <= before.keys():
            raise CorruptFileError(f"{workdir.selection(group)} holds no selection: drop the group's config into the inbox again")
        found.append((before, select_again(before)))
    except (CatalogueUnreachable, CorruptFileError) as error:
        raise StepRefused([str(error)]) from None
    except ConfigRejected as rejected:
        raise StepRefused([problem.text for problem in rejected.problems]) from None
    return StepResult()


def _make(workdir: Workdir, asked: GroupConfig, planned: Plan, result: StepResult, config: SelectAgainConfig, run: str) -> None:
    """Initialise the projects that are new or have changed, and record it. Those that are there keep everything but their files."""
    if not planned.make:
        return
    specs = as_edited(workdir, asked.group, [spec for spec in asked.projects if spec.code in planned.make])
    steps = {code: SelectedAgain(changes=what, who=config.who, why=config.why, run=run) for code, what in planned.make.items()}
    try:
        done = initialise_group(workdir, asked.group, specs, whole=False, steps=in_json(steps))
    except WorkerError as failed:
        follow(failed.status)
        raise dg.Failure(f"group {asked.group}: {failed.error_class}: {failed}; select again", allow_retries=False) from failed
    for code in done["locked"]:
        project = Project(asked.group, code)
        result.not_done[project] = f"{result.done.pop(project)}; it is at work: select again when that run has ended"


def _write_down(
    context: dg.OpExecutionContext, workdir: Workdir, config: SelectAgainConfig, result: StepResult, news: dict[str, str]
) -> None:
    """Record what was withdrawn, before the selection is kept."""
    given = {**config.by._asdict(), "run": asking_run(context.instance, context.run)}
    withdrawn = {Project(config.group, code): ItemsWithdrawn(items=items, **given) for code, items in news.items()}
    result.not_done |= note(workdir, withdrawn)
    record(context, StepResult({project: str(step) for project, step in withdrawn.items()}), config.by)


def _tell(context: dg.OpExecutionContext, workdir: Workdir, config: SelectAgainConfig, result: StepResult) -> None:
    """Tell Dagster of the projects whose news is not out, those of an interrupted selection before too."""
    from padocc_dagster.actions.telling import specs_on_disk

    group = config.group
    codes = [code for code in to_announce(workdir, group) if workdir.base_cfg(Project(group, code)).exists()]
    add_projects(context.instance, group, codes)
    also = {project.code: {"selected again": what, "who": config.who, "why": config.why} for project, what in result.done.items()}
    tell(context, workdir, group, specs_on_disk(workdir, group, codes), also)


def _report(context: dg.OpExecutionContext, config: SelectAgainConfig, asked: GroupConfig, planned: Plan, result: StepResult) -> None:
    told = {
        "left": planned.left,
        "withdrawn": {code: ", ".join(f"{name} ({why})" for name, why in items.items()) for code, items in planned.withdrawn.items()},
    }
    sentences, tables = [DRY_RUN] if config.dry_run else [], {}
    for word, codes in told.items():
        projects = {Project(config.group, code): why for code, why in codes.items()}
        for project, why in list(projects.items())[:SHOWN]:
            context.log.warning(f"{project}: {word}: {why}")
            sentences.append(f"{project}: {word}: {why}")
        sentences += [f"and {len(projects) - SHOWN} more {word}"] if len(projects) > SHOWN else []
        tables[word] = table(projects)
    assert asked.manifest is not None
    gone = [str(Project(config.group, code)) for code in planned.withdrawn if code not in asked.manifest["projects"]]
    if gone:
        command = f"padocc-dagster remove {' '.join(gone[:SHOWN])} --why 'withdrawn from the catalogue'"
        sentences.append(f"to take withdrawn projects out: {command}")
    summary = {name: dg.MetadataValue.text(str(value)) for name, value in asked.manifest["summary"].items()}
    report(context, result, "\n".join(sentences), {**tables, **summary})
