"""Where the projects of a working directory stand, as a table for a terminal and as plain values. Nothing is decided here."""

import textwrap
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from padocc_dagster.pipeline.groups import group_states, list_groups
from padocc_dagster.pipeline.layout import Project, Workdir
from padocc_dagster.pipeline.outcome import Verdict
from padocc_dagster.pipeline.status import ProjectState

WHY_LENGTH = 160
COLOURS = {Verdict.OK: "green", Verdict.WARNED: "yellow", Verdict.FAILED: "red", Verdict.SKIPPED: "cyan"}


class Standing(NamedTuple):
    """A project and where it stands."""

    project: Project
    state: ProjectState

    @property
    def outcome(self) -> str:
        """The verdict in a word; "under way" while PADOCC has the phase at work, "new" before anything was done."""
        if self.state.verdict:
            return self.state.verdict.value
        return "under way" if self.state.status else "new"

    def as_dict(self) -> dict[str, str | None]:
        """The same as JSON holds it; the time in ISO 8601, local, without a zone, as PADOCC writes it."""
        return {
            "group": self.project.group,
            "project": self.project.code,
            "phase": self.state.phase,
            "outcome": self.outcome,
            "status": self.state.status,
            "since": self.state.since.isoformat() if self.state.since else None,
            "why": self.state.why,
        }


def standings(workdir: Workdir, group: str | None = None) -> list[Standing]:
    """All projects of one group, or of every group, in PADOCC's order. Raises ValueError for a group that is not there."""
    groups = list_groups(workdir)
    if group is not None and group not in groups:
        there = f"there are {', '.join(groups)}" if groups else "it has no groups yet"
        raise ValueError(f"{workdir.root} has no group {group!r}: {there}")
    wanted = [group] if group else groups
    return [Standing(Project(name, code), state) for name in wanted for code, state in group_states(workdir, name).items()]


def status_table(rows: Iterable[Standing]) -> Table:
    """The table: a row for each project, coloured by how its last phase ended, with the beginning of the reason."""
    table = Table(box=None, pad_edge=False)
    for name in ("group", "project", "phase", "outcome", "since"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in rows:
        outcome = Text(row.outcome, style=COLOURS.get(row.state.verdict, ""))
        cells = [row.project.group, row.project.code, row.state.phase]
        why = textwrap.shorten(row.state.why, WHY_LENGTH, placeholder=" …")
        table.add_row(*map(Text, cells), outcome, Text(_moment(row.state.since)), Text(why))
    return table


def _moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""
