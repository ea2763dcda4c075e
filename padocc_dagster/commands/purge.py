"""purge."""

from typing import Annotated

import typer

from padocc_dagster.commands.place import WorkdirOption, instance_of, place_of, sentences


def purge(
    workdir: WorkdirOption,
    older_than: Annotated[str, typer.Option(help="Remove runs that ended longer ago than this: days, as in 90d.")] = "365d",
    go: Annotated[bool, typer.Option("--go", help="Remove them. Without it, nothing is changed.")] = False,
) -> None:
    """Show which old runs Dagster need not keep and, with --go, remove them with their events and log files.

    What PADOCC wrote, the events beside it and the runs that are still needed stay.
    """
    with sentences():
        from padocc_dagster.conductor import purging

        days = purging.days_of(older_than)
        instance = instance_of(place_of(workdir))
        if instance is None:
            raise ValueError(f"{workdir} has no instance, so there are no runs: `padocc-dagster up` makes one")
        found = purging.purge(instance, days, dry_run=not go)
    typer.echo("\n".join(found.sentences(days, go)))
    if found.removed and not go:
        typer.echo("Nothing was changed: remove them with --go.")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(purge)
