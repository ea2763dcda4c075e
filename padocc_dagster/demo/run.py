"""Drives the demo: makes its folder, serves it, drops the config into the inbox, waits, compares and reports."""

import os
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from padocc_dagster.demo.data import PROJECTS, DemoError, make_folder
from padocc_dagster.pipeline.workdir.files import write_text
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.status import project_state
from padocc_dagster.services import network
from padocc_dagster.services.home import Home
from padocc_dagster.services.serving import is_served, serving
from padocc_dagster.services.supervisor import Services
from padocc_dagster.status import Standing
from padocc_dagster.status.table import status_table

EXPECTED = {
    "a1b": ("complete", Verdict.OK),
    "e1": ("complete", Verdict.OK),
    "ostia": ("complete", Verdict.OK),
    "nemo": ("compute", Verdict.FAILED),
    "damaged": ("scan", Verdict.FAILED),
}
WAIT_SECONDS = 600.0
STALLED_SECONDS = 240.0
QUIET_SECONDS = 60.0
UNFINISHED = "{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED]}) { ... on Runs { results { runId } } } }"


def run_demo(folder: Path, port: int | None, stay: bool, settings: Path | None = None) -> bool:
    """Run the demo in its folder and say whether every project ended where it should, with products equal to their sources.

    `settings` is a dagster.yaml for its instance; without one, it is that of one machine.

    Raises DemoError, ServicesError or ValueError, with what to do, when it cannot be run here.
    """
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    workdir = Workdir(folder / "workdir")
    if is_served(Home(workdir)):
        raise DemoError(f"{folder} is served by a demo that still runs: end that first, or choose another with --directory")
    port = port or network.free_port()
    services = Services(workdir, port, say=console.print)
    services.check_port()
    console.print(f"Making source files in {folder} …")
    configs = make_folder(folder)
    if settings is not None:
        write_text(services.home.settings, settings.read_text(encoding="utf-8"))
    console.print("Starting Dagster …")
    with serving(services):
        console.print(f"{services.url} shows it at work.")
        for config in configs:
            _drop(config, workdir.inbox)
        _wait(services, console)
        rows = _standings(workdir)
        equal = not services.stopping.is_set() and _products_are_equal(folder, console)
        console.print(status_table(rows, console.width))
        good = _judge(rows, equal, console)
        console.print(f"Web page {services.url}\nPublished {workdir.completed}")
        console.print(f"Group configs {workdir.inbox}")
        if stay and not services.stopping.is_set():
            console.print("Serving until Ctrl-C.")
            services.watch()
    return good


def _drop(config: Path, inbox: Path) -> None:
    """Put the config into the inbox in one step: the sensor passes over names that begin with a dot."""
    beside = inbox / f".{config.name}"
    beside.write_bytes(config.read_bytes())
    os.replace(beside, inbox / config.name)


def _standings(workdir: Workdir) -> list[Standing]:
    return [Standing(project, project_state(workdir, project)) for project in PROJECTS.values()]


def _ended(row: Standing) -> bool:
    return row.state.verdict is Verdict.FAILED or (row.state.phase == "complete" and row.state.verdict is not None)


def _wait(services: Services, console: Console) -> None:
    """Show the projects move on until all have ended, nothing has moved for long, or somebody stops the demo."""
    started = changed = time.monotonic()
    seen = [("init", "new")] * len(PROJECTS)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not services.stopping.wait(1.0):
            services.revive()
            rows, now = _standings(services.home.workdir), time.monotonic()
            states = [(row.state.phase, row.state.outcome) for row in rows]
            if console.is_terminal:
                live.update(_progress(rows, now - started), refresh=True)
            else:
                for row, state, old in zip(rows, states, seen, strict=True):
                    if state != old:
                        console.print(f"{now - started:4.0f} s  {row.project.code}: {row.state.phase} {row.state.outcome}")
            if states != seen:
                seen, changed = states, now
            ended = all(map(_ended, rows)) and (_is_quiet(services.url) or now - changed > QUIET_SECONDS)
            if ended or now - started > WAIT_SECONDS or now - changed > STALLED_SECONDS:
                break
    console.print(f"{time.monotonic() - started:.0f} s after the configs were dropped.")


def _is_quiet(url: str) -> bool:
    """Whether no run is under way: a phase that failed is not tried in another way, and the group's subsets are written."""
    try:
        return not network.ask(url, UNFINISHED)["data"]["runsOrError"]["results"]
    except OSError:
        return False


def _progress(rows: list[Standing], seconds: float) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(row.project.code, row.state.phase, row.state.outcome)
    table.add_row(f"{seconds:.0f} s")
    return table


def _products_are_equal(folder: Path, console: Console) -> bool:
    """Open the published products with plain xarray in another process and compare every element with the source files."""
    command = [sys.executable, "-m", "padocc_dagster.demo.compare", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
    console.print(done.stdout.rstrip(), markup=False)
    return done.returncode == 0


def _judge(rows: list[Standing], equal: bool, console: Console) -> bool:
    wrong = [row for row in rows if (row.state.phase, row.state.verdict) != EXPECTED[row.project.code]]
    for row in wrong:
        phase, verdict = EXPECTED[row.project.code]
        console.print(f"{row.project.code} ended at {row.state.phase} ({row.state.outcome}), expected {phase} ({verdict.value}).")
    if not wrong and equal:
        console.print("Every project ended where it should: three published, equal to their source files; two stopped.")
    return not wrong and equal
