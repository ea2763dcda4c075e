"""What a failure means and what to do about it, as metadata; the texts come from `pipeline/remedies`."""

from typing import Any

import dagster as dg

from padocc_dagster.pipeline.remedies import Explanation, commands_for, remedy_for
from padocc_dagster.pipeline.workdir.layout import Project, Workdir


def advice_on(workdir: Workdir, project: Project, failure: str, phase: str) -> dict[str, Any]:
    """The metadata for a status or an error class of one project."""
    explanation = remedy_for(failure)
    return advice_metadata(explanation, commands_for(workdir, project, explanation, phase, failure))


def advice_metadata(explanation: Explanation, remedies: list[tuple[str, str]]) -> dict[str, Any]:
    """What it means, and the remedies with the commands that try them, ready to paste."""
    listed = "\n\n".join(f"{number}. {sentence}:\n\n```\n{command}\n```" for number, (sentence, command) in enumerate(remedies, 1))
    return {
        "what it means": explanation.meaning,
        **({"what to do": dg.MetadataValue.md(listed)} if listed else {}),
    }


def commands_in_words(remedies: list[tuple[str, str]]) -> str:
    """The commands alone, a line each."""
    return "\n".join(f"  {command}" for _, command in remedies)
