"""A manual step as a command, made from its config class: fields are options, and the step's result is printed.

Nothing is run in Dagster: the step changes files, and the conductor of the instance that serves the working directory sees that.
"""

import inspect
import json
import os
import pwd
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer

from padocc_dagster.commands.place import WorkdirOption, place_of, sentences
from padocc_dagster.pipeline.remedies.words import BY_EYE

if TYPE_CHECKING:
    from padocc_dagster.actions.step import ManualStep, StepConfig

PANEL = "Manual steps"
DRY_RUN = "dry run: nothing was changed"
WhoOption = Annotated[str | None, typer.Option(help="Who takes the step, if not you.  [default: your account]", show_default=False)]
WhyOption = Annotated[str, typer.Option(help="The reason, kept with every project touched.", show_default=False)]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
SHARED = ("who", "why", "dry_run")


def command_of(name: str, step: "ManualStep") -> Callable[..., None]:
    """The command of a step: an option for each field of its config, and who, why, `--dry-run` and the working directory."""
    fields = {field: info for field, info in step.config.model_fields.items() if field not in SHARED}

    def command(workdir: Path, why: str, who: str | None, dry_run: bool, **given: Any) -> None:
        with sentences():
            config = {field: _value(fields[field].annotation, value) for field, value in given.items() if value is not None}
            checked = config_of(step, who=who, why=why, dry_run=dry_run, **config)
        take(workdir, step, checked)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(
            field,
            kind,
            default=inspect.Parameter.empty if info.is_required() else False if info.annotation is bool else None,
            annotation=_option(field, info),
        )
        for field, info in fields.items()
    ]
    parameters += [
        inspect.Parameter("why", kind, annotation=WhyOption),
        inspect.Parameter("who", kind, default=None, annotation=WhoOption),
        inspect.Parameter("workdir", kind, annotation=WorkdirOption),
        inspect.Parameter("dry_run", kind, default=False, annotation=DryRunOption),
    ]
    command.__name__, command.__doc__ = name, step.description
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # where inspect looks first
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def config_of(step: "ManualStep", **given: Any) -> "StepConfig":
    """The step's config. Raises ValueError, a sentence for each problem."""
    from pydantic import ValidationError

    if given.get("why") == BY_EYE:
        raise ValueError(f"--why {BY_EYE!r} is a placeholder for your own reason: write that instead")
    try:
        return step.config.model_validate({**given, "who": given.get("who") or account()})
    except ValidationError as invalid:
        problems = (f"--{'.'.join(map(str, each['loc'])).replace('_', '-')}: {each['msg']}" for each in invalid.errors())
        raise ValueError("\n".join(problems)) from None


def account() -> str:
    """The name of the account that this process runs as, which no variable of the environment changes."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container
        return f"user id {os.getuid()}"


def take(workdir: Path, step: "ManualStep", config: "StepConfig") -> None:
    """Take the step, print what it did and did not do, and what follows. Ends with 1 unless all was done."""
    from padocc_dagster.pipeline.running.forked import FORK_SERVER
    from padocc_dagster.pipeline.workdir.step import StepRefused
    from padocc_dagster.services.home import Home

    with sentences():
        home = Home(place_of(workdir))
        if home.fork_socket.exists():  # of the running instance: a worker is there at once
            os.environ.setdefault(FORK_SERVER, str(home.fork_socket))
        try:
            result = step.take(home.workdir, config, account())
        except StepRefused as refused:
            raise ValueError(f"Nothing was changed.\n{refused}") from None
    for project, what in result.done.items():
        typer.echo(f"{project}: {what}")
    for note in result.notes:
        typer.echo(note)
    if result.not_done:
        left = "\n".join(f"{project}: {reason}" for project, reason in result.not_done.items())
        typer.echo(f"padocc-dagster: {result}:\n{left}", err=True)
    if config.dry_run:
        typer.echo(f"{len(result.done)} project(s): {DRY_RUN}")
    else:
        typer.echo(
            " ".join(
                [f"{len(result.done)} project(s).", *(_follows(home, step, {each.group for each in result.done}) if result.done else ())]
            )
        )
    if result.not_done:
        raise typer.Exit(1)


def register(app: typer.Typer, steps: Mapping[str, "ManualStep"]) -> None:
    """Add steps to the command line, by name."""
    for name, step in steps.items():
        app.command(name=name, rich_help_panel=PANEL)(command_of(name, step))


def _follows(home: Any, step: "ManualStep", groups: set[str]) -> list[str]:
    """Sentences on what follows and how to watch it, or that nothing follows because no instance is running."""
    from padocc_dagster.services.serving import is_served

    if not step.follows:
        return []
    if not is_served(home):
        command = f"padocc-dagster up -w {home.workdir.root}"
        return [f"Nothing follows until an instance serves {home.workdir.root}: start it with `{command}`."]
    page = home.read_address() if home.served_page().startswith("http") else f"`padocc-dagster web -w {home.workdir.root}`"
    group = f" {min(groups)}" if len(groups) == 1 else ""
    watch = f"padocc-dagster status{group} --watch -w {home.workdir.root}"
    return [step.follows, f"Watch it with `{watch}`, or in the browser ({page})."]


def _option(field: str, info: Any) -> Any:
    """The typer annotation of a field."""
    help_text = {"help": info.description, "show_default": False}
    hint, extra = info.annotation, info.json_schema_extra or {}
    if get_origin(hint) is dict:
        hint = list[str] if info.is_required() else list[str] | None
        return Annotated[hint, typer.Option(f"--{_flag(field)}", metavar="NAME=VALUE", **help_text)]
    if not info.is_required() and hint is not bool and get_origin(hint) is not UnionType:
        hint = hint | None
    if extra.get("argument"):
        return Annotated[hint, typer.Argument(**help_text)]
    return Annotated[hint, typer.Option(f"--{_flag(field)}", **help_text)]


def _flag(field: str) -> str:
    return field.replace("_", "-")


def _value(hint: Any, given: Any) -> Any:
    """A command-line value as the config takes it."""
    if get_origin(hint) is dict:
        return yaml_values(given) if get_args(hint)[1] is Any else pairs(given)
    return given.value if isinstance(given, Enum) else given


def pairs(setting: list[str]) -> dict[str, str]:
    """NAME=VALUE texts as a mapping."""
    return dict(text.partition("=")[::2] for text in setting)


def yaml_values(setting: list[str]) -> dict[str, Any]:
    """FIELD=VALUE texts as fields and plain values. Raises ValueError with a sentence for one that is none."""
    import yaml

    values: dict[str, Any] = {}
    for text in setting:
        name, equals, written = text.partition("=")
        if not equals or not name:
            raise ValueError(f"{text!r} sets nothing: write FIELD=VALUE, as in cloud_format=zarr")
        if name in values:
            raise ValueError(f"{name} is set twice: keep one")
        try:
            value = yaml.safe_load(written)
        except (yaml.YAMLError, ValueError):
            quotes = "put text with special characters in quotes, '\"like: this\"'"
            raise ValueError(f"the value of {name} is not valid YAML: {quotes}") from None
        if isinstance(value, date):
            value = written
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError(f"the value of {name} holds something that is neither text nor a number: put dates in quotes") from None
        values[name] = value
    return values
