"""faultlist add, faultlist list, faultlist remove."""

from typing import Annotated

import typer

from padocc_dagster.actions.faultlist import FAULTLIST, UNFAULTLIST
from padocc_dagster.commands import ask
from padocc_dagster.commands.place import WorkdirOption, place_of, sentences

faultlist = typer.Typer(help="Projects that were given up on, with the reasons.", no_args_is_help=True)


@faultlist.command("list")
def show(
    workdir: WorkdirOption,
    group: Annotated[str | None, typer.Argument(help="One group. Without it, all groups.", show_default=False)] = None,
    of_group: Annotated[str | None, typer.Option("--group", hidden=True)] = None,
) -> None:
    """Print the projects that were given up on, with the reasons."""
    group = group or of_group
    with sentences():
        from padocc_dagster.pipeline.workdir.groups import faultlist as listed
        from padocc_dagster.pipeline.workdir.groups import list_groups

        place = place_of(workdir)
        known = list_groups(place)
        if group is not None and group not in known:
            raise ValueError(f"{place.root} has no group {group!r}: there are {', '.join(known) or 'none yet'}")
        found = [f"{name}:{code}: {reason}" for name in ([group] if group else known) for code, reason in listed(place, name).items()]
        typer.echo("\n".join(found) or "No project is on the faultlist.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, step in {"add": FAULTLIST, "remove": UNFAULTLIST}.items():
        faultlist.command(name)(ask.command_of(name, step))
    app.add_typer(faultlist, name="faultlist", rich_help_panel=ask.PANEL)
