"""What projects cost on one machine, beside the floor: `python -m benchmarks.local [--projects 20] [--repetitions 1] [--json FILE]`.

Each project has ten small real files, cut from iris-sample-data as the demo cuts them. They go

- through PADOCC's own API, scan, compute and validation in one warm process, one project after another: the floor;
- through an instance that `padocc-dagster up` serves, from the inbox to publication.

CPU is that of all processes, services included (control groups, which need root), from the drop of the config until no run is left. Both
ways are interleaved. Prints JSON: each repetition, and medians with their ranges.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.usage import Usage, counted
from padocc_dagster.demo.data import _cut, _samples
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.runs import unfinished
from padocc_dagster_tests.live.conftest import Live, free_port, start, stop

SAMPLES = ("A1B_north_america.nc", "E1_north_america.nc")
GROUP = "bench"
SERVICES = {"services.daemon": "daemon", "services.webserver": "web server", "api grpc": "code server", "fork_server": "fork server"}
QUIET_SECONDS = 6.0


def make_sources(folder: Path, projects: int) -> dict[str, Path]:
    """Project → its folder of ten files. Each has files of its own: hard links."""
    folder.mkdir()
    for number, name in enumerate(SAMPLES):
        _cut(_samples() / name, folder / f"sample{number}", length=24)
    found = {}
    for number in range(projects):
        code, sample = f"p{number:03d}", folder / f"sample{number % len(SAMPLES)}"
        found[code] = folder / code
        found[code].mkdir()
        for path in sorted(sample.iterdir()):
            os.link(path, found[code] / f"{int(path.stem.rpartition('_')[2]):02d}.nc")
    return found


def floor(sources: dict[str, Path], workdir: Path) -> dict[str, Any]:
    """PADOCC's API in one process (`plain.py`)."""
    workdir.mkdir()
    command = [sys.executable, "-m", "benchmarks.plain", str(workdir), *(f"{folder}/*.nc" for folder in sources.values())]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    answer = json.loads(done.stdout.splitlines()[-1])
    return {**answer, "cpu_per_project": answer["cpu"] / len(sources)}


def ours(sources: dict[str, Path], root: Path) -> dict[str, Any]:
    """The same projects through a served instance."""
    workdir = Workdir(root)
    root.mkdir()
    port = free_port()
    with counted() as usage:
        with usage.joined():
            process = start(root, port)
        live = Live(workdir, root, port, process)
        try:
            time.sleep(QUIET_SECONDS)
            return _measured(live, usage, sources)
        finally:
            stop(process)
            live.instance.dispose()


def _measured(live: Live, usage: Usage, sources: dict[str, Path]) -> dict[str, Any]:
    before, services, began = usage.cpu_seconds(), _services(live), time.monotonic()
    live.drop(GROUP, [{"code": code, "pattern": f"{folder}/*.nc"} for code, folder in sources.items()])
    firsts: dict[str, float] = {}

    def published() -> int:
        found = sum(live.state(f"{GROUP}:{code}").phase == "complete" for code in sources)
        for share in (1, len(sources)):
            if found >= share:
                firsts.setdefault(f"published_{share}", time.monotonic() - began)
        return found

    live.wait("all products", lambda: published() == len(sources))
    at_publication = usage.cpu_seconds() - before
    live.wait("the last run", lambda: not unfinished(live.instance))
    time.sleep(QUIET_SECONDS)
    live.wait("the last run", lambda: not unfinished(live.instance))
    cpu = usage.cpu_seconds() - before
    used = {name: round(seconds - services.get(name, 0.0), 2) for name, seconds in _services(live).items()}
    return {
        "wall": firsts[f"published_{len(sources)}"],
        "first": firsts["published_1"],
        "cpu": cpu,
        "cpu_at_publication": at_publication,
        "cpu_per_project": cpu / len(sources),
        "services": {**used, "runs and workers": round(cpu - sum(used.values()), 2)},
        "peak_mib": usage.peak_mib,
        **_busy(live),
    }


def _busy(live: Live) -> dict[str, Any]:
    """How many runs there were, and how well the runs that advance projects filled the places that there are for runs."""
    records = live.instance.get_run_records()
    spans = [(r.start_time, r.end_time) for r in records if r.dagster_run.job_name == "advance_project" and r.start_time and r.end_time]
    begun, over = min(start for start, _ in spans), max(end for _, end in spans)
    places = max(2, os.cpu_count() or 2)
    return {
        "runs": len(records),
        "seconds_a_run": statistics.median(end - start for start, end in spans),
        "seconds_of_runs": over - begun,
        "places_filled": sum(end - start for start, end in spans) / places / (over - begun),
    }


def _services(live: Live) -> dict[str, float]:
    """CPU seconds of the supervisor and of each service, without what it started."""
    found = {"supervisor": sum(psutil.Process(live.process.pid).cpu_times()[:2])}
    for child in psutil.Process(live.process.pid).children():
        words = " ".join(child.cmdline())
        name = next((name for part, name in SERVICES.items() if part in words), None)
        if name:
            found[name] = sum(child.cpu_times()[:2])
    return found


def summary(results: list[dict[str, Any]], key: str) -> dict[str, float]:
    values = [result[key] for result in results]
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def main(projects: int, repetitions: int, with_floor: bool) -> dict[str, Any]:
    ways: dict[str, list[dict[str, Any]]] = {"floor": [], "local": []}
    with tempfile.TemporaryDirectory() as folder:
        sources = make_sources(Path(folder) / "sources", projects)
        for number in range(repetitions):
            if with_floor:
                ways["floor"].append(floor(sources, Path(folder) / f"plain{number}"))
                print(f"floor: {ways['floor'][-1]}", file=sys.stderr, flush=True)
            ways["local"].append(ours(sources, Path(folder) / f"work{number}"))
            print(f"local: {ways['local'][-1]}", file=sys.stderr, flush=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(), "load": os.getloadavg()}
    summaries = {way: {key: summary(found, key) for key in ("wall", "cpu_per_project")} for way, found in ways.items() if found}
    return {"projects": projects, "files": 10, "machine": machine, "summary": summaries, "repetitions": ways}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=20)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--no-floor", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text = json.dumps(main(options.projects, options.repetitions, not options.no_floor), indent=2)
    if options.json:
        options.json.write_text(text + "\n")
    print(text)
