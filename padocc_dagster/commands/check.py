"""check."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.place import sentences

if TYPE_CHECKING:
    from padocc_dagster.selection import ConfigRejected

FileArgument = Annotated[Path, typer.Argument(help="A group config, CSV or YAML.", exists=True, dir_okay=False, show_default=False)]
GoodOption = Annotated[
    Path | None, typer.Option(help="Write the projects without a problem to this new file. For a CSV.", show_default=False)
]
BadOption = Annotated[
    Path | None, typer.Option(help="Write the others to this new file, each below its problems.", dir_okay=False, show_default=False)
]


def check(file: FileArgument, good: GoodOption = None, bad: BadOption = None) -> None:
    """Check a group config without running it. Prints every problem with its line; nothing is written.

    With --good and --bad, a CSV with some bad lines is parted into two: the first can be used at once, the second be corrected.
    """
    from padocc_dagster.selection import ConfigRejected, read_group_config

    if (good is None) != (bad is None):
        raise typer.BadParameter("give both --good and --bad")
    path = Path(os.path.abspath(file))
    with sentences():
        if good and bad:
            _refuse_targets(path, good, bad)
        try:
            config = read_group_config(path)
        except ConfigRejected as rejected:
            if not good or not bad:
                raise
            _part(path, good, bad, rejected)
            raise typer.Exit(1) from None
        for project in config.projects:
            typer.echo(f"{project.code}: {len(project.files)} files, {project.options.cloud_format}")
        typer.echo(f"{file} is a good config of the group {config.group}: {len(config.projects)} projects.")
        if good:
            typer.echo(f"No project is bad, so neither {good} nor {bad} was written.")
        watch = f"padocc-dagster status {config.group} --watch"
        typer.echo(f"Nothing was made: copy it into WORKDIR/inbox/, and watch it with `{watch}`.")


def _refuse_targets(path: Path, good: Path, bad: Path) -> None:
    """Raises ValueError for files that cannot be written, or not be read again as what they are."""
    if path.suffix.lower() != ".csv":
        raise ValueError(f"{path.name} is no CSV: without --good and --bad, each problem is printed with its line; take those entries out")
    if os.path.abspath(good) == os.path.abspath(bad):
        raise ValueError(f"--good and --bad are the same file {good}: name two")
    for each in (good, bad):
        if each.suffix.lower() != ".csv":
            raise ValueError(f"{each} holds a CSV: call it so, as in {each.stem}.csv")
        if os.path.lexists(each):
            raise ValueError(f"{each} is there already: remove it, or name another file")
        if Path(os.path.abspath(each)).parent != path.parent:
            raise ValueError(f"{each} is in another folder than {path.name}, from which relative paths start: put it into {path.parent}")


def _part(path: Path, good: Path, bad: Path, rejected: "ConfigRejected") -> None:
    """Write both files, and say what is in them."""
    from padocc_dagster.pipeline.workdir.files import write_text
    from padocc_dagster.selection.split import NotSplit, split
    from padocc_dagster.selection.text import read_text

    try:
        parted = split(read_text(path, "the group config"), rejected.problems)
    except NotSplit as problem:
        raise ValueError(f"{path.name} cannot be parted. {problem}") from None
    if not parted.good_count:
        raise ValueError(f"{path.name} has no project without a problem, so nothing was written.\n{rejected}")
    write_text(good, parted.good)
    write_text(bad, parted.bad)
    typer.echo(f"{good}: {parted.good_count} good projects. A group is called as its file: copy it to WORKDIR/inbox/{path.name}")
    typer.echo(
        f"{bad}: {parted.bad_count} projects with {len(rejected.problems)} problems, each below its own. Correct it, and check it again;"
    )
    typer.echo(f'then add them with `padocc-dagster add {bad} --group {path.stem} --why "corrected"`.')


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(check)
