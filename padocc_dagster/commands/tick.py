"""tick, untick."""

import typer

from padocc_dagster.commands import ask


@ask.step("tick_projects")
def tick() -> ask.Config:
    """Accept what PADOCC's validation said of products that equal their sources. Publication follows, the tick in its report."""
    return {}


@ask.step("untick_projects")
def untick() -> ask.Config:
    """Take ticks back, of products that are not published yet."""
    return {}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    ask.register(app, tick, untick)
