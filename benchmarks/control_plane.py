"""What Dagster and this package cost beside the phases: `python -m benchmarks.control_plane [PROJECTS …] [--postgres] [--launches 200]`.

By default 1 000, 10 000 and 50 000 projects, in state init and in groups of 5 000 that `.shpignore` holds back. One more group, of as many
projects as are to be launched, goes through the inbox and its real initialisation, then through phases that take no time
(`fake_phases.py`). After that the database gets what runs of all other projects would have left (`history.py`), and pages are loaded.

Prints JSON for each number of projects. The services are real: daemon, code server, web server.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import psutil
import yaml
from sqlalchemy import create_engine, text

from benchmarks.conductor import GROUP
from benchmarks.history import History
from benchmarks.idle import services_of
from benchmarks.pages import load_seconds
from benchmarks.usage import Usage, counted
from padocc_dagster.conductor.sync import materialization
from padocc_dagster.dagster_connections import keep_sqlite_open
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.runs import PARTITION, unfinished
from padocc_dagster.services.home import Home, first_settings
from padocc_dagster_tests.live.conftest import Live, free_port, start, stop
from padocc_dagster_tests.make_netcdf import Series, write
from padocc_dagster_tests.slurm.postgres import Postgres

FRESH, AT_ONCE, IDLE_SECONDS = "fresh", 100, 60.0
PAGES = {
    "asset graph": ("/locations/padocc_dagster/asset-groups/pipeline", "text=completed_product"),
    "asset": ("/assets/cloud_product?view=partitions", "text={key}"),
    "runs": ("/runs", "text=advance_project"),
}


def hold(workdir: Workdir, projects: int) -> list[str]:
    """Make projects in state init, in groups that are held back; their keys."""
    keys = []
    for begin in range(0, projects, GROUP):
        group, codes = f"g{begin // GROUP}", [f"p{number:05d}" for number in range(begin, min(begin + GROUP, projects))]
        for code in codes:
            path = workdir.status_log(Project(group, code))
            path.parent.mkdir(parents=True)
            path.write_text("init,Success,10:00 01/01/26,")
        write_lines(workdir.main_list(group), codes)
        (workdir.group_dir(group) / ".shpignore").touch()
        manage(workdir, group)
        keys += [f"{group}:{code}" for code in codes]
    return keys


def measure(projects: int, launches: int, postgres: Postgres | None, folder: Path, screenshots: str) -> dict[str, Any]:
    workdir = Workdir(folder / "work")
    home = Home(workdir)
    home.root.mkdir(parents=True)
    home.settings.write_text(_settings(postgres))
    with patch("os.fsync"):
        keys = hold(workdir, projects - launches)
    history = _history(home, postgres)
    _report_all(home, history, workdir, keys)
    port = free_port()
    with counted() as usage:
        with usage.joined():
            process = start(workdir.root, port)
        live = Live(workdir, folder, port, process)
        bench = Bench(live, history, usage, keys)
        try:
            with _player(workdir):
                return {"projects": projects, "database": "Postgres" if postgres else "SQLite", **bench.stretches(launches, screenshots)}
        finally:
            stop(process)
            live.instance.dispose()


def _settings(postgres: Postgres | None) -> str:
    settings = yaml.safe_load(first_settings(AT_ONCE))
    settings["run_launcher"] = {"module": "benchmarks.fake_phases", "class": "FakePhases"}
    settings["concurrency"]["runs"]["max_concurrent_runs"] = AT_ONCE
    if postgres:
        del settings["event_log_storage"]
        fields = {"hostname": "HOST", "db_name": "NAME", "username": "USER", "password": "PASSWORD"}
        database = {field: {"env": f"PADOCC_DAGSTER_DB_{name}"} for field, name in fields.items()}
        settings["storage"] = {"postgres": {"postgres_db": {**database, "port": postgres.port, "scheme": "postgresql+psycopg2"}}}
    return yaml.safe_dump(settings)


def _history(home: Home, postgres: Postgres | None) -> History:
    if postgres:
        names = postgres.environment()
        where = "{USER}:{PASSWORD}@{HOST}".format(**{name.rpartition("_")[2]: value.replace(" ", "%20") for name, value in names.items()})
        engine = create_engine(f"postgresql+psycopg2://{where}:{postgres.port}/{names['PADOCC_DAGSTER_DB_NAME']}")
        return History(engine, engine)
    files = home.root / "event_log.db", home.root / "history" / "runs.db"
    return History(*(create_engine(f"sqlite:///{file}", connect_args={"timeout": 60}) for file in files))


def _report_all(home: Home, history: History, workdir: Workdir, keys: list[str]) -> None:
    """Make the projects partitions, and report that they are initialised, as the conductor would have done."""
    with patch.dict(os.environ, DAGSTER_HOME=str(home.root)), dg.DagsterInstance.from_config(str(home.root)) as instance:
        for key in keys[::GROUP]:
            group = Project.parse(key).group
            add_projects(instance, group, [Project.parse(each).code for each in keys if each.startswith(f"{group}:")])
        instance.report_runless_asset_event(materialization(workdir, Project.parse(keys[0]), "init", 1))
    history.copy_report(keys[0], keys[1:])


@contextmanager
def _player(workdir: Workdir) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.fake_phases", str(workdir.root)])
    try:
        yield
    finally:
        process.terminate()
        process.wait()
        (workdir.root / "dagster" / "private" / "player.sock").unlink(missing_ok=True)


@dataclass
class Bench:
    """A served instance, and what has been measured of it."""

    live: Live
    history: History
    usage: Usage
    keys: list[str]
    found: dict[str, Any] = field(default_factory=dict)

    def stretches(self, launches: int, screenshots: str) -> dict[str, Any]:
        """All figures, one stretch after the other."""
        with self.stretch("settling"):
            self.live.wait("the conductor to be idle", lambda: _idle(self.live), 1800)
        size = _bytes(self.history)
        self.initialise(launches)
        with self.stretch("launching"):
            self.live.wait("all launches", lambda: _finished(self.live) >= launches, 1800)
        self.found["launching"] |= _rate(self.live)
        self.live.wait("the last run", lambda: not unfinished(self.live.instance))
        self.found["database bytes a project"] = round((_bytes(self.history) - size) / launches)
        self.copy_history()
        with self.stretch("idle"):
            time.sleep(IDLE_SECONDS)
        self.change(self.keys[::100])
        pages = {name: (path, selector.format(key=self.keys[0])) for name, (path, selector) in PAGES.items()}
        self.found["pages"] = load_seconds(self.live.url, pages, screenshots)
        self.found["memory MiB"] = {name: round(memory / 2**20) for name, (_, memory) in services_of(self.live.process).items()}
        return self.found

    def initialise(self, projects: int) -> None:
        write(self.live.sources / "one", Series())
        codes = [f"n{number:05d}" for number in range(projects)]
        ended = dg.RunsFilter(job_name="initialise_group", statuses=[dg.DagsterRunStatus.SUCCESS])
        with self.stretch("initialising"):
            self.live.drop(FRESH, [{"code": code, "pattern": f"{self.live.sources / 'one'}/*.nc"} for code in codes])
            self.live.wait("the group to be initialised", lambda: self.live.instance.get_runs(ended))

    def copy_history(self) -> None:
        """Give all other projects a run as one that was played."""
        played = dg.RunsFilter(job_name="advance_project", statuses=[dg.DagsterRunStatus.SUCCESS])
        run = self.live.instance.get_runs(played, limit=1)[0]
        self.history.copy_run(run.run_id, run.tags[PARTITION], self.keys)
        self.found["database bytes with the history"] = _bytes(self.history)

    def change(self, keys: Sequence[str]) -> None:
        with self.stretch("1 % changed"):
            began = time.time()
            for key in keys:
                with open(self.live.workdir.status_log(Project.parse(key)), "a") as file:
                    file.write("\nscan,Success,10:05 01/01/26,")
            self.live.wait("the changes to be seen", lambda: any(not tick["idle"] for tick in _all_ticks(self.live, began)))
            time.sleep(IDLE_SECONDS / 2)

    @contextmanager
    def stretch(self, name: str) -> Iterator[None]:
        """Measure what happens within the block: seconds, CPU seconds of all and of each service, ticks of the conductor."""
        began, used, all_used = time.time(), services_of(self.live.process), self.usage.cpu_seconds()
        yield
        services = {each: round(cpu - used.get(each, (0.0, 0))[0], 2) for each, (cpu, _) in services_of(self.live.process).items()}
        cpu = {"all": round(self.usage.cpu_seconds() - all_used, 2), **services}
        self.found[name] = {"wall": round(time.time() - began, 1), "cpu": cpu, "ticks": _ticks(self.live, began)}
        print(json.dumps({name: self.found[name]}), file=sys.stderr, flush=True)


def _finished(live: Live) -> int:
    return live.instance.get_runs_count(dg.RunsFilter(job_name="advance_project", statuses=[dg.DagsterRunStatus.SUCCESS]))


def _rate(live: Live) -> dict[str, float]:
    """How many runs the daemon launched, and how many a second between the first and the last launch."""
    filters = dg.RunsFilter(job_name="advance_project")
    kind = dg.DagsterEventType.RUN_STARTING
    times = sorted(
        record.timestamp
        for run in live.instance.get_runs(filters)
        for record in live.instance.get_records_for_run(run.run_id, of_type=kind).records
    )
    return {"launches": len(times), "launches a second": round((len(times) - 1) / (times[-1] - times[0]), 2)}


def _all_ticks(live: Live, since: float) -> list[dict[str, Any]]:
    """Ticks of the conductor that began and ended after that time."""
    states = [state for state in live.instance.all_instigator_state() if state.instigator_name == "conductor"]
    ticks = [tick for state in states for tick in live.instance.get_ticks(state.instigator_origin_id, state.selector_id, after=since)]
    ended = [tick for tick in ticks if tick.end_timestamp]
    return [{"seconds": (tick.end_timestamp or 0.0) - tick.timestamp, "idle": tick.status.value == "SKIPPED"} for tick in ended]


def _ticks(live: Live, since: float) -> dict[str, float]:
    seconds = [tick["seconds"] for tick in _all_ticks(live, since)]
    if not seconds:
        return {"number": 0}
    return {"number": len(seconds), "median": round(statistics.median(seconds), 2), "most": round(max(seconds), 2)}


def _idle(live: Live) -> bool:
    """Whether a tick of the last seconds had nothing to do, and no run is left."""
    ticks = _all_ticks(live, time.time() - 15)
    return bool(ticks) and all(tick["idle"] for tick in ticks) and not unfinished(live.instance)


def _bytes(history: History) -> int:
    if history.events.dialect.name == "postgresql":
        with history.events.begin() as connection:
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    for engine in (history.events, history.runs):
        with engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(PASSIVE)"))
    return sum(os.stat(str(engine.url.database)).st_size for engine in (history.events, history.runs))


@contextmanager
def _served(with_postgres: bool) -> Iterator[Postgres | None]:
    if not with_postgres:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres(Path(folder) / "server")
        postgres.create()
        try:
            with patch.dict(os.environ, postgres.environment()):
                yield postgres
        finally:
            postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", type=int, default=[1000, 10_000, 50_000])
    parser.add_argument("--launches", type=int, default=200)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--screenshots", default="", help="a folder for pictures of the pages")
    options = parser.parse_args()
    keep_sqlite_open()
    for projects in options.projects:
        with tempfile.TemporaryDirectory() as folder, _served(options.postgres) as postgres:
            load = [round(each, 1) for each in psutil.getloadavg()]
            found = measure(projects, options.launches, postgres, Path(folder), options.screenshots)
            print(json.dumps({"load before": load, **found}, indent=2), flush=True)


if __name__ == "__main__":
    main()
