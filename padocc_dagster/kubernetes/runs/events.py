"""What the launcher writes into a run's events: a sentence, with commands to paste."""

from typing import TYPE_CHECKING

from padocc_dagster.dagster_private import report_with_metadata

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


def add_event(instance: "DagsterInstance", run: "DagsterRun", sentence: str, namespace: str, pod: str = "") -> None:
    """Add an engine event to the run."""
    from dagster import MetadataValue

    commands = MetadataValue.md("```\n" + "\n".join(commands_for(run.run_id, namespace, pod)) + "\n```")
    report_with_metadata(instance, run, sentence, {"commands": commands})


def commands_for(run_id: str, namespace: str, pod: str = "") -> tuple[str, ...]:
    """What a person pastes into a terminal to see more."""
    where = f"kubectl --namespace {namespace}"
    which = pod or f"--selector dagster/run-id={run_id}"
    return (
        f"{where} describe job dagster-run-{run_id}",
        f"{where} describe pod {which}",
        f"{where} logs {which} --tail 50",
    )
