"""The projects as text for a terminal: a row for each, and the reason beside it or, where that has no room, beneath it."""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.text import Text

from padocc_dagster.pipeline.workdir.outcome import Verdict
from padocc_dagster.status.standing import Kind, Standing

BESIDE = 60
"""Columns that must be left for the reasons, so that they are beside the rows."""
INDENT = "    "
COLOURS = {Verdict.OK: "green", Verdict.WARNED: "yellow", Verdict.FAILED: "red", Verdict.SKIPPED: "cyan"}
OF_KINDS = {Kind.RUNNING: "bold blue", Kind.CANCELLING: "yellow", Kind.STARTING: "blue", Kind.QUEUED: "blue", Kind.WAITING: "blue"}
Cells = tuple[str, ...]


def status_table(rows: Iterable[Standing], width: int, with_group: bool = True, now: datetime | None = None) -> Text:
    """The whole table."""
    return Text("\n").join(table_rows(rows, width, with_group, now))


def table_rows(rows: Iterable[Standing], width: int, with_group: bool = True, now: datetime | None = None) -> list[Text]:
    """The table's header, and the text of each row, `width` columns wide but for names that are longer.

    Coloured by what each project does, or by how its last phase ended.
    """
    rows, now = list(rows), now or datetime.now()
    cells = [_cells(row, with_group, now) for row in rows]
    header: Cells = (*(("group",) if with_group else ()), "project", "phase", "state", "since")
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    left = width - sum(widths) - 2 * len(widths)
    beside = width - left if left >= BESIDE else 0
    head = Text(_line((*header, "why") if beside else header, widths), style="bold")
    return [head, *(_row(row, each, widths, width, beside) for row, each in zip(rows, cells, strict=True))]


def _cells(row: Standing, with_group: bool, now: datetime) -> Cells:
    group = (row.project.group,) if with_group else ()
    return (*group, row.project.code, row.phase, row.word, _moment(row.since, now))


def _row(row: Standing, cells: Cells, widths: Sequence[int], width: int, beside: int) -> Text:
    """The row, and its reason: from column `beside` on, or beneath it where that is 0."""
    state, text = len(cells) - 2, Text()
    for number, (cell, column) in enumerate(zip(cells, widths, strict=True)):
        style = _style(row) if number == state else ""
        text.append("  " if number else "").append(cell, style).append(" " * (column - len(cell)))
    if row.why:
        indent = " " * beside or INDENT
        lines = _wrapped(row.why, width - len(indent))
        text.append(f"  {lines.pop(0)}" if beside else "")
        text.append("".join(f"\n{indent}{line}" for line in lines))
    text.rstrip()
    return text


def _style(row: Standing) -> str:
    return OF_KINDS.get(row.kind, "") if row.now else COLOURS.get(row.state.verdict, "") if row.state.verdict else ""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, (*widths, 0), strict=False))
    return "  ".join(padded).rstrip()


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of whole words; a path or a name that is longer than a line stays whole, to be copied."""
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)


def _moment(time: datetime | None, now: datetime) -> str:
    """The time alone for today."""
    if time is None:
        return ""
    return f"{time:%H:%M}" if time.date() == now.date() else f"{time:%Y-%m-%d}"
