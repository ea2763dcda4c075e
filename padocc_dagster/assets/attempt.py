"""A phase attempted from an asset: who asks for it, and how its failure is shown: what happened, what it means, what to do."""

import dagster as dg

from padocc_dagster.pipeline.layout import Project
from padocc_dagster.pipeline.outcome import Outcome
from padocc_dagster.pipeline.process import follow
from padocc_dagster.pipeline.remedies import remedy_for


def attempt_of(context: dg.AssetExecutionContext) -> dict[str, str | bool]:
    """Who asks for a phase: the run, and whether Dagster repeats it because its worker died."""
    return {"run": context.run.root_run_id or context.run.run_id, "resumed": "dagster/retry_number" in context.run.tags}


def require(project: Project, outcome: Outcome) -> Outcome:
    """Return the outcome of a phase that passed; raise Failure for one that did not. A phase is never retried as it was."""
    if outcome.passed:
        return outcome
    follow(outcome.status)
    remedy = remedy_for(outcome.error_class)
    raise dg.Failure(
        description=(
            f"{outcome.phase} of {project} {outcome.verdict}: {outcome.error_class}: {outcome.message or outcome.status}\n"
            f"It means that {remedy.meaning}.\nWhat to do: {remedy.advice}."
        ),
        metadata={
            "error class": outcome.error_class or "",
            "status": outcome.status,
            "what to do": remedy.advice,
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
