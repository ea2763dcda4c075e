"""check."""

import os
import shlex
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
                raise ValueError("\n".join([str(rejected), *_other_lines(path, rejected)])) from None
            _part(path, good, bad, rejected)
            raise typer.Exit(1) from None
        for project in config.projects:
            typer.echo(f"{project.code}: {len(project.files)} files, {project.options.cloud_format}")
        typer.echo(f"{file} is a good config of the group {config.group}: {len(config.projects)} projects.")
        if good:
            typer.echo(f"No project is bad, so neither {good} nor {bad} was written.")
        watch = f"padocc-dagster status {config.group} --watch"
        typer.echo(f"Nothing was made: copy it into WORKDIR/inbox/, and watch it with `{watch}`.")


def _other_lines(path: Path, rejected: "ConfigRejected") -> list[str]:
    """A sentence on the lines that are good, for a CSV that can be parted."""
    from padocc_dagster.selection.split import NotSplit, split
    from padocc_dagster.selection.text import read_text

    try:
        parted = split(read_text(path, "the group config"), rejected.problems) if path.suffix.lower() == ".csv" else None
    except NotSplit:
        return []
    if not parted or not parted.good_count:
        return []
    command = f"padocc-dagster check {shlex.quote(path.name)} --good good.csv --bad bad.csv"
    return [f"The other {parted.good_count} project(s) are good. To begin with those, part the file: `{command}`"]


def _refuse_targets(path: Path, good: Path, bad: Path) -> None:
    """Raises ValueError for a config that cannot be parted, and for files that may not be written."""
    if path.suffix.lower() != ".csv":
        raise ValueError(f"{path.name} is no CSV: without --good and --bad, each problem is printed with its line; take those entries out")
    if os.path.abspath(good) == os.path.abspath(bad):
        raise ValueError(f"--good and --bad are the same file {good}: name two")
    for each in (good, bad):
        if each.suffix.lower() != ".csv":
            raise ValueError(f"{each} holds a CSV: call it so, as in {each.stem}.csv")
        if os.path.lexists(each):
            raise ValueError(f"{each} is there already: remove it, or name another file")
        if Path(os.path.abspath(each)).parent.name == "inbox":
            raise ValueError(f"{each} is in an inbox, where it is read as the config of a group {each.stem}: name another folder")


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
    add = f'padocc-dagster add {shlex.quote(str(bad))} --group {shlex.quote(path.stem)} --why "corrected"'
    for target, text in ((good, parted.good), (bad, f"# Correct these lines, then: {add}\n{parted.bad}")):
        write_text(Path(os.path.abspath(target)), text)
    if {Path(os.path.abspath(each)).parent for each in (good, bad)} != {path.parent} and not _mean_the_same(good, bad, rejected):
        good.unlink()
        bad.unlink()
        raise ValueError(
            f"{path.name} has paths that start at its folder: write both files into {path.parent}, where they lead to the same"
        )
    typer.echo(f"{good}: {parted.good_count} good projects. A group is called as its file: copy it to WORKDIR/inbox/{path.name}")
    typer.echo(f"{bad}: {parted.bad_count} projects, each below its problems ({len(rejected.problems)}). Correct it, and check it again;")
    typer.echo(f"then add them with `{add}`.")


def _mean_the_same(good: Path, bad: Path, rejected: "ConfigRejected") -> bool:
    """Whether the files, in another folder, are as good and as bad as their rows were."""
    from padocc_dagster.selection import ConfigRejected, read_group_config

    def problems(file: Path) -> int:
        try:
            read_group_config(Path(os.path.abspath(file)))
        except ConfigRejected as found:
            return len(found.problems)
        return 0

    return problems(good) == 0 and problems(bad) <= len(rejected.problems)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(check)
