"""select."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.place import sentences

if TYPE_CHECKING:
    from padocc_dagster.selection.stac.select import Selection

EXAMPLES = 10

FileArgument = Annotated[Path, typer.Argument(help="A group config with a section stac.", exists=True, dir_okay=False, show_default=False)]
WorkdirOption = Annotated[
    Path | None,
    typer.Option("-w", "--workdir", envvar="WORKDIR", help="To show what has changed since the group was selected.", show_default=False),
]


def select(file: FileArgument, workdir: WorkdirOption = None) -> None:
    """Search the catalogue of a group config and show what it would bring. Nothing is made."""
    from padocc_dagster.selection import ConfigRejected, read_group_config

    with sentences():
        try:
            config = read_group_config(Path(os.path.abspath(file)))
        except ConfigRejected as rejected:
            if rejected.selection:
                _show(rejected.selection)
            raise
        if config.selection is None:
            raise ValueError(f"{file} has no section stac: `padocc-dagster check` shows what it would bring")
        _show(config.selection)
        if workdir is not None:
            _show_changes(workdir, config.group, config.selection)
    typer.echo(f"{file} is a good config of the group {config.group}. Nothing was made: drop it into the inbox.")


def _show(selection: "Selection") -> None:
    """Counts, the first projects, and the size where the catalogue or this machine knows it."""
    from padocc_dagster.pipeline.workdir.sources import readable_size
    from padocc_dagster.selection.stac.specs import size_of

    for chosen in selection.projects[:EXAMPLES]:
        files = sum(len(record.sources) for record in chosen.records)
        typer.echo(f"{chosen.code}: {len(chosen.records)} item(s), {files} file(s)")
    if (more := len(selection.projects) - EXAMPLES) > 0:
        typer.echo(f"… and {more} more")
    sources = [source for record in selection.records for source in record.sources]
    known, total = size_of(sources, selection.section.paths)
    size = readable_size(total) + ("" if known == len(sources) else f" in {known} of them")
    items = sum(len(chosen.records) for chosen in selection.projects)
    typer.echo(f"{len(selection.projects)} projects of {items} items with {len(sources)} files, {size}.")
    reasons = list(selection.left_out.values())
    for why in sorted(set(reasons)):
        typer.echo(f"Left out as {why}: {reasons.count(why)} items.")
    if not selection.whole:
        typer.echo(f"Not all items that match{f' ({selection.matched} by the catalogue)' if selection.matched else ''}.")


def _show_changes(workdir: Path, group: str, selection: "Selection") -> None:
    """What has changed since the group of that name was selected, if it was."""
    from padocc_dagster.pipeline.workdir.layout import Workdir
    from padocc_dagster.pipeline.workdir.selections import kept_selection
    from padocc_dagster.selection.stac.changes import changes_since

    before = kept_selection(Workdir(Path(os.path.abspath(workdir))), group)
    if before is None:
        return
    changes = changes_since(before, selection)
    typer.echo(f"Since {before['selected']}: {len(changes)} project(s) have changed.")
    for change in changes[:EXAMPLES]:
        typer.echo(f"  {change.code}: {change}")
    if len(changes) > EXAMPLES:
        typer.echo(f"  … and {len(changes) - EXAMPLES} more")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(select)
