"""What a group's runs requested of a cluster, held against what they used."""

from collections.abc import Iterable, Mapping
from statistics import median

from padocc_dagster.pipeline.running.estimate import PHASES
from padocc_dagster.pipeline.running.learning import Past

WHOLE = "whole run"
Row = dict[str, str]
COLUMNS = ("of", "ended", "time used", "time requested", "memory used", "memory requested", "CPU hours")


def usage_rows(projects: Iterable[Mapping[str, Past]]) -> list[Row]:
    """A row for each phase, and one for whole runs, whose wall time is requested for all phases together: medians, and the largest in
    brackets. On one machine nothing is requested."""
    projects = list(projects)
    rows = [_row(phase, [[each[phase]] for each in projects if phase in each]) for phase in PHASES]
    return [row for row in (*rows, _row(WHOLE, _by_run(projects))) if row]


def _by_run(projects: Iterable[Mapping[str, Past]]) -> list[list[Past]]:
    runs: dict[tuple[int, str], list[Past]] = {}
    for number, project in enumerate(projects):
        for past in project.values():
            if past.run and past.used.requested:
                runs.setdefault((number, past.run), []).append(past)
    return list(runs.values())


def _row(of: str, groups: list[list[Past]]) -> Row:
    """The row of things that are made of one phase, or of several in one run; empty for none."""
    if not groups:
        return {}
    requested = [past.used.requested for group in groups for past in group[:1]]
    minutes = [each.wall_seconds / 60 for each in requested if each and each.wall_seconds]
    memory = [float(each.memory_mib) for each in requested if each and each.memory_mib]
    values = (
        of,
        str(len(groups)),
        _spread([sum(past.used.seconds for past in group) / 60 for group in groups], "min"),
        _spread(minutes, "min") if of == WHOLE else "",
        _spread([float(max(past.used.peak_mib for past in group)) for group in groups], "MiB"),
        _spread(memory, "MiB"),
        f"{sum(past.used.cpu_seconds for group in groups for past in group) / 3600:.2f}",
    )
    return dict(zip(COLUMNS, values, strict=True))


def _spread(values: list[float], unit: str) -> str:
    return f"{_number(median(values))} {unit} ({_number(max(values))})" if values else ""


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"
