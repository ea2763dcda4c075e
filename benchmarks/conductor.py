"""What a tick of the conductor costs: `python -m benchmarks.conductor [PROJECTS …]`, by default 1 000, 10 000 and 50 000.

Each project is published, in groups of 5 000, with files as the phases leave them. Prints CPU and wall seconds of the first tick of a
process, of a tick with nothing new, and of one in which one project of a hundred has changed; and the memory of the process.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import dagster as dg
import psutil

from padocc_dagster.conductor.memory import Memory
from padocc_dagster.conductor.tick import tick
from padocc_dagster.partitions import add_projects
from padocc_dagster.pipeline.running.standings import Standings
from padocc_dagster.pipeline.workdir.event_log import record
from padocc_dagster.pipeline.workdir.events import Compared, PhaseEnded
from padocc_dagster.pipeline.workdir.files import write_lines
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.managed import manage
from padocc_dagster.pipeline.workdir.outcome import Verdict

GROUP = 5000
PHASES = ("init", "scan", "compute", "validate", "complete")
DETAILS = {"dataset": {"text": "x" * 3000, "variables": {f"v{number}": {"dimensions": ["time"], "dtype": "f4"} for number in range(20)}}}


def make(workdir: Workdir, projects: int) -> None:
    for start in range(0, projects, GROUP):
        group, codes = f"g{start // GROUP}", [f"p{number:05d}" for number in range(start, min(start + GROUP, projects))]
        for code in codes:
            project = Project(group, code)
            path = workdir.status_log(project)
            path.parent.mkdir(parents=True)
            path.write_text("\n".join(f"{phase},Success,10:00 01/01/26," for phase in PHASES))
            ended = [
                PhaseEnded(project=str(project), phase=phase, verdict=Verdict.OK, status="Success", run="r" * 36, row=row, details=DETAILS)
                for row, phase in enumerate(PHASES[1:], 2)
            ]
            record(workdir, project, *ended[:2], Compared(row=3, passed=True, product="f" * 64), *ended[2:])
        write_lines(workdir.main_list(group), codes)
        manage(workdir, group)


def measured(what: str, work: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    print(f"  {what}: {time.process_time() - cpu:.2f} s CPU, {time.perf_counter() - wall:.2f} s")
    return found


def main(projects: int) -> None:
    with tempfile.TemporaryDirectory() as folder, dg.instance_for_test() as instance:
        workdir = Workdir(Path(folder) / "work")
        with patch("os.fsync"):
            make(workdir, projects)
        time.sleep(2.1)  # files written within two seconds are read again
        memory, log = Memory(Standings(workdir)), logging.getLogger("benchmark")
        context: Any = SimpleNamespace(instance=instance, log=log)
        for group in (f"g{number}" for number in range(-(-projects // GROUP))):
            codes = [f"p{number:05d}" for number in range(int(group[1:]) * GROUP, min((int(group[1:]) + 1) * GROUP, projects))]
            add_projects(instance, group, codes)
        print(f"{projects} projects")
        reported = time.time()
        measured("first look", lambda: [memory.standings.look(600)])
        measured("first tick", lambda: tick(context, memory, reported))
        memory.dirty.clear()
        measured("nothing new", lambda: tick(context, memory, reported))
        for number in range(0, projects, 100):
            project = Project(f"g{number // GROUP}", f"p{number:05d}")
            with open(workdir.status_log(project), "a") as file:
                file.write("\nscan,Success,10:05 01/01/26,")
        found, _ = measured("1 % changed", lambda: tick(context, memory, reported))
        print(f"  {len(found)} runs requested; {psutil.Process().memory_info().rss / 2**20:.0f} MiB")


if __name__ == "__main__":
    for count in map(int, sys.argv[1:] or (1000, 10_000, 50_000)):
        main(count)
