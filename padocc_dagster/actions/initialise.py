"""Initialise a group from its config file: the whole file is checked before anything is written, then every project is made in one
run, and each new or changed one is a materialisation of `project`, which sets its chain in motion."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from padocc_dagster.actions.telling import PROJECT, tell
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.announcements import to_announce
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.locks import LockedError, held
from padocc_dagster.pipeline.phases import initialise_group as initialise
from padocc_dagster.pipeline.selections import forget_selection, keep_selection
from padocc_dagster.pipeline.spec import ProjectSpec
from padocc_dagster.pipeline.workers.call import WorkerError, follow
from padocc_dagster.resources import Padocc
from padocc_dagster.selection import CatalogueUnreachable, ConfigRejected, GroupConfig, read_group_config

RETRIES, RETRY_SECONDS = 60, 30  # a project at work, or another writer of the group, may take half an hour
LOCK_WAIT_SECONDS = 90.0
UNREACHABLE_RETRIES, UNREACHABLE_SECONDS = 5, 120  # a catalogue's restart


class GroupConfigFile(dg.Config):
    """Which group config to initialise from."""

    path: str = Field(description="Path of the group config (CSV or YAML), usually in the inbox")


@dg.op(description=__doc__)
def initialise_projects(context: dg.OpExecutionContext, config: GroupConfigFile, padocc: Padocc) -> None:
    try:
        asked = read_group_config(Path(config.path))
    except ConfigRejected as rejected:
        raise _rejection(rejected) from None
    except CatalogueUnreachable as unreachable:
        raise _later(context, config.path, unreachable) from None
    try:
        with held(padocc.workdir.edits_lock, "what projects are made from", LOCK_WAIT_SECONDS):
            done = initialise(padocc.workdir, asked.group, list(asked.projects))
            _keep(padocc.workdir, asked)
    except LockedError as locked:
        raise _again(context, str(locked)) from locked
    except WorkerError as failed:
        if failed.error_class == "LockedError":
            raise _again(context, str(failed)) from failed
        follow(failed.status)
        raise dg.Failure(f"group {asked.group}: {failed.error_class}: {failed}", allow_retries=False) from failed
    if asked.manifest is not None:
        context.add_output_metadata(asked.manifest["summary"])
    add_projects(context.instance, asked.group, [spec.code for spec in asked.projects])
    _tell(context, padocc.workdir, asked, done["locked"])
    context.log.info(f"group {asked.group}: " + ", ".join(f"{len(codes)} {what}" for what, codes in done.items()))
    if done["left"]:
        context.log.warning(f"no longer in {config.path}, and left as they are: {', '.join(done['left'])}")
    if done["locked"]:
        raise _again(context, f"changed, and at work now: {', '.join(done['locked'])}")


@dg.job(description=__doc__, tags={"dagster/priority": "10"})
def initialise_group() -> None:
    initialise_projects()


def _keep(workdir: Workdir, asked: GroupConfig) -> None:
    """Keep what was selected; forget what was selected before, where the group's projects are named one by one now."""
    if asked.manifest is not None:
        keep_selection(workdir, asked.group, asked.manifest)
    elif workdir.selection(asked.group).exists():
        forget_selection(workdir, asked.group)


def _tell(context: dg.OpExecutionContext, workdir: Workdir, asked: GroupConfig, but: list[str]) -> None:
    """Log a materialisation for each project whose news is not out."""
    news = {*to_announce(workdir, asked.group), *_never_announced(context.instance, asked.group, asked.projects)} - set(but)
    tell(context, workdir, asked.group, [spec for spec in asked.projects if spec.code in news])


def _again(context: dg.OpExecutionContext, reason: str) -> dg.RetryRequested:
    context.log.warning(f"{reason}; trying again in {RETRY_SECONDS} s")
    return dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_SECONDS)


def _later(context: dg.OpExecutionContext, path: str, unreachable: CatalogueUnreachable) -> Exception:
    """Try again some minutes later, a few times; the group stays as it was."""
    if context.retry_number >= UNREACHABLE_RETRIES:
        return dg.Failure(f"{path}: {unreachable}. Nothing was initialised: drop the file into the inbox again.", allow_retries=False)
    context.log.warning(f"{unreachable}; trying again in {UNREACHABLE_SECONDS} s")
    return dg.RetryRequested(max_retries=UNREACHABLE_RETRIES, seconds_to_wait=UNREACHABLE_SECONDS)


def _never_announced(instance: dg.DagsterInstance, group: str, specs: tuple[ProjectSpec, ...]) -> set[str]:
    """Codes that Dagster knows no materialisation of: initialised by somebody else, or before the instance was made."""
    known = instance.get_materialized_partitions(PROJECT)
    return {spec.code for spec in specs if str(Project(group, spec.code)) not in known}


def _rejection(rejected: ConfigRejected) -> dg.Failure:
    records = [dg.TableRecord({"line": str(problem.line or ""), "problem": problem.text}) for problem in rejected.problems]
    return dg.Failure(
        description=f"{rejected}\nNothing was initialised. Correct the file and drop it into the inbox again.",
        metadata={"problems": dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(n) for n in ("line", "problem")]))},
        allow_retries=False,
    )
