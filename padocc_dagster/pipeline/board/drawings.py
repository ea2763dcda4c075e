"""The charts of the board, as SVG. All text in them is this package's own."""

import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from padocc_dagster.pipeline.board.extents import Box
from padocc_dagster.pipeline.board.facts import Facts
from padocc_dagster.pipeline.board.portraits import Portrait
from padocc_dagster.pipeline.running.estimate import PHASES

COLOURS = {"scan": "#7aa6c2", "compute": "#4c78a8", "validate": "#8a6bb1", "complete": "#2a9d5c", "stopped": "#c8443c"}
POINTS = 300
"""Of a line, at most."""
DOTS = 600
"""Of a scatter plot, at most."""
NAMED = 20
"""Products that a box on the map names."""
LEAST_ROOM = timedelta(minutes=1)
"""Left and right of what happened, so that all of it within a second is seen too."""
SMALLEST = 2.0
"""Degrees of a box on the map, so that a single point is seen."""
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "board", "font.family": "sans-serif", "font.size": 9}


class Mark(NamedTuple):
    """A box on the map, which is 720 by 360: its corner, its size, and what lies there."""

    x: float
    y: float
    width: float
    height: float
    title: str


def timeline(facts: Sequence[Facts]) -> str:
    """How many projects had passed each phase at which time, and when the others stopped; empty where nothing has ended yet."""
    lines = {phase: sorted(each.ended[phase] for each in facts if phase in each.ended) for phase in PHASES}
    lines["stopped"] = sorted(each.stopped for each in facts if each.stopped)
    if not any(lines.values()):
        return ""
    figure, axes = _figure(8.6, 2.6)
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    for name, times in lines.items():
        if times:
            axes.step(*_steps(times), where="post", label="published" if name == "complete" else name, color=COLOURS[name], linewidth=1.6)
    axes.xaxis.set_major_locator(locator := AutoDateLocator(minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    every = [time for times in lines.values() for time in times]
    room = max((max(every) - min(every)) * 0.03, LEAST_ROOM)
    axes.set_xlim(min(every) - room, max(every) + room)
    axes.set_ylabel("projects")
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside right upper", frameon=False)
    return _svg(figure)


def requested_and_used(facts: Sequence[Facts]) -> str:
    """The memory that each run had requested, and what its phases held; empty where nothing was requested."""
    dots: dict[str, list[tuple[int, int]]] = {phase: [] for phase in PHASES}
    for each in facts:
        for phase, past in each.past.items():
            if past.used.requested and past.used.requested.memory_mib:
                dots[phase].append((past.used.requested.memory_mib, past.used.peak_mib))
    most = max((max(dot) for found in dots.values() for dot in found), default=0)
    if not most:
        return ""
    figure, axes = _figure(4.6, 3.0)
    axes.plot((0, most), (0, most), color="#999", linewidth=1, linestyle="--")
    for phase, found in dots.items():
        if found:
            axes.scatter(*zip(*_thinned(found, DOTS // len(PHASES)), strict=True), s=10, color=COLOURS[phase], label=phase, alpha=0.6)
    axes.set_xlabel("requested, MiB")
    axes.set_ylabel("used, MiB")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside right upper", frameon=False)
    return _svg(figure)


def marks(found: Sequence[Portrait]) -> list[Mark]:
    """The boxes of all products on the map, those in the same place together, large ones first, so that small ones are seen."""
    names: dict[Box, list[str]] = {}
    for portrait in found:
        for box in portrait.boxes:
            names.setdefault(box, []).append(portrait.name)
    return sorted((_mark(box, there) for box, there in names.items()), key=lambda mark: -mark.width * mark.height)


def _mark(box: Box, names: Sequence[str]) -> Mark:
    west, south, east, north = box
    width, height = max(east - west, SMALLEST), max(north - south, SMALLEST)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    place = f"{west:.4g} to {east:.4g} °E, {south:.4g} to {north:.4g} °N: "
    x, y = (west + east - width) / 2 + 180, 90 - (south + north + height) / 2
    return Mark(round(2 * x, 1), round(2 * y, 1), round(2 * width, 1), round(2 * height, 1), place + ", ".join(names[:NAMED]) + more)


def _steps(times: Sequence[datetime]) -> tuple[list[datetime], list[int]]:
    """When there were how many; the first point has none."""
    counted = _thinned([(time, number) for number, time in enumerate(times, 1)], POINTS)
    points = [(times[0], 0), *counted]
    return [time for time, _ in points], [number for _, number in points]


def _thinned(points: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them, and the last."""
    kept = list(points[:: -(-len(points) // most) or 1])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Any) -> str:
    """The figure without the declarations that a file has before its first element."""
    from matplotlib import rc_context

    image = io.StringIO()
    with rc_context(SETTINGS):
        figure.savefig(image, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return "".join(_from_first_element(image.getvalue().splitlines(keepends=True)))


def _from_first_element(lines: Sequence[str]) -> Iterator[str]:
    begun = False
    for line in lines:
        begun = begun or line.startswith("<svg")
        if begun:
            yield line
