"""transfer, merge, split, remove, add."""

import os
from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.commands import ask


def transfer(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    to: Annotated[str, typer.Option(help="The group that the projects are brought to.", show_default=False)],
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Bring projects to another group that is there. Nothing of them is run again; what is published stays."""
    chosen = ask.choice(projects, group, phase, outcome, error_class)
    ask.ask(workdir, "transfer_projects", {**chosen, **ask.by(who, why, dry_run), "to": to})


def merge(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    group: Annotated[str, typer.Argument(help="The group that goes.", show_default=False)],
    into: Annotated[str, typer.Option(help="The group that has all projects afterwards.", show_default=False)],
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Bring all projects and subsets of a group to another."""
    ask.ask(workdir, "merge_groups", {**ask.by(who, why, dry_run), "merged": group, "into": into})


def split(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    into: Annotated[str, typer.Option(help="The name of the new group.", show_default=False)],
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Bring projects into a new group of their own."""
    chosen = ask.choice(projects, group, phase, outcome, error_class)
    ask.ask(workdir, "split_group", {**chosen, **ask.by(who, why, dry_run), "into": into})


def remove(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    projects: ask.ProjectsArgument = None,
    group: ask.GroupOption = None,
    phase: ask.PhaseOption = None,
    outcome: ask.OutcomeOption = None,
    error_class: ask.ErrorClassOption = None,
    keep_files: Annotated[bool, typer.Option("--keep-files", help="Leave the working files, to add the projects back later.")] = False,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Take projects out of their groups and delete their working files. What is published stays."""
    chosen = ask.choice(projects, group, phase, outcome, error_class)
    ask.ask(workdir, "remove_projects", {**chosen, **ask.by(who, why, dry_run), "keep_files": keep_files})


def add(
    workdir: ask.WorkdirOption,
    why: ask.WhyOption,
    what: Annotated[
        list[str], typer.Argument(help="A group config (CSV or YAML), or keys GROUP:PROJECT of projects removed with --keep-files.")
    ],
    group: Annotated[str | None, typer.Option(help="The group that the config's projects are added to.", show_default=False)] = None,
    who: ask.WhoOption = None,
    dry_run: ask.DryRunOption = False,
) -> None:
    """Add projects to a group that is there: new ones of a group config, or removed ones whose files were kept."""
    if group is None:
        ask.ask(workdir, "add_back_projects", {**ask.by(who, why, dry_run), "projects": what})
    elif len(what) == 1:
        ask.ask(workdir, "add_projects", {**ask.by(who, why, dry_run), "path": os.path.abspath(Path(what[0])), "group": group})
    else:
        raise typer.BadParameter("name one group config with --group, or keys GROUP:PROJECT without it")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (transfer, merge, split, remove, add):
        app.command()(command)
