"""The working directory of a command, and how it reports what is wrong."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from padocc_dagster.pipeline.workdir.layout import Workdir

WorkdirOption = Annotated[
    Path,
    typer.Option("-w", "--workdir", envvar="WORKDIR", help="The PADOCC working directory.", file_okay=False, show_default=False),
]


@contextmanager
def sentences(*errors: type[Exception]) -> Iterator[None]:
    """Print what is wrong on stderr and end with status 1: of these errors, OSError and ValueError."""
    try:
        yield
    except (OSError, ValueError, *errors) as error:  # type: ignore[misc]  # mypy does not read what is unpacked here
        typer.echo(f"padocc-dagster: {error}", err=True)
        raise typer.Exit(1) from None


def place_of(workdir: Path) -> "Workdir":
    """The working directory, which is there. Raises ValueError with a sentence for one that is not, or whose path is not safe."""
    from padocc_dagster.pipeline.workdir.layout import Workdir

    place = Workdir(Path(os.path.abspath(workdir)))
    if not place.root.is_dir():
        raise ValueError(f"{place.root} is not a directory: name a PADOCC working directory with -w or WORKDIR")
    return place


def instance_of(place: "Workdir") -> "DagsterInstance | None":
    """The instance of the working directory; None where it has none. Raises ValueError for one that cannot be opened."""
    from padocc_dagster.services.home import Home
    from padocc_dagster.services.instance import InstanceProblem, open_instance
    from padocc_dagster.slurm.yaml_fields import NotRead, load

    home = Home(place)
    if not home.settings.exists():
        return None
    try:
        return open_instance(home.root, load(home.settings))
    except (InstanceProblem, NotRead) as problem:
        raise ValueError(f"{home.settings}: {problem}") from None


def place_with(workdir: Path, group: str) -> "Workdir":
    """The working directory, which has the group. Raises ValueError as `place_of` does, and with the groups that are there."""
    from padocc_dagster.pipeline.workdir.groups import list_groups

    place = place_of(workdir)
    if group not in (groups := list_groups(place)):
        there = f"there are {', '.join(groups)}" if groups else "it has no groups yet"
        raise ValueError(f"{place.root} has no group {group!r}: {there}")
    return place
