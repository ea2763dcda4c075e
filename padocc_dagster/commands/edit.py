"""edit."""

import json
from datetime import date
from typing import Annotated, Any

import typer

from padocc_dagster.commands import ask

SET_HELP = "FIELD=VALUE, any number of times: cloud_format=zarr, updates.title=New, concat_dims='[time]'. The value is YAML."
SetOption = Annotated[list[str] | None, typer.Option("--set", help=SET_HELP, show_default=False)]
RemoveOption = Annotated[
    list[str] | None,
    typer.Option("--remove", help="A field to take back to its default, or an entry: updates.title.", show_default=False),
]


@ask.step("edit_projects")
def edit(setting: SetOption = None, removing: RemoveOption = None) -> ask.Config:
    """Set or remove fields of projects' config. Scan and all that follows is done again, by one backfill.

    An edit stays until the group config is dropped into the inbox again: write it there as well to keep it.
    """
    return {"set": _values(setting or []), "remove": removing or []}


def _values(setting: list[str]) -> dict[str, Any]:
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


def register(app: typer.Typer) -> None:
    """Add these commands."""
    ask.register(app, edit)
