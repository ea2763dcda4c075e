"""A manual step as a command: the step's own options, with those that all steps share around them, ask for the step's job.

@step("tick_projects")
def tick() -> Config:
    \"\"\"The help.\"\"\"
    return {}
"""

import getpass
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from padocc_dagster.commands.place import WorkdirOption, place_of, sentences
from padocc_dagster.pipeline.remedies.words import BY_EYE

Config = dict[str, Any]
Step = Callable[..., None]
PANEL = "Manual steps"

PROJECTS = {
    "projects": (
        list[str] | None,
        typer.Argument(help="Keys GROUP:PROJECT, or 'GROUP:*' for a whole group (in quotes).", show_default=False),
    ),
    "group": (str | None, typer.Option(help="Only projects of this group.", show_default=False)),
    "phase": (str | None, typer.Option(help="Only projects whose last phase is this.", show_default=False)),
    "outcome": (str | None, typer.Option(help="Only projects whose last phase ended so: ok, warned, failed, skipped.", show_default=False)),
    "error_class": (str | None, typer.Option(help="Only projects that stopped with this error class.", show_default=False)),
}
WhoOption = Annotated[str | None, typer.Option(help="Who takes the step.  [default: the user's name]", show_default=False)]
WhyOption = Annotated[str, typer.Option(help="The reason, kept with every project touched.", show_default=False)]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]


def step(job: str, about_projects: bool = True) -> Callable[[Callable[..., Config]], Step]:
    """Make a command of a function that returns the step's own config, without what was not given.

    The command takes the function's options, those that say which projects, unless the step is not about projects, and who, why and
    `--dry-run`.
    """

    def made(own: Callable[..., Config]) -> Step:
        def command(workdir: Path, why: str, who: str | None, dry_run: bool, **given: Any) -> None:
            chosen = {name: given.pop(name) for name in PROJECTS} if about_projects else {}
            asked = {"who": who or getpass.getuser(), "why": why, "dry_run": dry_run}
            with sentences():
                if why == BY_EYE:
                    raise ValueError(f"--why {BY_EYE!r} stands for your own reason: write that instead")
                config = {name: value for name, value in {**chosen, **own(**given)}.items() if value not in (None, False)}
            ask(workdir, job, {**config, **asked})

        _show_options(command, own, about_projects)
        return command

    return made


def ask(workdir: Path, job: str, config: Mapping[str, Any]) -> None:
    """Take the step, print what it did and did not do, and end with 1 unless all was done."""
    from padocc_dagster.commands.perform import perform
    from padocc_dagster.services.home import Home

    with sentences():
        performed = perform(Home(place_of(workdir)), job, config)
    for project, what in performed.done.items():
        typer.echo(f"{project}: {what}")
    if performed.failure:
        typer.echo(f"padocc-dagster: {performed.failure}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(performed.done)} project(s){': ' + performed.note if performed.note else ''}")


def register(app: typer.Typer, *steps: Step) -> None:
    """Add steps to the command line."""
    for command in steps:
        app.command(rich_help_panel=PANEL)(command)


def _show_options(command: Step, own: Callable[..., Config], about_projects: bool) -> None:
    """Give the command the name, the help and the options that typer is to see."""
    kind = inspect.Parameter.KEYWORD_ONLY
    projects = {name: inspect.Parameter(name, kind, default=None, annotation=Annotated[hint]) for name, hint in PROJECTS.items()}
    parameters = {
        **(projects if about_projects else {}),
        **inspect.signature(own).parameters,
        "why": inspect.Parameter("why", kind, annotation=WhyOption),
        "who": inspect.Parameter("who", kind, default=None, annotation=WhoOption),
        "workdir": inspect.Parameter("workdir", kind, annotation=WorkdirOption),
        "dry_run": inspect.Parameter("dry_run", kind, default=False, annotation=DryRunOption),
    }
    command.__name__, command.__doc__ = own.__name__, own.__doc__
    signature = inspect.Signature([each.replace(kind=kind) for each in parameters.values()])
    command.__signature__ = signature  # type: ignore[attr-defined]  # where inspect looks first
    command.__annotations__ = {name: each.annotation for name, each in parameters.items()}
