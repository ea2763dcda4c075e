"""Groups made from files alone, as phases leave them, for the tests of the board."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from padocc_dagster.pipeline.workdir.events import Compared, Event, PhaseBegan, PhaseEnded
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.used import Requested, Used

PHASES = ("scan", "compute", "validate", "complete")
BEGIN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
WORST = "\x00</code></td><script>window.pwned = 1</script><img src=x onerror='window.pwned=1'>\"'&amp;{{ 7*7 }}{% raw %}\ud800\u202e"
"""What no page must take for anything but text."""


def write_group(workdir: Workdir, group: str, ends: dict[str, tuple[str, str]], message: str = "index 5 is out of bounds") -> None:
    """Write the files of a group's projects. `ends` has, for each code, its last phase and how that ended: `ok`, `at work` or an error
    class. What a project passed before is written too; a completed one has a product of 1 kB."""
    main = workdir.main_list(group)
    main.parent.mkdir(parents=True, exist_ok=True)
    main.write_text("\n".join(ends))
    for number, (code, (phase, end)) in enumerate(ends.items()):
        _write_project(workdir, Project(group, code), BEGIN + timedelta(minutes=number % 3000), phase, end, message)


def _write_project(workdir: Workdir, project: Project, begin: datetime, last: str, end: str, message: str) -> None:
    passed = PHASES[: PHASES.index(last) + (end == "ok")] if last in PHASES else ()
    rows = ["init,Success,08:00 01/03/26,"]
    events: list[Event] = []
    for phase in passed:
        when = begin + timedelta(minutes=3 * len(rows))
        rows.append(f"{phase},Success,{when:%H:%M %d/%m/%y},")
        events += [PhaseBegan(phase=phase, run=f"run-of-{project.code}", row=len(rows) - 1, when=when)]
        events.append(_end(workdir, project, phase, len(rows), when, "Success"))
        events += [Compared(passed=True, product="0", row=len(rows), when=when)] if phase == "compute" else []
    if end == "at work":
        events.append(PhaseBegan(phase=last, run=f"run-of-{project.code}", row=len(rows), when=begin))
    elif end != "ok":
        rows.append(f"{last},Failed-{end},{begin:%H:%M %d/%m/%y},")
        failed = {"verdict": Verdict.FAILED, "status": f"Failed-{end}", "error_class": end, "message": message}
        events.append(PhaseEnded(project=str(project), phase=last, run=f"run-of-{project.code}", row=len(rows), when=begin, **failed))
    log = workdir.status_log(project)
    (log.parent / "padocc_dagster").mkdir(parents=True, exist_ok=True)
    log.write_bytes("\n".join(rows).encode("utf-8", "replace"))
    workdir.events(project).write_text(_lines(events))
    if passed and passed[-1] == "complete":
        product = workdir.completed / project.group / f"{project.code}_k1.0" / f"{project.code}_k1.0.json"
        product.parent.mkdir(parents=True)
        product.write_text("{}")


def _lines(events: Iterable[Event]) -> str:
    return "".join(json.dumps(event.model_dump(mode="json")) + "\n" for event in events)


def _end(workdir: Workdir, project: Project, phase: str, row: int, when: datetime, status: str) -> PhaseEnded:
    details = {
        "scan": {"source_bytes": 4_000_000, "num_files": 12},
        "compute": {
            "product": str(Path(workdir.project_dir(project), "k1.0a.json")),
            "cloud_format": "kerchunk",
            "revision": "k1.0",
            "product_bytes": 1000,
            "dataset": {"text": "<xarray.Dataset> Size: 4 MB\n" + "    variable  (time, lat, lon) float32 ...\n" * 20},
        },
    }
    requested = Requested(wall_seconds=3600, memory_mib=2048, cpus=1)
    used = Used(seconds=10 + row, cpu_seconds=9, peak_mib=300 + 100 * row, requested=requested)
    return PhaseEnded(
        project=str(project),
        phase=phase,
        verdict=Verdict.OK,
        status=status,
        run=f"run-of-{project.code}",
        row=row,
        when=when,
        details=details.get(phase, {}),
        used=used,
    )


def many(number: int) -> dict[str, tuple[str, str]]:
    """The ends of so many projects: most are complete, some stopped in several ways, some are at work or have just begun."""
    kinds = [("complete", "ok")] * 7 + [("compute", "KeyError"), ("scan", "UnreadableSourceError"), ("compute", "at work"), ("scan", "ok")]
    return {f"cmip6-mri-esm2-0-historical-day-tas-{each:05d}": kinds[each % len(kinds)] for each in range(number)}
