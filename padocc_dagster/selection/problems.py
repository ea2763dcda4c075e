"""What is wrong with a group config: one sentence and one line number each, gathered so that all are reported at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from padocc_dagster.pipeline.workdir.names import some as shortened

LONGEST_NAME = 300


@dataclass(frozen=True)
class Problem:
    """One thing to correct. `line` counts from 1 in the group config; None speaks of the file as a whole."""

    line: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.line is None else f"line {self.line}: {self.text}"


class ConfigRejected(ValueError):
    """A group config that cannot be taken. The message names the file and then every problem, one a line.

    `selection` is what a catalogue gave, where that is known.
    """

    def __init__(self, path: Path, problems: Iterable[Problem], selection: Any = None) -> None:
        self.path = path
        self.selection = selection
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        count = len(self.problems)
        name = path.name.encode("utf-8", "backslashreplace").decode()
        headline = f"{name} is not accepted ({count} problem{'s' if count != 1 else ''}):"
        super().__init__("\n".join([headline, *(f"  {problem}" for problem in self.problems)]))


class CatalogueUnreachable(ValueError):
    """A catalogue does not answer, or not with what it should, after every retry: the one error that may pass. The message names the
    address and what came of it.
    """

    def __str__(self) -> str:
        return f"the catalogue could not be read: {super().__str__()}; try again later, and check the address"


@dataclass(frozen=True)
class Findings:
    """The problems found so far. `about` gives the same list a subject, which begins each sentence."""

    problems: list[Problem] = field(default_factory=list)
    subject: str = ""

    def add(self, line: int | None, text: str) -> None:
        self.problems.append(Problem(line, self.subject + text))

    def about(self, subject: str) -> "Findings":
        return Findings(self.problems, f"{subject}: ")


def some(names: list[str]) -> str:
    """The first three names in quotes, and how many more there are."""
    return shortened(repr(name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…") for name in names)
