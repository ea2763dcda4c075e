"""The same small projects in six ways, side by side: `make bench`, or `python -m benchmarks.table [--projects 6] [--ways floor,local,…]`.

    floor      PADOCC's API in one warm process, without initialisation's files, comparison and publication
    serial     `padocc`, one phase after the other; of `--serial` projects only, since each takes so long
    parallel   `padocc … --parallel` on a private SLURM: a task of an array job for each project and phase
    local      this project on one machine
    jobs       this project on a private SLURM, one job a run (`warm: false`)
    warm       this project on a private SLURM, many runs a job

Each result is added to the JSON file at once, so that ways can be measured one by one; the plot is drawn from all that the file holds.
Root, and for SLURM the packages that `make demo-slurm` names, are needed. `control_plane.py` and `several.py` measure other things.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import command_line, local, slurm

Sources = Mapping[str, Path]
Result = dict[str, Any]
WAYS: dict[str, Callable[[Sources, Path], Result]] = {
    "floor": lambda sources, folder: local.floor(dict(sources), folder),
    "serial": command_line.serial,
    "parallel": lambda sources, folder: command_line.parallel(sources, folder, folder.with_suffix(".slurm")),
    "local": lambda sources, folder: local.ours(dict(sources), folder),
    "jobs": lambda sources, folder: slurm.through_slurm(sources, folder, warm=False),
    "warm": lambda sources, folder: slurm.through_slurm(sources, folder, warm=True),
}
COLUMNS = ("way", "projects", "wall s a project", "CPU s a project", "over the floor", "peak MiB", "jobs", "sbatch", "squeue", "sacct")


def main(ways: list[str], projects: int, serial: int, file: Path) -> None:
    results = json.loads(file.read_text()) if file.exists() else {}
    for way in ways:
        with tempfile.TemporaryDirectory() as folder:
            sources = local.make_sources(Path(folder) / "sources", serial if way == "serial" else projects)
            load = os.getloadavg()[0]
            found = WAYS[way](sources, Path(folder) / "work")
        machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load": [round(load, 1), round(os.getloadavg()[0], 1)]}
        results.setdefault(way, []).append({"projects": len(sources), **found, "machine": machine})
        file.write_text(json.dumps(results, indent=1) + "\n")
        print(f"{way}: {found}", file=sys.stderr, flush=True)
    print(table(results))
    plot(results, file.with_suffix(".png"))


def table(results: Mapping[str, list[Result]]) -> str:
    """The medians as a table in Markdown."""
    floor = _median(results.get("floor", []), "cpu_per_project")
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for way, found in ((way, results[way]) for way in WAYS if way in results):
        last, cpu = found[-1], _median(found, "cpu_per_project")
        wall = statistics.median(each["wall"] / each["projects"] for each in found)
        over = f"{cpu - floor:.1f}" if floor else "–"
        peak, calls = _median(found, "peak_mib"), last.get("calls", {})
        counts = [str(last.get("jobs", "–")), *(str(calls.get(name, "–")) for name in ("sbatch", "squeue", "sacct"))]
        lines.append("| " + " | ".join([way, str(last["projects"]), f"{wall:.1f}", f"{cpu:.1f}", over, f"{peak:.0f}", *counts]) + " |")
    return "\n".join(lines)


def plot(results: Mapping[str, list[Result]], file: Path) -> None:
    """CPU seconds a project, a bar for each way, on a logarithmic axis."""
    from matplotlib.figure import Figure

    ways = [way for way in WAYS if way in results]
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel="CPU seconds a project, of all processes")
    bars = axes.barh(ways[::-1], [_median(results[way], "cpu_per_project") for way in ways[::-1]])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.margins(x=0.15)
    figure.savefig(file, dpi=120)


def _median(found: list[Result], key: str) -> float:
    return statistics.median(each.get(key, 0.0) for each in found) if found else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=6)
    parser.add_argument("--serial", type=int, default=2)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--json", type=Path, default=Path("docs/performance.json"))
    options = parser.parse_args()
    main(options.ways.split(","), options.projects, options.serial, options.json)
