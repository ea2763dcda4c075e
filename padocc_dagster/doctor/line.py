"""The doctor's lines: what was checked, how it is, and what was found or what to do; and how they look on a terminal."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDEST_SUBJECT = 24


class Verdict(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"
    """It could not be checked, or was not to be; the line says why."""


COLOURS = {Verdict.OK: "green", Verdict.WRONG: "bold red", Verdict.NOT_CHECKED: "yellow"}


@dataclass(frozen=True)
class Line:
    """What was checked, and a sentence: what was found, what to do, or why it was not checked."""

    subject: str
    verdict: Verdict
    text: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.subject}: {self.text}"


def ok(subject: str, found: str) -> Line:
    return Line(subject, Verdict.OK, found)


def wrong(subject: str, what_to_do: str) -> Line:
    return Line(subject, Verdict.WRONG, what_to_do)


def not_checked(subject: str, why: str) -> Line:
    return Line(subject, Verdict.NOT_CHECKED, why)


def judged(subject: str, problems: Iterable[str], found: str) -> list[Line]:
    """A line for each problem; without one, what was found is ok."""
    return [wrong(subject, problem) for problem in problems] or [ok(subject, found)]


def is_fine(lines: Iterable[Line]) -> bool:
    """Whether nothing among them is wrong."""
    return all(line.verdict is not Verdict.WRONG for line in lines)


def show(lines: Iterable[Line], console: "Console") -> bool:
    """Print each line when it comes, and a last one that counts what is wrong. Return whether nothing is."""
    shown = []
    with console.status("checking, and waiting for the cluster's answers …"):
        for line in lines:
            shown.append(line)
            console.print(_row(line))
    count = sum(line.verdict is Verdict.WRONG for line in shown)
    unseen = sum(line.verdict is Verdict.NOT_CHECKED for line in shown)
    rest = f", {unseen} not checked" if unseen else ""
    console.print(f"{count} to put right{rest}." if count else f"All is well{rest}.", style="bold", highlight=False)
    return is_fine(shown)


def _row(line: Line) -> "Table":
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 1))
    row.add_column(width=max(map(len, Verdict)))
    row.add_column(width=WIDEST_SUBJECT)
    row.add_column(overflow="fold")
    row.add_row(Text(line.verdict, style=COLOURS[line.verdict]), Text(line.subject), Text(line.text))
    return row
