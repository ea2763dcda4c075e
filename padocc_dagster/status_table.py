"""The state of the projects of a working directory, as a table for a terminal and as plain values. Nothing is decided here."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from padocc_dagster.pipeline.workdir.groups import group_states, list_groups
from padocc_dagster.pipeline.workdir.layout import Project, Workdir
from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.pipeline.workdir.selections import withdrawn_items
from padocc_dagster.pipeline.workdir.status import ProjectState

WHY_LENGTH = 160
COLOURS = {Verdict.OK: "green", Verdict.WARNED: "yellow", Verdict.FAILED: "red", Verdict.SKIPPED: "cyan"}


class Standing(NamedTuple):
    """A project, its state, and which of its items its catalogue has withdrawn."""

    project: Project
    state: ProjectState
    withdrawn: Sequence[str] = ()

    @property
    def why(self) -> str:
        """Why it is in this state, in short, and what its catalogue has withdrawn since."""
        withdrawn = f"withdrawn from its catalogue: {', '.join(self.withdrawn)}" if self.withdrawn else ""
        return "; ".join(textwrap.shorten(text, WHY_LENGTH, placeholder=" …") for text in (withdrawn, self.state.why) if text)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON holds it; the time in ISO 8601, local, without a zone, as PADOCC writes it."""
        return {
            "group": self.project.group,
            "project": self.project.code,
            "phase": self.state.phase,
            "outcome": self.state.outcome,
            "status": self.state.status,
            "since": self.state.since.isoformat() if self.state.since else None,
            "why": self.state.why,
            "withdrawn": list(self.withdrawn),
        }


def standings(workdir: Workdir, group: str | None = None) -> list[Standing]:
    """All projects of one group, or of every group, in PADOCC's order. Raises ValueError for a group that is not there."""
    groups = list_groups(workdir)
    if group is not None and group not in groups:
        there = f"there are {', '.join(groups)}" if groups else "it has no groups yet"
        raise ValueError(f"{workdir.root} has no group {group!r}: {there}")
    return [standing for name in ([group] if group else groups) for standing in _of_group(workdir, name)]


def _of_group(workdir: Workdir, group: str) -> Iterator[Standing]:
    withdrawn = withdrawn_items(workdir, group)
    for code, state in group_states(workdir, group).items():
        yield Standing(Project(group, code), state, withdrawn.get(code, []))


def status_table(rows: Iterable[Standing]) -> Table:
    """The table: a row for each project, coloured by how its last phase ended, with the beginning of the reason."""
    table = Table(box=None, pad_edge=False)
    for name in ("group", "project", "phase", "outcome", "since"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in rows:
        outcome = Text(row.state.outcome, style=COLOURS.get(row.state.verdict, "") if row.state.verdict else "")
        cells = [row.project.group, row.project.code, row.state.phase]
        table.add_row(*map(Text, cells), outcome, Text(_moment(row.state.since)), Text(row.why))
    return table


def _moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""
