"""withdraw, accept."""

from typing import Annotated

import typer

from padocc_dagster.commands import ask

RevisionOption = Annotated[str | None, typer.Option(help="The revision, as k1.0; needed where several are published.", show_default=False)]


@ask.step("withdraw_products")
def withdraw(revision: RevisionOption = None) -> ask.Config:
    """Take published products back: each is moved aside, a note says why, and its revision is never published again."""
    return {"revision": revision}


@ask.step("accept_changed_sources")
def accept(revision: RevisionOption = None) -> ask.Config:
    """Accept that sources of published products changed. Refused where the values are not equal any more."""
    return {"revision": revision}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    ask.register(app, withdraw, accept)
