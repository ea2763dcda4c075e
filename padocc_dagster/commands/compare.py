"""compare."""

import json
from typing import Annotated

import typer

from padocc_dagster.commands.one_project import JsonOption, KeyArgument, one_project
from padocc_dagster.commands.place import WorkdirOption, sentences

WithOption = Annotated[
    str | None,
    typer.Option("--with", help="A revision, as k1.0.  [default: the one before]", metavar="REVISION", show_default=False),
]


def compare(key: KeyArgument, workdir: WorkdirOption, revision: WithOption = None, as_json: JsonOption = False) -> None:
    """Show what changed from an earlier version of a project's product: variables, dimensions, attributes, values."""
    with sentences():
        from padocc_dagster.pipeline.depiction import changes
        from padocc_dagster.pipeline.depiction.revisions import to_compare_with

        place, project = one_project(workdir, key)
        to_compare_with(place, project, revision)
        rows = changes(place, project, revision).rows
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(compare)
