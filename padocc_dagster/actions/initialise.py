"""Initialise a group from its config file: the whole file is checked before anything is written, then every project is made in one run.
The conductor reports the projects to Dagster and starts their scans."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from padocc_dagster.pipeline.running.call import WorkerError, follow
from padocc_dagster.pipeline.running.phases import initialise_group as initialise
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.locks import LockedError, held
from padocc_dagster.pipeline.workdir.readings import Result, record_reading, version_of
from padocc_dagster.pipeline.workdir.selections import forget_selection, keep_selection
from padocc_dagster.resources import Padocc
from padocc_dagster.runs import PRIORITY
from padocc_dagster.selection import CatalogueUnreachable, ConfigRejected, GroupConfig, read_group_config

RETRIES, RETRY_SECONDS = 60, 30  # a project at work, or another writer of the group, may take half an hour
LOCK_WAIT_SECONDS = 90.0
UNREACHABLE_RETRIES, UNREACHABLE_SECONDS = 5, 120  # a catalogue's restart


class GroupConfigFile(dg.Config):
    """Which group config to initialise from."""

    path: str = Field(description="Path of the group config (CSV or YAML), usually in the inbox")


@dg.op(out=dg.Out(dg.Nothing), description=__doc__)
def initialise_projects(context: dg.OpExecutionContext, config: GroupConfigFile, padocc: Padocc) -> None:
    path, workdir = Path(config.path), padocc.workdir
    version = version_of(path)  # before it is read: a change meanwhile is another version

    def end(result: Result, problems: Sequence[Mapping[str, Any]] = ()) -> None:
        record_reading(workdir, path, version, result, list(map(dict, problems)), context.run_id)

    try:
        found = read_group_config(path)
    except ConfigRejected as rejected:
        problems = [{"line": problem.line, "problem": problem.text} for problem in rejected.problems]
        end(Result.REJECTED, problems)
        raise _rejection(rejected) from None
    except CatalogueUnreachable as unreachable:
        if context.retry_number >= UNREACHABLE_RETRIES:
            end(Result.FAILED, [{"line": None, "problem": str(unreachable)}])
        raise _later(context, config.path, unreachable) from None
    try:
        with held(workdir.edits_lock, "what projects are made from", LOCK_WAIT_SECONDS):
            done = initialise(workdir, found.group, list(found.projects))
            _keep(workdir, found)
    except LockedError as locked:
        raise _again(context, str(locked)) from locked
    except WorkerError as failed:
        if failed.error_class == "LockedError":
            raise _again(context, str(failed)) from failed
        follow(failed.status)
        end(Result.FAILED, [{"line": None, "problem": f"{failed.error_class}: {failed}"}])
        raise dg.Failure(f"group {found.group}: {failed.error_class}: {failed}", allow_retries=False) from failed
    if found.manifest is not None:
        context.add_output_metadata(found.manifest["summary"])
    context.log.info(f"group {found.group}: " + ", ".join(f"{len(codes)} {what}" for what, codes in done.items()))
    if done["left"]:
        context.log.warning(f"no longer in {config.path}, and left as they are: {', '.join(done['left'])}")
    if done["locked"]:
        raise _again(context, f"changed, and at work now: {', '.join(done['locked'])}")
    end(Result.INITIALISED)


@dg.job(description=__doc__, tags={PRIORITY: "10"})
def initialise_group() -> None:
    initialise_projects()


def _keep(workdir: Workdir, config: GroupConfig) -> None:
    """Keep what was selected; forget what was selected before, where the group's projects are named one by one now."""
    if config.manifest is not None:
        keep_selection(workdir, config.group, config.manifest)
    elif workdir.selection(config.group).exists():
        forget_selection(workdir, config.group)


def _again(context: dg.OpExecutionContext, reason: str) -> dg.RetryRequested:
    context.log.warning(f"{reason}; trying again in {RETRY_SECONDS} s")
    return dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_SECONDS)


def _later(context: dg.OpExecutionContext, path: str, unreachable: CatalogueUnreachable) -> Exception:
    """Try again some minutes later, a few times; the group stays as it was."""
    if context.retry_number >= UNREACHABLE_RETRIES:
        return dg.Failure(f"{path}: {unreachable}. Nothing was initialised: drop the file into the inbox again.", allow_retries=False)
    context.log.warning(f"{unreachable}; trying again in {UNREACHABLE_SECONDS} s")
    return dg.RetryRequested(max_retries=UNREACHABLE_RETRIES, seconds_to_wait=UNREACHABLE_SECONDS)


def _rejection(rejected: ConfigRejected) -> dg.Failure:
    records = [dg.TableRecord({"line": str(problem.line or ""), "problem": problem.text}) for problem in rejected.problems]
    return dg.Failure(
        description=f"{rejected}\nNothing was initialised. Correct the file and drop it into the inbox again.",
        metadata={"problems": dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(n) for n in ("line", "problem")]))},
        allow_retries=False,
    )
