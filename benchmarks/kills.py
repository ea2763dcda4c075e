"""Kill the services and the workers of a live instance again and again, and count what was lost and what was done twice.

    python -m benchmarks.kills [--kills 100] [--projects 40] [--seed 1]

Projects of three small files go from the inbox to publication on one machine while the services, and the processes and keepers of runs,
are killed with SIGKILL, at moments drawn from the seed. At the end each project's phases are counted, in its files and in Dagster's events.
Takes about ten seconds a kill.
"""

import argparse
import collections
import contextlib
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import dagster as dg
import psutil

from padocc_dagster.local.records import Records
from padocc_dagster.partitions import PHASE_ASSETS
from padocc_dagster.pipeline.workdir.event_log import events_of
from padocc_dagster.pipeline.workdir.events import PhaseEnded, StartFailed
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster_tests.live.conftest import Live, free_port, start, stop
from padocc_dagster_tests.make_netcdf import Series

SERVICES = ("daemon", "code-server", "webserver", "fork-server")
PROCESSES = ("run", "keeper")
SERIES = Series(lengths=(4, 4, 4), lat=12, lon=12)
MOST_IN_A_MINUTE = 3
"""Kills of one service: with five the supervisor gives up."""
PATIENCE = 300
"""Seconds without another published project after which the rest counts as lost."""
GROUP = "killed"


def kill(live: Live, name: str, draw: random.Random) -> bool:
    """Whether there was something to kill: a service may be on its way up."""
    if name in SERVICES:
        with contextlib.suppress(AssertionError):
            live.kill(name)
            return True
        return False
    for keeper in draw.sample(keepers := list(Records(live.workdir.root / "dagster").keepers().values()), len(keepers)):
        with contextlib.suppress(psutil.NoSuchProcess):
            chosen = psutil.Process(keeper) if name == "keeper" else next(iter(psutil.Process(keeper).children()), psutil.Process(keeper))
            os.kill(chosen.pid, signal.SIGKILL)
            return True
    return False


def main(kills: int, projects: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "work").mkdir()
        port = free_port()
        live = Live(Workdir(root / "work"), root / "sources", port, start(root / "work", port))
        try:
            kill_and_count(live, kills, projects, random.Random(seed))
        finally:
            stop(live.process)


def kill_and_count(live: Live, kills: int, projects: int, draw: random.Random) -> None:
    killed, lately = collections.Counter[str](), collections.defaultdict[str, list[float]](list)
    codes = [f"p{number:02d}" for number in range(projects)]
    live.drop(GROUP, [{"code": code, "pattern": live.series(code, SERIES, number)} for number, code in enumerate(codes)])
    began = time.monotonic()
    while sum(killed.values()) < kills and not all(published(live, code) for code in codes):
        time.sleep(draw.uniform(2, 12))
        now = time.monotonic()
        free = [name for name in (*SERVICES, *PROCESSES) if sum(now - at < 60 for at in lately[name]) < MOST_IN_A_MINUTE]
        name = draw.choice(free or ["run"])
        if kill(live, name, draw):
            killed[name] += 1
            lately[name].append(now)
            print(
                f"{now - began:6.0f} s  {name} killed; {sum(published(live, code) for code in codes)} of {projects} published", flush=True
            )
    before, moved = 0, time.monotonic()
    while (count := sum(published(live, code) for code in codes)) < projects and time.monotonic() - moved < PATIENCE:
        if count > before:
            before, moved = count, time.monotonic()
        time.sleep(1)
    report(live, codes, killed)


def published(live: Live, code: str) -> bool:
    return live.state(f"{GROUP}:{code}").phase == "complete"


def report(live: Live, codes: list[str], killed: collections.Counter[str]) -> None:
    lost, twice, interrupted, failed_starts = [], [], 0, 0
    for code in codes:
        project = Project(GROUP, code)
        ended = collections.Counter(
            event.phase for event in events_of(live.workdir, project) if isinstance(event, PhaseEnded) and event.verdict in ("ok", "warned")
        )
        failed_starts += sum(isinstance(event, StartFailed) for event in events_of(live.workdir, project))
        interrupted += sum(row.verdict == "failed" for row in live.rows(str(project)))
        lost += [f"{code}: {phase}" for phase in list(PHASE_ASSETS)[1:] if not ended[phase]]
        twice += [f"{code}: {phase} {count} times" for phase, count in ended.items() if count > 1]
        for phase, asset in PHASE_ASSETS.items():
            shown = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[str(project)])
            if not live.instance.fetch_materializations(shown, limit=1).records:
                lost.append(f"{code}: {phase} is not in Dagster")
    runs = collections.Counter(run.status.value for run in live.instance.get_runs(dg.RunsFilter(job_name="advance_project")))
    print(f"killed: {dict(killed)}; projects {len(codes)}; runs {dict(runs)}")
    print(f"failed starts recorded: {failed_starts}; rows of failures: {interrupted}")
    print(f"lost: {lost or 'nothing'}\ndone twice: {twice or 'nothing'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for option, default in (("kills", 100), ("projects", 40), ("seed", 1)):
        parser.add_argument(f"--{option}", type=int, default=default)
    main(**vars(parser.parse_args()))
