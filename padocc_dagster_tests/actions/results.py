"""What the run of a job told, for tests."""

from typing import Any

import dagster as dg

from padocc_dagster.actions.step import DONE


def announced(result: dg.ExecuteInProcessResult) -> list[str]:
    return [event.partition for event in result.get_asset_materialization_events()]


def observed(result: dg.ExecuteInProcessResult) -> list[str]:
    found = [event.asset_observation_data.asset_observation for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
    return [f"{observation.partition}: {observation.description}" for observation in found]


def failure(result: dg.ExecuteInProcessResult) -> dg.Failure:
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    return event.step_failure_data.user_failure_data


def output(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return event.step_output_data.metadata


def done(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return table(output(result)[DONE])


def table(rows: Any) -> dict[str, str]:
    """Project → what is told of it."""
    return {row.data["project"]: row.data["what"] for row in rows.records}
