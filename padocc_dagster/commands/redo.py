"""rescan, recompute, revalidate."""

from enum import Enum
from typing import Annotated

import typer

from padocc_dagster.commands import ask
from padocc_dagster.pipeline.spec import AGGREGATORS, CLOUD_FORMATS

CloudFormat = Enum("CloudFormat", {name: name for name in CLOUD_FORMATS})  # type: ignore[misc]  # members known at run time
Aggregator = Enum("Aggregator", {name: name for name in AGGREGATORS})  # type: ignore[misc]

TimeOption = Annotated[str | None, typer.Option(help="Wall time for each run on SLURM, as in 02:00:00.", show_default=False)]
MemoryOption = Annotated[str | None, typer.Option(help="Memory for each run on SLURM, as in 16G.", show_default=False)]


@ask.step("rescan_projects")
def rescan(time: TimeOption = None, memory: MemoryOption = None) -> ask.Config:
    """Scan projects again. What lies downstream follows by itself."""
    return {"time": time, "memory": memory}


@ask.step("recompute_projects")
def recompute(
    cloud_format: Annotated[CloudFormat | None, typer.Option(help="Else as it is.", show_default=False)] = None,
    aggregator: Annotated[
        Aggregator | None, typer.Option(help="VirtualiZarr or MultiZarrToZarr; else as chosen before, or V, then K.", show_default=False)
    ] = None,
    new_version: Annotated[bool, typer.Option("--new-version", help="Keep the present product.")] = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Find order and dimensions anew.")] = False,
    time: TimeOption = None,
    memory: MemoryOption = None,
) -> ask.Config:
    """Make products again, with other options, more time or more memory. Validation and publication follow by themselves."""
    named = {"cloud_format": cloud_format and cloud_format.value, "aggregator": aggregator and aggregator.value}
    return {**named, "new_version": new_version, "thorough": thorough, "time": time, "memory": memory}


@ask.step("revalidate_projects")
def revalidate(time: TimeOption = None, memory: MemoryOption = None) -> ask.Config:
    """Validate products again."""
    return {"time": time, "memory": memory}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    ask.register(app, rescan, recompute, revalidate)
