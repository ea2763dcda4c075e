"""transfer, merge, split, remove, add."""

import os
from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.commands import ask
from padocc_dagster.commands.place import WorkdirOption


@ask.step("transfer_projects")
def transfer(to: Annotated[str, typer.Option(help="The group that the projects are brought to.", show_default=False)]) -> ask.Config:
    """Bring projects to another group that is there. Nothing of them is run again; what is published stays."""
    return {"to": to}


@ask.step("merge_groups", about_projects=False)
def merge(
    group: Annotated[str, typer.Argument(help="The group that goes.", show_default=False)],
    into: Annotated[str, typer.Option(help="The group that has all projects afterwards.", show_default=False)],
) -> ask.Config:
    """Bring all projects and subsets of a group to another."""
    return {"merged": group, "into": into}


@ask.step("split_group")
def split(into: Annotated[str, typer.Option(help="The name of the new group.", show_default=False)]) -> ask.Config:
    """Bring projects into a new group of their own."""
    return {"into": into}


@ask.step("remove_projects")
def remove(
    keep_files: Annotated[bool, typer.Option("--keep-files", help="Leave the working files, to add the projects back later.")] = False,
) -> ask.Config:
    """Take projects out of their groups and delete their working files. What is published stays."""
    return {"keep_files": keep_files}


@ask.step("add_projects", about_projects=False)
def add_config(path: str, group: str) -> ask.Config:
    """Add the projects of a group config."""
    return {"path": path, "group": group}


@ask.step("add_back_projects", about_projects=False)
def add_back(projects: list[str]) -> ask.Config:
    """Add projects back."""
    return {"projects": projects}


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
    shared = {"workdir": workdir, "why": why, "who": who, "dry_run": dry_run}
    if group is None and any(Path(each).suffix.lower() in (".csv", ".yaml", ".yml") for each in what):
        raise typer.BadParameter("say which group the config's projects are added to, with --group")
    if group is None:
        add_back(projects=what, **shared)
    elif len(what) == 1:
        add_config(path=os.path.abspath(what[0]), group=group, **shared)
    else:
        raise typer.BadParameter("name one group config with --group, or keys GROUP:PROJECT without it")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    ask.register(app, transfer, merge, split, remove, add)
