"""What the commands share that read about one project: which one is meant, and refusals in a sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from padocc_dagster.pipeline.layout import Project, Workdir

KeyArgument = Annotated[str, typer.Argument(metavar="GROUP:PROJECT", help="The project's key.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def sentences() -> Iterator[None]:
    """Print what is wrong on stderr and end with status 1."""
    try:
        yield
    except (OSError, ValueError) as error:
        typer.echo(f"padocc-dagster: {error}", err=True)
        raise typer.Exit(1) from None


def one_project(workdir: Path, key: str) -> "tuple[Workdir, Project]":
    """The project of that key. Raises ValueError with a sentence for a folder, a group or a project that is not there."""
    from padocc_dagster.pipeline.layout import Workdir
    from padocc_dagster.pipeline.steps.choice import Choice, chosen

    place = Workdir(Path(os.path.abspath(workdir)))
    if not place.root.is_dir():
        raise ValueError(f"{place.root} is not a directory: name a PADOCC working directory with -w or WORKDIR")
    projects = chosen(place, Choice(projects=(key,)))
    if len(projects) != 1 or key.endswith(":*"):
        raise ValueError(f"{key} means {len(projects)} projects: write GROUP:PROJECT, one at a time")
    return place, projects[0]
