"""The command line, `padocc-dagster`: options and sentences. The work is done elsewhere.

Exit status: 0 when all is well, 1 when something is wrong with the data or the working directory, 2 for wrong arguments.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from padocc_dagster.commands import (
    adopt,
    audit,
    check,
    compare,
    estimate,
    explain,
    faultlist,
    metrics,
    opening,
    purge,
    report,
    select,
    status,
    steps,
    up,
    web,
)
from padocc_dagster.commands.place import WorkdirOption

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for serving in (up, web):  # the first that `--help` lists
    serving.register(app)

PORT_HELP = "The port of the web server."


def _version(wanted: bool) -> None:
    from importlib.metadata import version

    if wanted:
        typer.echo(f"padocc-dagster {version('padocc-dagster')}, PADOCC {version('padocc')}, Dagster {version('dagster')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions of this package, PADOCC and Dagster.")
    ] = False,
) -> None:
    """PADOCC as Dagster assets: group configs in, published products out."""


@contextmanager
def _sentences() -> Iterator[None]:
    """Print what is wrong on stderr and end with status 1."""
    from padocc_dagster.demo.data import DemoError
    from padocc_dagster.selection import ConfigRejected
    from padocc_dagster.services.supervisor import ServicesError

    try:
        yield
    except (ConfigRejected, DemoError, OSError, ServicesError, ValueError) as error:
        typer.echo(f"padocc-dagster: {error}", err=True)
        raise typer.Exit(1) from None


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


@app.command()
def doctor(
    workdir: WorkdirOption,
    job: Annotated[bool, typer.Option("--job/--no-job", help="On SLURM, run a tiny job to see what a compute node sees.")] = True,
    wait: Annotated[int, typer.Option(min=1, help="How many seconds that job may take to start and end.")] = 300,
) -> None:
    """Check a deployment before anything runs: folders, settings, database and, on SLURM, the cluster and one of its nodes.

    Prints a line for each: ok, or what to do. Ends with 0 only if nothing is wrong.
    """
    from rich.console import Console

    from padocc_dagster.doctor.examination import examine
    from padocc_dagster.doctor.line import show
    from padocc_dagster.pipeline.workdir.layout import Workdir
    from padocc_dagster.services.home import Home

    with _sentences():
        good = show(examine(Home(Workdir(_absolute(workdir))), job, wait), Console())
    raise typer.Exit(0 if good else 1)


@app.command()
def demo(
    directory: Annotated[Path, typer.Option(help="The demo's own folder. A folder of an earlier demo is replaced.")] = Path("demo"),
    port: Annotated[int | None, typer.Option(min=1, max=65535, help=f"{PORT_HELP} Without it, a free one.", show_default=False)] = None,
    stay: Annotated[
        bool | None,
        typer.Option("--stay/--no-stay", help="Go on serving until Ctrl-C. Without it, only in a terminal.", show_default=False),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="A dagster.yaml for its instance; that of one machine if none.", exists=True, dir_okay=False, show_default=False),
    ] = None,
) -> None:
    """Take five projects of real data from source files, and from a STAC catalogue, to published products, in a running instance.

    Three are published; one stops at compute and one at scan, as they should. Ends with 0 only if all that is so and the products
    equal their source files.
    """
    from padocc_dagster.demo.run import run_demo

    with _sentences():
        good = run_demo(_absolute(directory), port, sys.stdout.isatty() if stay is None else stay, settings)
    raise typer.Exit(0 if good else 1)


for commands in (check, status, adopt, select, steps, faultlist, explain, opening, estimate, report, metrics, compare, audit, purge):
    commands.register(app)

if __name__ == "__main__":
    app()
