"""One look at a working directory, as `status` prints it: projects, group configs that made none, and what serves it."""

import os
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from padocc_dagster.pipeline.workdir.disks import full_folders, sentence
from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.status import Kind, Standing, standings
from padocc_dagster.status.configs import UnusedConfig, unused_configs
from padocc_dagster.status.totals import totals

if TYPE_CHECKING:
    from rich.text import Text

    from padocc_dagster.services.at_work import AtWork

MOST_ESTIMATED = 1000
"""Projects up to which the time left is estimated, which reads files of each."""
ESTIMATE_SECONDS = 30.0
"""Between two estimates."""
MOST_ADDRESSES = 4
"""Runs whose page is named."""
ENDED = (Kind.PUBLISHED, Kind.GIVEN_UP, Kind.WITHDRAWN)


@dataclass(frozen=True)
class Look:
    """What was seen."""

    workdir: Workdir
    group: str | None
    rows: Sequence[Standing]
    configs: Sequence[UnusedConfig]
    at_work: "AtWork"
    hours_left: float | None

    @property
    def is_served(self) -> bool:
        return self.at_work.is_served

    @property
    def moves(self) -> bool:
        """Whether something follows, without a person or from the first config that somebody drops into the inbox."""
        unread = any(not each.is_read for each in self.configs)
        return any(row.kind.moves for row in self.rows) or unread or not (self.rows or self.configs)

    @property
    def is_good(self) -> bool:
        """Whether all that there is is published."""
        return not self.configs and bool(self.rows) and all(row.kind in ENDED for row in self.rows)

    @property
    def summary(self) -> str:
        """The configs, the line of totals, and who serves the working directory."""
        return "\n".join([*self._configs(), *self._end()])

    def text(self, width: int, height: int | None = None) -> "Text":
        """All of it; where that has more than `height` lines, first those projects that are neither published nor given up."""
        from rich.text import Text

        from padocc_dagster.status.table import table_rows

        before, end = [line for each in self._configs() for line in _wrapped(each, width)], self._end()
        header, *rows = table_rows(self.rows, width, self.group is None)
        if height is not None and sum(_lines_of(row) for row in rows) > (room := height - len(before) - len(end) - 2):
            order = sorted(range(len(rows)), key=lambda number: self.rows[number].kind in ENDED)
            ends = accumulate(_lines_of(rows[number]) for number in order)
            shown = [number for number, lines in zip(order, ends, strict=True) if lines <= room]
            rows = [*(rows[number] for number in shown), Text(f"… and {len(rows) - len(shown)} more")]
        return Text("\n").join([*map(Text, before), *([header, *rows] if rows else []), *map(Text, end)])

    def _configs(self) -> list[str]:
        return [line for each in self.configs for line in self._lines(each)]

    def _lines(self, config: UnusedConfig) -> list[str]:
        now = self.at_work.doing.get(config.path.name)
        if now is None or config.is_read:
            return config.lines()
        if now.doing == "running":
            return [f"{config.path.name} in the inbox is being read, since {now.since:%H:%M}."]
        return [f"{config.path.name} in the inbox is read next: its run is {now.doing}{f', {now.why}' if now.why else ''}."]

    def _end(self) -> list[str]:
        """The totals, disks that are full, and the address or what to do where nobody serves the working directory."""
        from padocc_dagster.services.home import Home

        name = f" in group {self.group}" if self.group else f" in {self.workdir.root}"
        lines = [f"{totals(self.rows, self.hours_left)}." if self.rows else f"No projects{name} yet."]
        for folder in full_folders((self.workdir.root, Home(self.workdir).root, self.workdir.completed)):
            lines.append(f"Nothing goes on for long: {sentence(folder)}. Free space on it.")
        if self.at_work.problem:
            lines.append(f"What runs and waits is not shown. {self.at_work.problem}")
        if self.is_served:
            url = self.at_work.page if self.at_work.page.startswith("http") else ""
            if self.at_work.page:
                lines.append(f"Web page: {url or f'padocc-dagster web -w {self.workdir.root}'}")
            running = [(row.project, row.now.run) for row in self.rows if row.now and row.kind is Kind.RUNNING]
            lines += [f"  {project}: {url}/runs/{run}" for project, run in running[:MOST_ADDRESSES]]
        elif self.moves:
            goes_on = "Jobs in the cluster go on. " if self.at_work.on_cluster else ""
            lines += [
                f"Nothing new is started while no instance serves it. {goes_on}Start one with:",
                f"  padocc-dagster up -w {self.workdir.root}",
            ]
        if stopped := next((row.project for row in self.rows if row.kind is Kind.STOPPED), None):
            lines.append(f"What to do about one that stopped: padocc-dagster explain {stopped}")
        if any(row.kind is Kind.PADOCC for row in self.rows):
            lines.append("Projects of plain PADOCC are left alone until `padocc-dagster adopt` takes their group over.")
        return lines


def _wrapped(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _lines_of(row: "Text") -> int:
    return row.plain.count("\n") + 1


class Looker:
    """Looks at one working directory again and again. Raises ValueError for a group that is not there and whose config is not, either."""

    def __init__(self, workdir: Workdir, group: str | None) -> None:
        from padocc_dagster.services.at_work import Reader
        from padocc_dagster.services.home import Home

        self.workdir, self.group = workdir, group
        self._reader = Reader(Home(workdir))
        self._hours_left: float | None = None
        self._estimated = 0.0

    def look(self) -> Look:
        """Look now."""
        at_work = self._reader.read()  # before the files: a run that ends meanwhile has written them
        configs = [each for each in unused_configs(self.workdir) if self.group in (None, each.group)]
        try:
            rows = standings(self.workdir, self.group, at_work.doing)
        except ValueError:
            if not configs:
                raise
            rows = []
        return Look(self.workdir, self.group, rows, configs, at_work, self._estimate(rows, at_work))

    def _estimate(self, rows: Sequence[Standing], at_work: "AtWork") -> float | None:
        """Hours that the groups with work under way will still take; None where nothing is at work, or too much to estimate."""
        if not any(row.now for row in rows) or len(rows) > MOST_ESTIMATED or not (at_work.is_served or at_work.on_cluster):
            return None
        now = time.monotonic()
        if self._hours_left is None or now - self._estimated > ESTIMATE_SECONDS:
            self._estimated, self._hours_left = now, self._hours(sorted({row.project.group for row in rows if row.kind.moves}))
        return self._hours_left

    def _hours(self, groups: Sequence[str]) -> float:
        from padocc_dagster.commands.estimate import settings_of
        from padocc_dagster.pipeline.running.forecast import forecast

        most, on_slurm = settings_of(self.workdir.root)
        found = [forecast(self.workdir, group, most or os.cpu_count() or 1, on_slurm) for group in groups]
        return sum(each.hours_left for each in found)
