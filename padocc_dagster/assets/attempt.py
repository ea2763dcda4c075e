"""A phase attempted from an asset: who asks for it, and how its failure is shown: what happened, what it means, what to do."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from padocc_dagster.assets.advice import advice_metadata, commands_in_words
from padocc_dagster.pipeline.due import NOT_DUE
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import Outcome
from padocc_dagster.pipeline.remedies import commands_for, remedy_for
from padocc_dagster.pipeline.workers.call import follow
from padocc_dagster.repeats import asking_run, is_repeat, is_unattended


def attempt_of(context: dg.AssetExecutionContext) -> dict[str, str | bool]:
    """Who asks for a phase: the run, whether Dagster repeats it because its worker died, and whether nobody asked but automation."""
    run = context.run
    return {"run": asking_run(context.instance, run), "resumed": is_repeat(run), "unattended": is_unattended(run)}


def require(workdir: Workdir, project: Project, outcome: Outcome, more: Callable[[], Mapping[str, Any]] = dict) -> Outcome:
    """Return the outcome of a phase that passed; raise Failure for one that did not. A phase is never retried as it was.

    `more` is asked for further metadata of a failure.
    """
    if outcome.passed:
        return outcome
    if outcome.error_class == NOT_DUE:
        raise dg.Failure(outcome.message, allow_retries=False)
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
