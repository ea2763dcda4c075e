"""A manual step taken from the command line: its job, executed here and now, and recorded in the working directory's own instance.

So there is one function for each step, and its history is in Dagster whichever way it was asked for.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from padocc_dagster.actions.step import DONE, NOT_DONE
from padocc_dagster.run_tags import COMMAND_LINE
from padocc_dagster.services.home import Home


@dataclass
class Performed:
    """What came of a step: sentences for each project, or why the step was refused."""

    run_id: str
    done: dict[str, str] = field(default_factory=dict)
    not_done: dict[str, str] = field(default_factory=dict)
    note: str = ""
    failure: str = ""


def perform(home: Home, job: str, config: Mapping[str, Any]) -> Performed:
    """Execute the job of a step, which is its one op, with the op's config. Raises ValueError for a config that the op cannot have."""
    from padocc_dagster.definitions import defs

    os.environ["WORKDIR"] = str(home.workdir.root)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    home.prepare()
    definition = defs.resolve_job_def(job)
    (op,) = definition.graph.node_dict
    run_config = {"ops": {op: {"config": dict(config)}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with _instance(home) as instance:
        try:
            result = definition.execute_in_process(run_config=run_config, instance=instance, raise_on_error=False, tags=COMMAND_LINE)
        except dg.DagsterInvalidConfigError as invalid:
            raise ValueError("; ".join(error.message for error in invalid.errors)) from None
    return _performed(result)


def _instance(home: Home) -> dg.DagsterInstance:
    """The working directory's instance. Raises ValueError with a sentence when it cannot be opened."""
    try:
        return dg.DagsterInstance.from_config(str(home.root))
    except Exception as error:  # of Dagster, of its settings, or of a database's driver
        told = " ".join(str(error).split())[:300]
        reason = f"{type(error).__name__}: {told}"
        raise ValueError(f"the instance in {home.root} cannot be opened ({reason}): try `padocc-dagster doctor`") from None


def _performed(result: dg.ExecuteInProcessResult) -> Performed:
    performed = Performed(result.run_id)
    for event in result.all_events:
        metadata: Mapping[str, Any] = {}
        if event.event_type_value == "STEP_OUTPUT":
            metadata = event.step_output_data.metadata
        elif event.event_type_value == "STEP_FAILURE":
            failed = event.step_failure_data
            metadata = failed.user_failure_data.metadata if failed.user_failure_data else {}
            told = failed.user_failure_data.description if failed.user_failure_data else None
            performed.failure = told or (failed.error.message if failed.error else "the step failed")
        performed.done |= _rows(metadata.get(DONE))
        performed.not_done |= _rows(metadata.get(NOT_DONE))
        if "note" in metadata:
            performed.note = metadata["note"].value
    if not result.success and not performed.failure:
        performed.failure = "the step did not start: read the run's events"
    return performed


def _rows(table: dg.TableMetadataValue | None) -> dict[str, str]:
    return {str(record.data["project"]): str(record.data["what"]) for record in table.records} if table else {}
