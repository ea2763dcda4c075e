"""explain."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.one_project import JsonOption, KeyArgument, one_project
from padocc_dagster.commands.place import WorkdirOption, sentences

if TYPE_CHECKING:
    from rich.console import Console

    from padocc_dagster.pipeline.steps.explained import Event, Explained

COLOURS = {"ok": "green", "warned": "yellow", "failed": "red", "skipped": "cyan"}
MOST_LINES = 20


LogOption = Annotated[bool, typer.Option("--log", help="Print the end of the phase's log as well, with the traceback of an error.")]


def explain(key: KeyArgument, workdir: WorkdirOption, log: LogOption = False, as_json: JsonOption = False) -> None:
    """Explain the state of a project: why, what that means, what was done to it, and the commands that may help."""
    with sentences():
        from padocc_dagster.pipeline.steps.explained import explained

        found = explained(*one_project(workdir, key))
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=1))
        return
    from rich.console import Console

    _print(found, Console(highlight=False, soft_wrap=True), log)


def _print(found: "Explained", console: "Console", log: bool) -> None:
    """The page, in the order in which people look for things."""
    from rich.text import Text

    since = f" since {found.since:%Y-%m-%d %H:%M}" if found.since else ""
    console.print(Text.assemble((found.project, "bold"), f": {found.phase} ", (found.outcome, COLOURS.get(found.outcome, "")), since))
    if found.why and found.outcome != "ok":
        console.print(Text(f"Why: {found.why}"))
    if found.meaning:
        console.print(Text(f"It means that {found.meaning}."))
    _section(console, "Published", found.published)
    _section(console, "Sources of published products are not as they should be", found.watch)
    _section(console, "Other versions", found.other_versions)
    if found.tick:
        _section(console, "Ticked", [f"by {found.tick.get('who')}: {found.tick.get('why')}"])
    _section(console, "Source files that are not like the others", found.odd_files)
    _section(console, "What differs from the sources", found.problems)
    _section(console, "What PADOCC's validation found", found.findings)
    _section(console, "History", [_line(event) for event in found.history], last=True)
    if found.remedies:
        console.print(Text("\nWhat to try:", style="bold"))
    for sentence, command in found.remedies:
        console.print(Text(f"- {sentence}:"))
        console.print(Text(f"    {command}", style="bold cyan"))

    if log:
        _section(console, f"The end of {found.log_path}", found.log_tail, last=True)
    elif found.log_tail:
        console.print(Text(f"\nIts log is {found.log_path}: --log prints the end."))


def _section(console: "Console", title: str, lines: "list[str] | tuple[str, ...]", last: bool = False) -> None:
    """A title and its lines; of many, the first, or with `last` the last."""
    from rich.text import Text

    if not lines:
        return
    console.print(Text(f"\n{title}:", style="bold"))
    left = len(lines) - MOST_LINES
    shown = lines[-MOST_LINES:] if last else lines[:MOST_LINES]
    if left > 0 and last:
        console.print(Text(f"  … {left} before"))
    for line in shown:
        console.print(Text(f"  {line}"))
    if left > 0 and not last:
        console.print(Text(f"  … {left} more"))


def _line(event: "Event") -> str:
    when = f"{event.when:%Y-%m-%d %H:%M}" if event.when else "----------------"
    who = f" (by {event.who}: {event.why})" if event.who else ""
    return f"{when}  {event.what}{who}"


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(explain)
