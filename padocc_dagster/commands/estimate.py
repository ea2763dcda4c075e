"""estimate."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.one_project import JsonOption
from padocc_dagster.commands.place import WorkdirOption, place_with, sentences

if TYPE_CHECKING:
    from padocc_dagster.pipeline.running.forecast import Forecast


def estimate(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The group.", show_default=False)],
    workdir: WorkdirOption,
    at_once: Annotated[
        int | None,
        typer.Option(min=1, help="How many runs work at once.  [default: as in dagster.yaml, else one for each CPU]", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate what a group will still use: core-hours, memory, jobs and time, before and during its runs, with the error so far."""
    with sentences():
        from padocc_dagster.pipeline.running.forecast import forecast

        place = place_with(workdir, group)
        most, on_slurm = settings_of(place.root)
        found = forecast(place, group, at_once or most or os.cpu_count() or 1, on_slurm)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=1))
    else:
        _print(found)


def settings_of(root: Path) -> tuple[int | None, bool]:
    """How many runs may work at once by the instance's dagster.yaml (None for no limit, and without a file), and whether it uses SLURM."""
    from padocc_dagster.pipeline.workdir.layout import Workdir
    from padocc_dagster.services.home import Home
    from padocc_dagster.services.settings_file import most_at_once, wants_slurm
    from padocc_dagster.slurm.yaml_fields import NotRead, load

    path = Home(Workdir(root)).settings
    if not path.exists():
        return None, False
    try:
        values = load(path)
    except NotRead as error:
        raise ValueError(f"{path}: {error}") from None
    return (most_at_once(values), wants_slurm(values)) if isinstance(values, dict) else (None, False)


def _print(found: "Forecast") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    for name in ("done", "left", "core-hours used", "core-hours left", "error so far"):
        table.add_column(name, justify="right")
    for each in found.phases:
        error = "" if each.error is None else f"{100 * each.error:.0f} %"
        table.add_row(each.phase, str(each.done), str(each.left), f"{each.core_hours_used:.2f}", f"{each.core_hours_left:.2f}", error)
    Console(highlight=False).print(table)
    typer.echo(f"{found.group}: {found.projects} projects, {found.complete} complete, {found.stopped} wait for a person.")
    typer.echo(
        f"Used: {found.core_hours_used:.2f} core-hours. Left: {found.core_hours_left:.2f} core-hours in at most {found.jobs_left} jobs; "
        f"the largest holds about {found.memory_mib} MiB."
    )
    speed = f"at the speed of the last hour, {found.at_once:.3g} CPUs busy" if found.measured else f"with {found.at_once:.0f} runs at once"
    typer.echo(f"Time left: about {found.hours_left:.2f} hours {speed}.")
    if found.unscanned:
        typer.echo(f"{found.unscanned} projects are not scanned yet: they are estimated by the number and size of their files.")
    if found.unknown:
        typer.echo(f"{found.unknown} projects are left out, because their files cannot be read: see `padocc-dagster status {found.group}`.")
    if all(each.error is None for each in found.phases):
        typer.echo("Too few runs have ended to learn from: the figures are those of a model, and may be wrong several times over.")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(estimate)
