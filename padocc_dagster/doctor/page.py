"""The doctor's lines on a terminal. Nothing is decided here."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from padocc_dagster.doctor.line import Line, Verdict, is_fine

COLOURS = {Verdict.OK: "green", Verdict.WRONG: "bold red", Verdict.NOT_CHECKED: "yellow"}
WIDEST_SUBJECT = 24


def show(lines: Iterable[Line], console: Console) -> bool:
    """Print each line when it comes, and a last one that counts what is wrong. True when nothing is."""
    shown = []
    with console.status("looking, and waiting for the cluster's answers …"):
        for line in lines:
            shown.append(line)
            console.print(_row(line))
    count = sum(line.verdict is Verdict.WRONG for line in shown)
    unseen = sum(line.verdict is Verdict.NOT_CHECKED for line in shown)
    rest = f", {unseen} not checked" if unseen else ""
    console.print(Text(f"{count} to put right{rest}." if count else f"All is well{rest}.", style="bold"))
    return is_fine(shown)


def _row(line: Line) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_column(width=max(map(len, Verdict)))
    row.add_column(width=WIDEST_SUBJECT)
    row.add_column(overflow="fold")
    row.add_row(Text(line.verdict, style=COLOURS[line.verdict]), Text(line.subject), Text(line.text))
    return row
