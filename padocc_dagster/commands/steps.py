"""The manual steps that are commands as they are: each is made from the config class of the step."""

import os
from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.actions.adding import ADD, ADD_BACK
from padocc_dagster.actions.edit import EDIT
from padocc_dagster.actions.moves import MERGE, REMOVE, SPLIT, TRANSFER
from padocc_dagster.actions.published import ACCEPT, WITHDRAW
from padocc_dagster.actions.redo import RECOMPUTE, RESCAN, REVALIDATE
from padocc_dagster.actions.rules import SET_RULES
from padocc_dagster.actions.select_again import SELECT_AGAIN
from padocc_dagster.actions.tick import TICK, UNTICK
from padocc_dagster.commands import ask
from padocc_dagster.commands.place import WorkdirOption, place_of, sentences

COMMANDS = {
    "edit": EDIT,
    "rescan": RESCAN,
    "recompute": RECOMPUTE,
    "revalidate": REVALIDATE,
    "tick": TICK,
    "untick": UNTICK,
    "withdraw": WITHDRAW,
    "accept": ACCEPT,
    "transfer": TRANSFER,
    "merge": MERGE,
    "split": SPLIT,
    "remove": REMOVE,
    "select-again": SELECT_AGAIN,
}


def add(
    workdir: WorkdirOption,
    why: ask.WhyOption,
    what: Annotated[
        list[str], typer.Argument(help="A group config (CSV or YAML), or keys GROUP:PROJECT of projects removed with --keep-files.")
    ],
    group: Annotated[str | None, typer.Option(help="The group that the config's projects are added to.", show_default=False)] = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Add projects to a group that is there: new ones of a group config, or removed ones whose files were kept."""
    shared = {"why": why, "who": who, "dry_run": dry_run}
    if group is None and any(Path(each).suffix.lower() in (".csv", ".yaml", ".yml") for each in what):
        raise typer.BadParameter("say which group the config's projects are added to, with --group")
    if group is not None and len(what) != 1:
        raise typer.BadParameter("name one group config with --group, or keys GROUP:PROJECT without it")
    step = ADD_BACK if group is None else ADD
    given = {"projects": what} if group is None else {"path": os.path.abspath(what[0]), "group": group}
    with sentences():
        config = ask.config_of(step, **given, **shared)
    ask.take(workdir, step, config)


def rules(
    workdir: WorkdirOption,
    group: Annotated[str, typer.Argument(help="The group.", show_default=False)],
    settings: Annotated[list[str] | None, typer.Option("--set", help="RULE=VALUE; RULE=off takes it away.", show_default=False)] = None,
    why: Annotated[str, typer.Option(help="The reason, kept with the rules.")] = "not given",
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Set what may be done unattended in a group, or show it.

    next_aggregator=true, formats=zarr, quarantine_after=N, complete_on_warnings=NAME,NAME (or none).
    """
    if settings:
        with sentences():
            config = ask.config_of(SET_RULES, group=group, settings=ask.pairs(settings), why=why, who=who, dry_run=dry_run)
        ask.take(workdir, SET_RULES, config)
        return
    with sentences():
        from padocc_dagster.pipeline.workdir.groups import list_groups
        from padocc_dagster.pipeline.workdir.layout import Project
        from padocc_dagster.pipeline.workdir.rules import read_rules

        Project.parse(f"{group}:any")
        place = place_of(workdir)
        if group not in (known := list_groups(place)):
            raise ValueError(f"{place.root} has no group {group!r}: there are {', '.join(known) or 'none yet'}")
        typer.echo("\n".join([f"Unattended in the group {group}:", *read_rules(place, group).sentences()]))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    ask.register(app, COMMANDS)
    for command in (add, rules):
        app.command(rich_help_panel=ask.PANEL)(command)
