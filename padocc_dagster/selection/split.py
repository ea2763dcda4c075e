"""A CSV group config parted into its good rows and its bad ones, each of which is a config again."""

from collections.abc import Iterable
from dataclasses import dataclass

from padocc_dagster.selection.csv_form import rows_of
from padocc_dagster.selection.problems import Problem


@dataclass(frozen=True)
class Split:
    """The two texts, and how many projects each has."""

    good: str
    bad: str
    """Before each row, its problems as comments."""
    good_count: int
    bad_count: int


class NotSplit(ValueError):
    """A config whose problems are not those of single rows; the sentence says which."""


def split(text: str, problems: Iterable[Problem]) -> Split:
    """Part the rows of a CSV by the problems found in it. Comments go with the good rows, the header with both.

    Raises NotSplit for problems of the whole file or of its header: the rows may then mean something else.
    """
    header, rows = rows_of(text)
    of_line: dict[int, list[str]] = {}
    for problem in problems:
        if problem.line not in rows:
            raise NotSplit(f"{problem}: this is about the whole file, so correct it first")
        of_line.setdefault(problem.line, []).append(problem.text)
    lines = text.removesuffix("\n").split("\n")
    bad = [lines[header - 1]] if header else []
    for line, texts in sorted(of_line.items()):
        bad += [*(f"# line {line}: {' '.join(each.split())}" for each in texts), lines[line - 1]]
    good = [written for number, written in enumerate(lines, 1) if number not in of_line]
    return Split(_joined(good), _joined(bad), len(rows) - len(of_line), len(of_line))


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
