"""Shared by the commands that read about one project: its key."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.place import place_of

if TYPE_CHECKING:
    from padocc_dagster.pipeline.workdir.layout import Project, Workdir

KeyArgument = Annotated[str, typer.Argument(metavar="GROUP:PROJECT", help="The project's key.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def one_project(workdir: Path, key: str) -> "tuple[Workdir, Project]":
    """The project of that key. Raises ValueError with a sentence for a folder, a group or a project that is not there."""
    from padocc_dagster.pipeline.steps.choice import Choice, chosen

    place = place_of(workdir)
    projects = chosen(place, Choice(projects=(key,)))
    if len(projects) != 1 or key.endswith(":*"):
        raise ValueError(f"{key} means {len(projects)} projects: write GROUP:PROJECT, one at a time")
    return place, projects[0]
