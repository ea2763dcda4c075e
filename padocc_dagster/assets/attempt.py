"""A phase attempted from an asset: who asks for it, and how its failure is shown: what happened, what it means, what to do."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from padocc_dagster.assets.advice import advice_metadata, commands_in_words
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import Outcome
from padocc_dagster.pipeline.process import follow
from padocc_dagster.pipeline.remedies import commands_for, remedy_for


def attempt_of(context: dg.AssetExecutionContext) -> dict[str, str | bool]:
    """Who asks for a phase: the run, and whether Dagster repeats it because its worker died."""
    return {"run": context.run.root_run_id or context.run.run_id, "resumed": "dagster/retry_number" in context.run.tags}


def require(
    workdir: Workdir, project: Project, outcome: Outcome, more: Callable[[], Mapping[str, Any]] = dict
) -> Outcome:
    """Return the outcome of a phase that passed; raise Failure for one that did not. A phase is never retried as it was.

    `more` is asked for further metadata of a failure.
    """
    if outcome.passed:
        return outcome
    follow(outcome.status)
    explanation = remedy_for(outcome.error_class)
    remedies = commands_for(workdir, project, explanation, outcome.phase, outcome.error_class or outcome.status)
    raise dg.Failure(
        description=(
            f"{outcome.phase} of {project} {outcome.verdict}: {outcome.error_class}: {outcome.message or outcome.status}\n"
            f"It means that {explanation.meaning}.\nWhat to do: {explanation.advice}.\n{commands_in_words(remedies)}"
        ),
        metadata={
            "error class": outcome.error_class or "",
            "status": outcome.status,
            **advice_metadata(explanation, remedies),
            **more(),
            **log_metadata(outcome),
        },
        allow_retries=False,
    )


def log_metadata(outcome: Outcome) -> dict[str, dg.MetadataValue]:
    """The phase log: its path, and its last lines."""
    found: dict[str, dg.MetadataValue] = {"log": dg.MetadataValue.md("```\n" + "\n".join(outcome.log_tail) + "\n```")}
    if outcome.log_path:
        found["phase log"] = dg.MetadataValue.path(outcome.log_path)
    return found
