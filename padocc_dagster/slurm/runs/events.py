"""What the launcher writes into a run's events: a sentence, with the log and commands to paste."""

import shlex
from typing import TYPE_CHECKING, Any

from padocc_dagster.dagster_private import report_with_metadata
from padocc_dagster.slurm.folders import RunFiles

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, MetadataValue


def add_event(instance: "DagsterInstance", run: "DagsterRun", sentence: str, files: RunFiles, job_id: int | None = None) -> None:
    """Add an engine event to the run."""
    report_with_metadata(instance, run, sentence, metadata(files, job_id))


def metadata(files: RunFiles, job_id: int | None = None) -> "dict[str, MetadataValue[Any]]":
    """The job's files, and commands that show the job."""
    from dagster import MetadataValue

    shown: dict[str, MetadataValue[Any]] = {"log": MetadataValue.path(str(files.log)), "script": MetadataValue.path(str(files.script))}
    if job_id is not None:
        commands = commands_for(files, job_id)
        shown |= {"job": MetadataValue.text(str(job_id)), "commands": MetadataValue.md("```\n" + "\n".join(commands) + "\n```")}
    return shown


def commands_for(files: RunFiles, job_id: int) -> tuple[str, ...]:
    """What a person pastes into a terminal of the cluster to see more."""
    return (
        f"scontrol show job {job_id}",
        f"sacct -j {job_id} --format=JobID,State,ExitCode,Elapsed,Timelimit,MaxRSS,ReqMem,NodeList",
        f"tail -n 50 {shlex.quote(str(files.log))}",
    )
